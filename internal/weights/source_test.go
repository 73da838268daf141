package weights

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit/checkpoints"
	"github.com/clipvqgan/clipvqgan/torch"
)

func TestFindIn(t *testing.T) {
	folder := checkpoints.Copy(t, t.TempDir())
	find := func(source string) string {
		path, err := findIn(folder.File(source), []string{"first.safetensors", "second.bin"})
		require.NoError(t, err)
		relative, err := filepath.Rel(folder.Path, path)
		require.NoError(t, err)
		return relative
	}
	folder.Write("named/second.bin", "")
	folder.Write("named/other.pt", "")
	assert.Equal(t, "named/second.bin", find("named"))
	assert.Equal(t, "named/other.pt", find("named/other.pt"))
	folder.Write("named/first.safetensors", "")
	assert.Equal(t, "named/first.safetensors", find("named"))

	folder.Write("alone/epoch_3.pt", "")
	folder.Write("alone/config.json", "")
	assert.Equal(t, "alone/epoch_3.pt", find("alone"))

	// The cache of Hugging Face's hub.
	folder.Write("models--a--b/snapshots/abc/first.safetensors", "")
	assert.Equal(t, "models--a--b/snapshots/abc/first.safetensors", find("models--a--b"))
	folder.Write("models--a--b/snapshots/def/second.bin", "")
	_, err := findIn(folder.File("models--a--b"), nil)
	assert.ErrorContains(t, err, "has 2 snapshots of a model: give one of them")
	folder.Write("models--a--b/refs/main", "def\n")
	assert.Equal(t, "models--a--b/snapshots/def/second.bin", find("models--a--b"))

	folder.Write("none/readme.md", "")
	_, err = findIn(folder.File("none"), nil)
	assert.ErrorContains(t, err, "has no weights, which would be in a file of type .safetensors, .bin, .pt, .pth, .ckpt")
	assert.ErrorIs(t, err, ErrNoWeights)
	assert.ErrorIs(t, err, torch.ErrModel)
	_, err = findIn(folder.File("nowhere"), nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestHarmless(t *testing.T) {
	shared := []any{1.0}
	for range 60 {
		shared = []any{shared, shared} // 2^60 elements, of which each list is looked at once
	}
	value := torch.NewDict()
	value.Set("shared", shared)
	value.Set("callback", &torch.Object{Class: "argparse.Namespace", State: torch.NewDict()})
	assert.NoError(t, checkHarmless("a.pt", value))
	object := &torch.Object{Class: "a.b", Items: []any{torch.Tuple{&torch.Object{Class: "builtins.eval"}}}}
	object.State = object
	value.Set("code", object)
	assert.EqualError(t, checkHarmless("a.pt", value), "a.pt would run builtins.eval if Python opened it, and is not used: damaged or unknown file")
	assert.NoError(t, checkHarmless("a.pt", &torch.Object{Class: "builtins.evaluate"}))
}
