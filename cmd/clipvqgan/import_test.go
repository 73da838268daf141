package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository returns the absolute path of a file of the repository.
func repository(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(name)))
	require.NoError(t, err)
	return path
}

func TestImport(t *testing.T) {
	folder := t.TempDir()
	for _, each := range []struct{ source, kind, said string }{
		{"clip/testdata/checkpoints/openai_resnet/model.pt", "CLIP", "CLIP RN[1 1 2 1]x2@32, float16"},
		{"clip/testdata/checkpoints/huggingface_siglip", "CLIP", "CLIP siglip, float16"},
		{"vqgan/testdata/checkpoints/taming", "VQGAN", "VQGAN f4-48, float16"},
		{"vqgan/testdata/checkpoints/dalle", "VQGAN", "VQGAN dvae-f8-64, float16"},
	} {
		stdout, stderr, status := run(t, folder, "import", repository(t, each.source), "-o", "model.pt", "--storage", "float16")
		require.Zero(t, status, stderr)
		assert.Equal(t, "model.pt: "+each.said+"\n", stdout)
		assert.Contains(t, stderr, "tensors", "the progress is told")

		stdout, stderr, status = run(t, folder, "inspect", "model.pt", repository(t, each.source))
		require.Zero(t, status, stderr)
		assert.Equal(t, 2, strings.Count(stdout, "kind           "+each.kind+"\n"), stdout)
		assert.Contains(t, stdout, "sha256 ")
	}
}

func TestImportedModelWorks(t *testing.T) {
	folder := t.TempDir()
	_, stderr, status := run(t, folder, "import", repository(t, "models/clip.pt"), "-o", "again.pt", "--storage", "bfloat16")
	require.Zero(t, status, stderr)
	stdout, stderr, status := run(t, folder, "inspect", "again.pt", "--json")
	require.Zero(t, status, stderr)
	var model struct {
		Kind   string
		DTypes map[string]int
		Config struct{ Architecture, Storage string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &model))
	assert.Equal(t, "clip", model.Kind)
	assert.Equal(t, "emoji-RN", model.Config.Architecture)
	assert.Equal(t, "bfloat16", model.Config.Storage)
	assert.NotContains(t, model.DTypes, "float16")
	stdout, stderr, status = run(t, folder, "classify", repository(t, "docs/generated.png"), "--clip", "again.pt", "--labels", "a cat,a dog")
	require.Zero(t, status, stderr)
	assert.Contains(t, stdout, "a cat")
}

func TestImportFailures(t *testing.T) {
	folder := t.TempDir()
	checkpoint := repository(t, "clip/testdata/checkpoints/open_clip")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "text.pt"), []byte("no model at all, but text"), 0o600))
	for wanted, arguments := range map[string][]string{
		"no output was given; name the archive to write with -o":     {checkpoint},
		"no checkpoint was given":                                    {"-o", "model.pt"},
		"2 arguments were given, wanted one checkpoint":              {checkpoint, checkpoint, "-o", "model.pt"},
		`--storage is "huge", wanted float16, bfloat16 or float32`:   {checkpoint, "-o", "model.pt", "--storage", "huge"},
		"cannot be stored as int8":                                   {checkpoint, "-o", "model.pt", "--storage", "int8"},
		`there is no architecture "ViT-Q-1"`:                         {checkpoint, "-o", "model.pt", "--architecture", "ViT-Q-1"},
		"--config is for checkpoints of taming-transformers":         {checkpoint, "-o", "model.pt", "--config", "x.yaml"},
		"cannot write /dev/null: it is no regular file":              {checkpoint, "-o", "/dev/null"},
		"cannot write " + folder + ": it is a folder":                {checkpoint, "-o", folder},
		"cannot write none/model.pt: the folder none does not exist": {checkpoint, "-o", "none/model.pt"},
		"does not exist": {"nothing.pt", "-o", "model.pt"},
		"text.pt is no checkpoint: neither safetensors nor a file of PyTorch": {"text.pt", "-o", "model.pt"},
		"text.pt is the source too: give another output":                      {"text.pt", "-o", "text.pt"},
	} {
		t.Run(wanted, func(t *testing.T) {
			stdout, stderr, status := run(t, folder, append([]string{"import"}, arguments...)...)
			assert.Equal(t, 1, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, wanted)
			assert.Equal(t, 1, strings.Count(strings.TrimRight(stderr, "\n"), "\n")+1, "one line: %s", stderr)
			_, err := os.Stat(filepath.Join(folder, "model.pt"))
			assert.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

// What a model lacks is not told of.
func TestInspectOneEncoder(t *testing.T) {
	for name, each := range map[string]struct{ kind, has, lacks string }{
		"huggingface_image": {"CLIP, its image encoder alone", "pictures  ", "texts  "},
		"huggingface_text":  {"CLIP, its text encoder alone", "texts  ", "pictures  "},
	} {
		stdout, stderr, status := run(t, t.TempDir(), "inspect", repository(t, "clip/testdata/checkpoints/"+name))
		require.Zero(t, status, stderr)
		assert.Contains(t, stdout, each.kind)
		assert.Contains(t, stdout, each.has)
		assert.NotContains(t, stdout, each.lacks)
	}
	stdout, _, _ := run(t, t.TempDir(), "inspect", repository(t, "clip/testdata/checkpoints/huggingface_siglip"))
	assert.Contains(t, stdout, "both sides scaled")
	stdout, _, _ = run(t, t.TempDir(), "inspect", repository(t, "vqgan/testdata/checkpoints/diffusers_movq"))
	assert.Contains(t, stdout, "movq-f4-48")
}

// One bad model does not end the inspection of the others.
func TestInspectGoesOn(t *testing.T) {
	folder := t.TempDir()
	stdout, stderr, status := run(t, folder, "inspect", "missing.pt", repository(t, "models/vqgan.pt"), "--json")
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "missing.pt does not exist")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], `"error"`)
	assert.Contains(t, lines[1], `"kind":"vqgan"`)
}

// Results that cannot be written are not lost in silence.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full")
	}
	defer full.Close()
	for _, arguments := range [][]string{
		{"classify", repository(t, "docs/generated.png"), "--top", "1"}, {"inspect", repository(t, "models/clip.pt")}, {"--help"},
	} {
		command := exec.Command(program, arguments...)
		var problems bytes.Buffer
		command.Stdout, command.Stderr = full, &problems
		require.Error(t, command.Run(), arguments)
		assert.Equal(t, 1, command.ProcessState.ExitCode())
		assert.Contains(t, problems.String(), "no space left on device")
	}
}
