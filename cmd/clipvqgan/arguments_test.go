package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWrongFlags: each is told with the form that is wanted, and in no words of Go.
func TestWrongFlags(t *testing.T) {
	folder := t.TempDir()
	for arguments, want := range map[string]string{
		"generate --seed -1":             `--seed is "-1", wanted a whole number from 0 to 18446744073709551615`,
		"generate --seed":                `--seed has no value, wanted a whole number from 0 to 18446744073709551615`,
		"generate --steps many":          `--steps is "many", wanted a whole number, as 150`,
		"generate --learning-rate 1e400": `--learning-rate is "1e400", wanted a finite number, as 0.2`,
		"generate --on-white=perhaps":    `--on-white is "perhaps", wanted true or false`,
		"generate -o":                    `--output has no value, wanted a text: the picture to write (PNG, JPEG or WebP)`,
		"generate --nonsense":            `there is no flag --nonsense; clipvqgan generate --help shows all`,
		"generate -xyz":                  `there is no flag -x; clipvqgan generate --help shows all`,
		"generate --device foo":          `--device: "foo" is no device; use auto, cpu, cuda or cuda:N`,
		"generate --clip none.pt":        `none.pt does not exist`,
		"generate --steps -3":            `steps is -3, wanted a finite number, 0 or more: invalid argument`,
	} {
		_, problems, status := run(t, folder, strings.Split(arguments, " ")...)
		assert.Equal(t, 1, status, arguments)
		assert.Equal(t, "clipvqgan: "+want+"\n", problems)
	}
}

// TestLabels of three flags, together or alone; commas are part of a label but in --labels.
func TestLabels(t *testing.T) {
	folder := pictures(t, "a.png")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "labels.txt"), []byte("\ufeffa pear, halved\r\n\n  a plum \n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "empty.txt"), []byte("\n \n"), 0o600))
	names := func(arguments ...string) (names []any) {
		out, problems, status := run(t, folder, append([]string{"classify", "a.png", "--json", "--top", "9"}, arguments...)...)
		require.Equal(t, 0, status, problems)
		for _, prediction := range decode(t, out)[0]["predictions"].([]any) {
			names = append(names, prediction.(map[string]any)["label"])
		}
		return names
	}
	assert.ElementsMatch(t, []any{"red, white and blue", "a cat"}, names("--label", "red, white and blue", "--label", " a cat"))
	assert.ElementsMatch(t, []any{"a pear, halved", "a plum"}, names("--labels-file", "labels.txt"))
	assert.ElementsMatch(t, []any{"a", "b", "c, d", "a pear, halved", "a plum"},
		names("--label", "c, d", "--labels-file", "labels.txt", "--labels", "a,b"))

	for flag, want := range map[string]string{
		"--label=":                "--label is empty",
		"--labels-file=none.txt":  "--labels-file: none.txt does not exist",
		"--labels-file=empty.txt": "--labels-file: empty.txt has no labels; write one on each line",
		"--labels-file=/dev/zero": "--labels-file: /dev/zero has more than 16777216 bytes",
		"--labels-file=.":         "is a directory",
	} {
		_, problems, status := run(t, folder, "classify", "a.png", flag)
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, want)
		assert.Equal(t, 1, strings.Count(problems, "\n"))
	}
}

// TestFormat holds for one picture too.
func TestFormat(t *testing.T) {
	folder := pictures(t, "a.png")
	for arguments, want := range map[string]string{
		"--format webp":          "reconstructed.webp",
		"--format jpg -o b.jpg":  "b.jpg",
		"--format jpg -o b.JPEG": "b.JPEG",
		"-o c.webp":              "c.webp",
		"--format jpeg -o d/":    "d/a.jpeg",
	} {
		out, problems, status := run(t, folder, append([]string{"reconstruct", "a.png"}, strings.Split(arguments, " ")...)...)
		require.Equal(t, 0, status, problems)
		assert.Equal(t, "wrote "+want+"\n", out)
		assert.FileExists(t, filepath.Join(folder, want))
	}
	webp, err := os.ReadFile(filepath.Join(folder, "reconstructed.webp"))
	require.NoError(t, err)
	assert.Equal(t, "WEBP", string(webp[8:12]))

	_, problems, status := run(t, folder, "reconstruct", "a.png", "-o", "e.png", "--format", "webp")
	assert.Equal(t, 1, status)
	assert.Equal(t, "clipvqgan: --output is e.png and --format is webp: give an --output that ends in .webp, or leave --format out\n", problems)
	assert.NoFileExists(t, filepath.Join(folder, "e.png"))
	_, problems, _ = run(t, folder, "reconstruct", "a.png", "none.png", "--format", "gif")
	assert.Equal(t, "clipvqgan: --format is \"gif\", wanted png, jpg or webp\n", problems)
}
