package prior

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// streamArchitecture is what checkpoints of scripts/training call the small prior: taming's GPT over one
// stream of an embedding, a text and a picture.
const streamArchitecture = "prior-stream"

func isStream(file *weights.File) bool {
	dict, ok := file.Value.(*torch.Dict)
	return ok && dict.Get("architecture") == streamArchitecture
}

// A streamConfig is the config in such a checkpoint.
type streamConfig struct {
	gpt
	ImageTokens int64   `json:"image_tokens"`
	TextTokens  int64   `json:"text_tokens"`
	TextLength  int64   `json:"text_length"`
	Grid        []int64 `json:"grid"`
	Sampling
}

func (o *opened) identifyStream(file *weights.File) error {
	dict := file.Value.(*torch.Dict)
	settings, err := describeSettings(dict.Get("config"))
	if err != nil {
		return err
	}
	read := streamConfig{Sampling: Sampling{Temperature: 1, TopP: 1, Guidance: 1}}
	if err := json.Unmarshal(settings, &read); err != nil {
		return fmt.Errorf("its config cannot be read: %w", err)
	}
	if len(read.Grid) != 2 {
		return fmt.Errorf("its config has the grid %v, wanted its rows and columns", read.Grid)
	}
	merges, _ := dict.Get("merges").([]any)
	lines, _ := dict.Get("merges").([]string)
	for _, each := range merges {
		line, _ := each.(string)
		lines = append(lines, line)
	}
	g := read.gpt
	g.Family, g.Outputs, g.ImageTokens = gptFamily, read.ImageTokens, read.ImageTokens
	g.Prefix = read.TextLength
	if g.EmbeddingSize > 0 {
		g.Prefix++
	}
	switch {
	case g.Vocabulary != read.ImageTokens+read.TextTokens+read.TextLength:
		return fmt.Errorf("its config has a vocabulary of %d, wanted %d image tokens, %d text tokens and %d of padding",
			g.Vocabulary, read.ImageTokens, read.TextTokens, read.TextLength)
	case read.Grid[0] < 1 || read.Grid[1] < 1 || read.Grid[0] > largestSide || read.Grid[1] > largestSide || g.Positions < g.Prefix+read.Grid[0]*read.Grid[1]-1:
		return fmt.Errorf("its config has a grid of %d x %d in a block of %d", read.Grid[0], read.Grid[1], g.Positions)
	}
	o.design, o.set = &g, file.Set
	o.files = map[string][]byte{mergesFile: []byte(strings.Join(lines, "\n") + "\n")}
	sampling := read.Sampling
	o.config = Config{CodebookSize: read.ImageTokens, GridHeight: read.Grid[0], GridWidth: read.Grid[1],
		Conditioning: TextCondition, Tokenizer: openAITokenizer, TextLength: read.TextLength, TextVocabulary: read.TextTokens,
		EmbeddingDimension: g.EmbeddingSize, Sampling: &sampling}
	return nil
}
