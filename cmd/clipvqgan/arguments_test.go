package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipvqgan/clipvqgan/models"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWrongFlags: each is told with the form that is wanted, and in no words of Go.
func TestWrongFlags(t *testing.T) {
	t.Chdir(t.TempDir())
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
		"generate --steps -3":            `--steps is -3, wanted a finite number, 0 or more`,
	} {
		root := newRoot(new(settings))
		root.SetArgs(strings.Split(arguments, " "))
		err := root.ExecuteContext(t.Context())
		require.Error(t, err, arguments)
		assert.Equal(t, []string{want}, lines(err))
	}
	_, problems, status := run(t, ".", "generate", "--seed", "-1")
	assert.Equal(t, 1, status)
	assert.Equal(t, "clipvqgan: --seed is \"-1\", wanted a whole number from 0 to 18446744073709551615\n", problems)
}

// TestLabels of three flags, together or alone; commas are part of a label but in --labels.
func TestLabels(t *testing.T) {
	folder := pictures(t, "a.png")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "labels.txt"), []byte("\ufeffa pear, halved\r\n\n  a plum \n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "empty.txt"), []byte("\n \n"), 0o600))
	t.Chdir(folder)
	read := func(arguments ...string) ([]string, error) {
		var given labelFlags
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		given.define(flags)
		require.NoError(t, flags.Parse(arguments))
		names, _, err := given.given(flags)
		return names, err
	}
	for _, test := range []struct{ arguments, want []string }{
		{[]string{"--label", "red, white and blue", "--label", " a cat"}, []string{"red, white and blue", "a cat"}},
		{[]string{"--labels-file", "labels.txt"}, []string{"a pear, halved", "a plum"}},
		{[]string{"--label", "c, d", "--labels-file", "labels.txt", "--labels", "a, b,"}, []string{"a", "b", "c, d", "a pear, halved", "a plum"}},
		{nil, models.Labels()},
	} {
		got, err := read(test.arguments...)
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
	}
	for flag, want := range map[string]string{
		"--label=":                "--label is empty",
		"--labels=, ":             "--labels is empty",
		"--labels-file=none.txt":  "--labels-file: none.txt does not exist",
		"--labels-file=empty.txt": "--labels-file: empty.txt: there are no labels; write one on each line",
		"--labels-file=/dev/zero": "--labels-file: /dev/zero: it has more than 16777216 bytes",
		"--labels-file=.":         "is a directory",
		"--labels=a,b, a":         `the label "a" was given twice; give each once`,
		"--labels-of=mnist":       `--labels-of: there are no labels of "mnist"; known are cifar10, cifar100, food101, imagenet`,
		"--templates=worst":       `--templates: there are no templates "worst"; known are best, cifar, food, openai, simple`,
	} {
		_, err := read(flag)
		assert.ErrorContains(t, err, want)
	}

	out, problems, status := run(t, folder, "classify", "a.png", "--json", "--label", "red, white and blue", "--labels-file", "labels.txt")
	require.Equal(t, 0, status, problems)
	assert.Equal(t, 3.0, decode(t, out)[0]["labels"])
	assert.Contains(t, out, `"label":"red, white and blue"`)
}

// TestFormat holds for one picture too.
func TestFormat(t *testing.T) {
	for _, test := range []struct{ output, format, want, err string }{
		{"", "", "reconstructed.png", ""},
		{"", "webp", "reconstructed.webp", ""},
		{"b.jpg", "jpg", "b.jpg", ""},
		{"b.JPEG", "jpg", "b.JPEG", ""},
		{"c.webp", "", "c.webp", ""},
		{"e.png", "webp", "", "--output is e.png and --format is webp: give an --output that ends in .webp, or leave --format out"},
	} {
		r := reconstruction{output: test.output, format: test.format}
		require.NoError(t, r.checkFormat())
		path, err := r.file()
		assert.Equal(t, test.want, path)
		if test.err != "" {
			assert.EqualError(t, err, test.err)
		}
	}
	r := reconstruction{format: "gif"}
	assert.EqualError(t, r.checkFormat(), `--format is "gif", wanted png, jpg or webp`)

	folder := pictures(t, "a.png")
	out, problems, status := run(t, folder, "reconstruct", "a.png", "--format", "webp")
	require.Equal(t, 0, status, problems)
	assert.Equal(t, "wrote reconstructed.webp\n", out)
	webp, err := os.ReadFile(filepath.Join(folder, "reconstructed.webp"))
	require.NoError(t, err)
	assert.Equal(t, "WEBP", string(webp[8:12]))
	_, problems, status = run(t, folder, "reconstruct", "a.png", "-o", "e.png", "--format", "webp")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "give an --output that ends in .webp")
	assert.NoFileExists(t, filepath.Join(folder, "e.png"))
}
