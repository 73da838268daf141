package prior

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// save writes an archive of a small network with random weights, and loads it.
func save(t *testing.T, d design, config Config, files map[string][]byte) *Model {
	t.Helper()
	torch.ManualSeed(3)
	config, err := describeModule(d, config)
	require.NoError(t, err)
	module, err := build(d, weights.Fresh{})
	require.NoError(t, err)
	defer module.Close()
	parameters, err := module.NamedParameters()
	require.NoError(t, err)
	for _, p := range parameters { // larger than for training, so that everything matters
		if strings.HasSuffix(p.Name, "norm.weight") || strings.Contains(p.Name, "ln") && strings.HasSuffix(p.Name, "weight") {
			continue
		}
		p.Tensor.NormalInPlace(0, 0.2, nil)
		p.Tensor.Close()
	}
	for name, contents := range files {
		require.NoError(t, module.SetExtraFile(name, contents))
	}
	path := filepath.Join(t.TempDir(), "prior.pt")
	require.NoError(t, archive.Save(module, path, config))
	model, err := Load(path)
	require.NoError(t, err)
	t.Cleanup(model.Close)
	return model
}

const smallMerges = 100

// streamModel is a small model of texts and embeddings over pictures of 4 x 4 tokens.
func streamModel(t *testing.T) *Model {
	t.Helper()
	const codebook, length, dimension = 40, 6, 8
	merges := strings.SplitAfter(string(tokenizer.OpenAIMerges()), "\n")[:smallMerges]
	vocabulary := int64(512 + smallMerges + 2)
	g := &gpt{Family: gptFamily, Vocabulary: codebook + vocabulary + length, Outputs: codebook, ImageTokens: codebook,
		Positions: 1 + length + 16, Layers: 2, Heads: 2, Width: 16, Prefix: 1 + length, EmbeddingSize: dimension}
	return save(t, g, Config{CodebookSize: codebook, GridHeight: 4, GridWidth: 4, Conditioning: TextCondition,
		Tokenizer: openAITokenizer, TextLength: length, TextVocabulary: vocabulary, EmbeddingDimension: dimension},
		map[string][]byte{mergesFile: []byte(strings.Join(merges, ""))})
}

// gridModel is a small model conditioned on a grid, over pictures of 4 x 4 tokens.
func gridModel(t *testing.T, unmasked int64) *Model {
	t.Helper()
	g := &gpt{Family: gptFamily, Vocabulary: 40, Outputs: 40, ImageTokens: 40, Positions: 32, Layers: 2, Heads: 2, Width: 16,
		Prefix: 16, Unmasked: unmasked}
	return save(t, g, Config{CodebookSize: 40, GridHeight: 4, GridWidth: 4, Conditioning: GridCondition, ConditionVocabulary: 30}, nil)
}

// classModel is a small model conditioned on a class.
func classModel(t *testing.T) *Model {
	t.Helper()
	g := &gpt{Family: gptFamily, Vocabulary: 40, Outputs: 40, ImageTokens: 40, Positions: 16, Layers: 2, Heads: 2, Width: 16, Prefix: 1}
	return save(t, g, Config{CodebookSize: 40, GridHeight: 4, GridWidth: 4, Conditioning: ClassCondition, Classes: 10}, nil)
}

// dalleMiniFiles are those of a small tokenizer.
func dalleMiniFiles() map[string][]byte {
	return map[string][]byte{
		vocabularyFile: []byte(`{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "Ġ": 4, "a": 5, "b": 6, "c": 7, "Ġa": 8, "bc": 9, "Ġabc": 10}`),
		mergesFile:     []byte("#version: 0.2\nĠ a\nb c\nĠa bc\n"),
	}
}

// bartModel is a small model of an encoder and a decoder.
func bartModel(t *testing.T) *Model {
	t.Helper()
	d := &dalleBart{Family: dalleBartFamily, ImageVocabulary: 40, ImageTokens: 40, ImageLength: 16, TextVocabulary: 12, TextLength: 7,
		Layers: 2, Heads: 2, Width: 16, MLPWidth: 24, Start: 39, Padding: 1}
	config := d.config()
	config.GridHeight, config.GridWidth = 4, 4
	return save(t, d, config, dalleMiniFiles())
}

// ramp is a grid of tokens that go up.
func ramp(height, width int) Grid {
	grid := Grid{Height: height, Width: width}
	for i := range height * width {
		grid.Tokens = append(grid.Tokens, int64(i*7%30))
	}
	return grid
}
