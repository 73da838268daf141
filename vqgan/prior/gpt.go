package prior

import (
	"errors"
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
)

const gptFamily = "gpt"

// A gpt says how taming's GPT is built, in the fields of taming-transformers' configurations.
type gpt struct {
	Family     string `json:"family"` // gptFamily
	Vocabulary int64  `json:"vocab_size"`
	// Outputs is the number of rows of the head, and ImageTokens how many of them are tokens of pictures.
	Outputs     int64 `json:"outputs"`
	ImageTokens int64 `json:"image_tokens"`
	Positions   int64 `json:"block_size"`
	Layers      int64 `json:"n_layer"`
	Heads       int64 `json:"n_head"`
	Width       int64 `json:"n_embd"`
	// Unmasked is how many of the first positions see each other.
	Unmasked int64 `json:"n_unmasked,omitempty"`
	// Prefix is the number of positions before the picture's first token.
	Prefix int64 `json:"prefix"`
	// EmbeddingSize is the size of an embedding that is the first position, or 0.
	EmbeddingSize int64 `json:"embedding_size,omitempty"`
}

func (g *gpt) check() error {
	if err := checkSizes(size{"vocab_size", g.Vocabulary}, size{"head's size", g.Outputs}, size{"image_tokens", g.ImageTokens},
		size{"block_size", g.Positions}, size{"n_layer", g.Layers}, size{"n_head", g.Heads}, size{"n_embd", g.Width},
		size{"prefix", g.Prefix}); err != nil {
		return err
	}
	switch {
	case g.ImageTokens > g.Outputs || g.ImageTokens > g.Vocabulary:
		return fmt.Errorf("it has %d tokens of pictures, and predicts %d and knows %d", g.ImageTokens, g.Outputs, g.Vocabulary)
	case g.Unmasked < 0 || g.Unmasked > g.Prefix:
		return fmt.Errorf("its n_unmasked is %d, and %d tokens come before the picture's: it cannot draw a token after the other", g.Unmasked, g.Prefix)
	case g.EmbeddingSize < 0 || g.EmbeddingSize > largestSize:
		return fmt.Errorf("its embedding_size is %d", g.EmbeddingSize)
	case g.Prefix > g.Positions:
		return errors.New("its block_size leaves no room for a picture")
	}
	return checkTransformer(g.Width, g.Layers, g.Heads)
}

func (g *gpt) describe() string {
	return fmt.Sprintf("gpt-%d-%d-%d", g.Layers, g.Width, g.ImageTokens)
}

// The initial values are those of taming's GPT.
func (g *gpt) root(weights architecture.Weights) *architecture.Node {
	layer := architecture.Layer{Weight: architecture.Normal(0.02), Bias: architecture.Zeros}
	root := architecture.New("GPT", weights).Parameter("pos_emb", architecture.Zeros, 1, g.Positions, g.Width)
	root.Embedding("tok_emb", g.Vocabulary, g.Width, architecture.Normal(0.02))
	if g.EmbeddingSize > 0 {
		root.Parameter("null_embedding", architecture.Normal(0.02), g.Width)
		root.Linear("emb_proj", g.EmbeddingSize, g.Width, layer)
	}
	blocks := root.Child("blocks", "")
	for range g.Layers {
		block := blocks.Item("Block")
		block.LayerNorm("ln1", g.Width, normEps)
		block.LayerNorm("ln2", g.Width, normEps)
		attention := block.Child("attn", "CausalSelfAttention").Set("n_head", g.Heads)
		for _, name := range []string{"key", "query", "value", "proj"} {
			attention.Linear(name, g.Width, g.Width, layer)
		}
		mlp := block.Child("mlp", "Sequential")
		mlp.Linear("0", g.Width, 4*g.Width, layer)
		mlp.Plain("1", "GELU")
		mlp.Linear("2", 4*g.Width, g.Width, layer)
	}
	root.LayerNorm("ln_f", g.Width, normEps)
	root.Linear("head", g.Width, g.Outputs, architecture.Layer{NoBias: true, Weight: layer.Weight})
	return root.Set("n_layer", g.Layers).Set("n_head", g.Heads).Set("n_unmasked", g.Unmasked).Set("prefix", g.Prefix).Set("image_tokens", g.ImageTokens)
}

// What layer normalizations add to the variance: PyTorch's.
const normEps = 1e-5
