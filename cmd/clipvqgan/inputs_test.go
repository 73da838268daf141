package main

import (
	"bytes"
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// pictures writes small ones, and a text file among them.
func pictures(t *testing.T, names ...string) (folder string) {
	folder = t.TempDir()
	for _, name := range names {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		savePNG(t, path, image.NewGray(image.Rect(0, 0, 16, 16)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("not a picture"), 0o600))
	return folder
}

func TestExpand(t *testing.T) {
	folder := pictures(t, "b.png", "a.JPG", "in/c.webp", ".hidden.png", ".hidden/d.png", "e [1].png")
	t.Chdir(folder)
	inputs, failed := expand([]string{"in", "*.png", "e [1].png", "notes.txt", "-", ".", "none.png", "*.gif", "in/*", "-"})
	var names []string
	for _, input := range inputs {
		names = append(names, input.name)
	}
	assert.Equal(t, []string{
		"in/c.webp",
		".hidden.png", "b.png", "e [1].png", // Go's patterns match hidden files too
		"e [1].png", "notes.txt", "-",
		"a.JPG", "b.png", "e [1].png", "in/c.webp",
		"in/c.webp",
	}, names)
	assert.Equal(t, 15, failed.inputs)
	assert.Equal(t, []string{"none.png does not exist", "no file matches *.gif", "- was given twice, and standard input can be read only once",
		"3 of 15 inputs failed"}, lines(failed.result()))

	_, failed = expand([]string{"b.png"})
	assert.NoError(t, failed.result())
}

// TestABadInputDoesNotStopTheOthers in either command: what failed is told at the end.
func TestABadInputDoesNotStopTheOthers(t *testing.T) {
	folder := pictures(t, "a.png", "in/a.png", "in/b.png")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "in", "broken.png"), []byte("broken"), 0o600))
	out, problems, status := run(t, folder, "classify", "a.png", "none.png", "in", "--labels", "a,b")
	assert.Equal(t, 1, status)
	assert.Equal(t, 3, strings.Count(out, "among 2 labels"), out)
	told := strings.Split(strings.TrimSpace(problems), "\n")
	require.GreaterOrEqual(t, len(told), 3)
	told = told[len(told)-3:]
	assert.Contains(t, told[0], "none.png does not exist")
	assert.Contains(t, told[1], "in/broken.png")
	assert.Equal(t, "clipvqgan: 2 of 5 inputs failed", told[2])

	out, problems, status = run(t, folder, "reconstruct", "a.png", "none.png", "in", "-o", "out/")
	assert.Equal(t, 1, status)
	assert.Contains(t, problems, "clipvqgan: 2 of 5 inputs failed\n")
	assert.Equal(t, "wrote out/a.png\nwrote out/a-2.png\nwrote out/b.png\n", out)
	assert.Equal(t, []string{"a-2.png", "a.png", "b.png"}, files(t, filepath.Join(folder, "out")))

	// Without a name: a file for one picture, a folder for several.
	out, _, _ = run(t, folder, "reconstruct", "a.png")
	assert.Equal(t, "wrote reconstructed.png\n", out)
	out, _, _ = run(t, folder, "reconstruct", "a.png", "in/b.png", "--format", "jpg")
	assert.Equal(t, "wrote reconstructed/a.jpg\nwrote reconstructed/b.jpg\n", out)
}

// TestSubFolders of a folder are those of its reconstructions.
func TestSubFolders(t *testing.T) {
	folder := pictures(t, "in/a.png", "in/x/a.png", "in/x/y/a.jpg.png", "b.png")
	out, problems, status := run(t, folder, "reconstruct", "in", "b.png", "in/x/*.png", "--json", "-o", "out", "--format", "webp")
	require.Equal(t, 0, status, problems)
	var written []any
	for _, object := range decode(t, out) {
		written = append(written, object["output"])
	}
	assert.Equal(t, []any{"out/a.webp", "out/x/a.webp", "out/x/y/a.jpg.webp", "out/b.webp", "out/a-2.webp"}, written)
	assert.FileExists(t, filepath.Join(folder, "out", "x", "y", "a.jpg.webp"))
}

// TestNamesThatAreNotUTF8 come back from JSON as Python reads it.
func TestNamesThatAreNotUTF8(t *testing.T) {
	for name, want := range map[string]string{
		"":                   `""`,
		"a \"<b>\"\n.png":    `"a \"<b>\"\n.png"`,
		"ein \xfcber \ufffd": "\"ein \\udcfcber \ufffd\"",
		"\xff\xc3":           `"\udcff\udcc3"`,
	} {
		var out strings.Builder
		require.NoError(t, printJSON(&out, fileName(name)))
		assert.Equal(t, want+"\n", out.String())
	}
	folder := pictures(t, "a.png")
	require.NoError(t, os.Rename(filepath.Join(folder, "a.png"), filepath.Join(folder, "\xfc.png")))
	out, problems, status := run(t, folder, "reconstruct", "--json", ".", "none-\xfe", "-o", "out")
	assert.Equal(t, 1, status, problems)
	assert.Contains(t, out, `{"picture":"none-\udcfe","error":`)
	assert.Contains(t, out, `{"picture":"\udcfc.png","output":"out/\udcfc.png"}`)
}

// pipe runs the program in a folder, with standard input.
func pipe(folder string, input []byte, arguments ...string) (out, problems string, status int) {
	command := exec.Command(program, arguments...)
	command.Dir = folder
	command.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Run()
	return stdout.String(), stderr.String(), command.ProcessState.ExitCode()
}

// TestStandardInput wherever a picture is taken.
func TestStandardInput(t *testing.T) {
	folder := pictures(t, "a.png")
	picture, err := os.ReadFile(filepath.Join(folder, "a.png"))
	require.NoError(t, err)
	pipe := func(input []byte, arguments ...string) (out, problems string, status int) {
		return pipe(folder, input, arguments...)
	}
	out, problems, status := pipe(picture, "classify", "-", "--labels", "a,b")
	require.Equal(t, 0, status, problems)
	assert.Contains(t, out, "standard input, among 2 labels:\n")
	out, problems, status = pipe(picture, "reconstruct", "-", "-o", "b.png")
	require.Equal(t, 0, status, problems)
	assert.Equal(t, "wrote b.png\n", out)
	_, problems, status = pipe(picture, "generate", "cat", "--init", "-", "--steps", "1", "--cutouts", "1", "-o", "c.png")
	require.Equal(t, 0, status, problems)
	assert.FileExists(t, filepath.Join(folder, "c.png"))

	for _, command := range [][]string{{"classify", "-", "--labels", "a"}, {"reconstruct", "-"}} {
		_, problems, status = pipe([]byte("not a picture"), command...)
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, "standard input: ")
		assert.NotContains(t, problems, "/dev")
	}
}

// endless is the start of a PNG and then zeros without end.
type endless struct{ start []byte }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.start)
	e.start = e.start[n:]
	clear(p[n:])
	return len(p), nil
}

// TestStandardInputWithoutEnd is read to a limit.
func TestStandardInputWithoutEnd(t *testing.T) {
	for _, arguments := range [][]string{{"classify", "-", "--labels", "a"}, {"reconstruct", "-"}, {"generate", "--init", "-"}} {
		command := exec.Command(program, arguments...)
		command.Dir = t.TempDir()
		command.Stdin = &endless{[]byte("\x89PNG\r\n\x1a\n")}
		var problems bytes.Buffer
		command.Stderr = &problems
		assert.Error(t, command.Run())
		assert.Equal(t, 1, command.ProcessState.ExitCode())
		assert.Equal(t, "clipvqgan: standard input: too many bytes: the limit for a stream is 268435456\n", problems.String())
	}
}

// decode reads JSON lines.
func decode(t *testing.T, text string) (objects []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		objects = append(objects, object)
	}
	return objects
}

func TestJSON(t *testing.T) {
	folder := pictures(t, "a <b>.png")
	out, _, status := run(t, folder, "classify", "--json", "a <b>.png", "notes.txt", "--labels", "a,b,c", "--top", "2")
	assert.Equal(t, 1, status)
	objects := decode(t, out)
	require.Len(t, objects, 2)
	assert.Equal(t, "a <b>.png", objects[0]["picture"])
	assert.Equal(t, 3.0, objects[0]["labels"])
	require.Len(t, objects[0]["predictions"], 2)
	first := objects[0]["predictions"].([]any)[0].(map[string]any)
	assert.Contains(t, []any{"a", "b", "c"}, first["label"])
	assert.InDelta(t, 0.65, first["probability"], 0.35)
	assert.Equal(t, "notes.txt", objects[1]["picture"])
	assert.Contains(t, objects[1]["error"], "notes.txt")
	assert.Contains(t, out, "a <b>.png", "as it is written")

	out, _, status = run(t, folder, "reconstruct", "--json", "a <b>.png", "-o", "b.png")
	require.Equal(t, 0, status)
	assert.Equal(t, []map[string]any{{"picture": "a <b>.png", "output": "b.png"}}, decode(t, out))

	out, _, status = run(t, folder, "generate", "--json", "a cat", "fog:-0.5", "-o", "c.png", "--seed", "7", "--steps", "2", "--cutouts", "1")
	require.Equal(t, 0, status)
	objects = decode(t, out)
	require.Len(t, objects, 1)
	report := objects[0]
	assert.Equal(t, []any{"c.png", 7.0, 2.0, 64.0}, []any{report["output"], report["seed"], report["steps"], report["width"]})
	assert.Equal(t, []any{map[string]any{"text": "a cat", "weight": 1.0}, map[string]any{"text": "fog", "weight": -0.5}}, report["prompts"])
	assert.Len(t, report["losses"], 2)
	judged := report["judgement"].(map[string]any)
	assert.Equal(t, "a cat", judged["prompt"])
	assert.Len(t, judged["predictions"], 5)
	_, err := imageio.Load(filepath.Join(folder, "c.png"), imageio.Options{})
	assert.NoError(t, err)
}
