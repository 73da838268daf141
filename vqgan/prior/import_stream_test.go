package prior

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit/smallprior"
	"github.com/clipvqgan/clipvqgan/torch"
)

func TestImportOfThisProjectsTraining(t *testing.T) {
	folder := t.TempDir()
	checkpoint := filepath.Join(folder, "prior.pt")
	require.NoError(t, smallprior.Write(checkpoint, smallprior.Settings{Codebook: 48, Height: 6, Width: 5, Merges: 100, TextLength: 8, Embedding: 12}))
	model, err := Load(checkpoint)
	require.NoError(t, err)
	defer model.Close()
	config := model.Config()
	assert.Equal(t, Sampling{Temperature: 0.9, TopK: 30, TopP: 0.95, Guidance: 3}, *config.Sampling)
	assert.Equal(t, []int64{48, 6, 5, 8, 614, 12}, []int64{config.CodebookSize, config.GridHeight, config.GridWidth,
		config.TextLength, config.TextVocabulary, config.EmbeddingDimension})

	// The rows of texts: the codebook comes first, then the tokens of texts, then those of unused places.
	row, err := model.textRow("a")
	require.NoError(t, err)
	assert.Equal(t, []int64{48 + 320, 662 + 1, 662 + 2, 662 + 3, 662 + 4, 662 + 5, 662 + 6, 662 + 7}, row)
	null, err := model.textRow("")
	require.NoError(t, err)
	assert.Equal(t, int64(662), null[0])

	// An archive of it, and one of that in another dtype, draw the same.
	whole, half := filepath.Join(folder, "whole.pt"), filepath.Join(folder, "half.pt")
	_, err = Import(checkpoint, whole, ImportOptions{Storage: new(torch.Float32)})
	require.NoError(t, err)
	again, err := Import(whole, half, ImportOptions{Storage: new(torch.Float16)})
	require.NoError(t, err)
	assert.Equal(t, "float16", again.Storage)
	picture := []Picture{{Condition: Condition{Text: "a cat", Embedding: make12()}, Seed: 9}}
	wanted, err := model.Draw(t.Context(), picture, model.DefaultOptions())
	require.NoError(t, err)
	for _, path := range []string{whole, half} {
		other, err := Load(path)
		require.NoError(t, err)
		got, err := other.Draw(t.Context(), picture, other.DefaultOptions())
		require.NoError(t, err)
		assert.Equal(t, wanted, got)
		other.Close()
	}
}

func make12() []float32 { return []float32{1, -2, 3, -4, 5, -6, 1, -2, 3, -4, 5, -6} }

// Bad checkpoints are errors of one line, and nothing is written.
func TestBadCheckpointsAreErrors(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		return data
	}
	class, encoder, vocabulary, merges := read("taming_class/last.ckpt"), read("min_dalle/encoder.pt"), read("min_dalle/vocab.json"), read("min_dalle/merges.txt")
	yaml := func(text string) []byte {
		return []byte("model:\n  params:\n    transformer_config: {target: x.GPT, params: {n_head: 2}}\n" + text)
	}
	for name, each := range map[string]struct {
		files   map[string][]byte
		options ImportOptions
		words   string
	}{
		"empty folder":      {nil, ImportOptions{}, "has no weights"},
		"truncated":         {map[string][]byte{"last.ckpt": class[:len(class)/2]}, ImportOptions{}, "last.ckpt"},
		"no YAML":           {map[string][]byte{"last.ckpt": class}, ImportOptions{}, "do not tell what it is conditioned on"},
		"bad conditioning":  {map[string][]byte{"last.ckpt": class}, ImportOptions{Conditioning: "x"}, `the conditioning is "x"`},
		"bad YAML":          {map[string][]byte{"last.ckpt": class, "last.yaml": []byte("a: [")}, ImportOptions{}, "cannot be read"},
		"unknown condition": {map[string][]byte{"last.ckpt": class, "last.yaml": yaml("    cond_stage_config: {target: a.BERTEmbedder}\n")}, ImportOptions{}, "a.BERTEmbedder is not supported"},
		"permuted": {map[string][]byte{"last.ckpt": class, "last.yaml": yaml("    unconditional: true\n    permuter_config: {target: a.Subsample}\n")},
			ImportOptions{}, "a.Subsample is not supported"},
		"all at once":   {map[string][]byte{"last.ckpt": class, "last.yaml": yaml("    unconditional: true\n    pkeep: 0\n")}, ImportOptions{}, "pkeep is 0"},
		"odd heads":     {map[string][]byte{"last.ckpt": class}, ImportOptions{Conditioning: ClassCondition, Heads: 5}, "no multiple of its 5 heads"},
		"other picture": {map[string][]byte{"last.ckpt": class}, ImportOptions{Conditioning: GridCondition}, "no square picture"},
		"no decoder":    {map[string][]byte{"encoder.pt": encoder}, ImportOptions{}, "its decoder.pt is not beside it"},
		"no tokenizer":  {map[string][]byte{"encoder.pt": encoder, "decoder.pt": read("min_dalle/decoder.pt")}, ImportOptions{}, "there is no vocab.json"},
		"bad tokenizer": {map[string][]byte{"encoder.pt": encoder, "decoder.pt": read("min_dalle/decoder.pt"), "vocab.json": []byte("{}"), "merges.txt": merges},
			ImportOptions{}, "has no token <s>"},
		"the encoder twice": {map[string][]byte{"encoder.pt": encoder, "decoder.pt": encoder, "vocab.json": vocabulary, "merges.txt": merges},
			ImportOptions{}, "its start token is 16383"},
		"a VQGAN of another codebook": {map[string][]byte{"encoder.pt": encoder, "decoder.pt": read("min_dalle/decoder.pt"), "vocab.json": vocabulary, "merges.txt": merges},
			ImportOptions{VQGAN: "testdata/taming_class/last.ckpt"}, "a codebook of 16384, and its VQGAN has one of 48"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, contents := range each.files {
				require.NoError(t, os.WriteFile(filepath.Join(folder, file), contents, 0o600))
			}
			output := filepath.Join(folder, "out.pt")
			_, err := Import(folder, output, each.options)
			require.ErrorContains(t, err, each.words)
			assert.NotContains(t, err.Error(), "\n")
			if name != "bad conditioning" {
				require.ErrorIs(t, err, torch.ErrModel)
			}
			assert.NoFileExists(t, output)
		})
	}
	_, err := ReadConfig("../../models/vqgan.pt")
	require.ErrorContains(t, err, `it is a "vqgan" model`)
	_, err = ReadConfig(filepath.Join("testdata", "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
