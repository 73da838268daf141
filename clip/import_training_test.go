package clip

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// trainingCheckpoint writes the embedded model as train_clip.py would, with changes.
func trainingCheckpoint(t *testing.T, change func(*torch.Dict)) string {
	t.Helper()
	embedded := filepath.Join("..", "models", "clip.pt")
	module, err := jit.Load(embedded)
	require.NoError(t, err)
	defer module.Close()
	state, err := module.StateDict()
	require.NoError(t, err)
	files, err := archive.ExtraFiles(embedded, mergesFile)
	require.NoError(t, err)
	var merges []any
	for line := range strings.Lines(string(files[mergesFile])) {
		merges = append(merges, strings.TrimSuffix(line, "\n"))
	}
	saved := torch.NewDict()
	saved.Set("state_dict", state)
	saved.Set("architecture", "emoji-RN")
	saved.Set("merges", merges)
	if change != nil {
		change(saved)
	}
	path := filepath.Join(t.TempDir(), "checkpoint.pt")
	require.NoError(t, checkpoint.Save(path, saved))
	return path
}

func TestTrainingCheckpoint(t *testing.T) {
	source := trainingCheckpoint(t, nil)
	output := filepath.Join(t.TempDir(), "clip.pt")
	config, err := Import(source, output, ImportOptions{Storage: new(torch.Float16)})
	require.NoError(t, err)
	embedded := filepath.Join("..", "models", "clip.pt")
	wanted, err := ReadConfig(embedded)
	require.NoError(t, err)
	wanted.Source, wanted.SourceSHA256 = config.Source, config.SourceSHA256
	assert.JSONEq(t, string(wanted.Network), string(config.Network))
	wanted.Network, wanted.ResizeMode = config.Network, "shortest" // which an archive without it means
	assert.Equal(t, wanted, config)
	files, err := archive.ExtraFiles(output, mergesFile)
	require.NoError(t, err)
	original, err := archive.ExtraFiles(embedded, mergesFile)
	require.NoError(t, err)
	assert.Equal(t, string(original[mergesFile]), string(files[mergesFile]))

	first, err := Load(embedded)
	require.NoError(t, err)
	defer first.Close()
	for _, path := range []string{output, source} {
		second, err := Load(path)
		require.NoError(t, err)
		defer second.Close()
		a, err := first.EncodeText(t.Context(), "a slice of pizza")
		require.NoError(t, err)
		b, err := second.EncodeText(t.Context(), "a slice of pizza")
		require.NoError(t, err)
		assert.Equal(t, a.Float32s(), b.Float32s())
	}
}

func TestTrainingCheckpointWithOtherMerges(t *testing.T) {
	source := trainingCheckpoint(t, func(d *torch.Dict) { d.Set("merges", []any{"a b"}) })
	output := filepath.Join(t.TempDir(), "clip.pt")
	_, err := Import(source, output, ImportOptions{})
	assert.ErrorIs(t, err, torch.ErrModel)
	assert.ErrorContains(t, err, "its list of merges makes a vocabulary of 515, the model has 8514 tokens")
	_, err = os.Stat(output)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
