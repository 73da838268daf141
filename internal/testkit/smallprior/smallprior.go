// Package smallprior writes checkpoints of small priors with random weights, for tests.
package smallprior

import (
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// Settings are the sizes of a prior.
type Settings struct {
	Codebook, Height, Width int64
	Merges                  int // of OpenAI's
	TextLength, Embedding   int64
}

// Write writes a checkpoint in the layout of scripts/training: a transformer over one stream of an
// embedding, a text and a picture.
func Write(path string, s Settings) error {
	const width, layers, heads = 16, 2, 2
	text := int64(2*256 + 2 + s.Merges)
	prefix := s.TextLength
	generator, err := torch.NewGenerator(torch.CPU, 11)
	if err != nil {
		return err
	}
	defer generator.Close()
	weights := torch.NewDict()
	add := func(name string, mean float64, shape ...int64) {
		weights.Set(name, torch.RandN(shape, generator).MulScalar(0.2).AddScalar(mean).To(torch.Float16))
	}
	linear := func(name string, in, out int64) {
		add(name+".weight", 0, out, in)
		add(name+".bias", 0, out)
	}
	norm := func(name string) {
		add(name+".weight", 1, width)
		add(name+".bias", 0, width)
	}
	if s.Embedding > 0 {
		prefix++
		linear("emb_proj", s.Embedding, width)
		add("null_embedding", 0, width)
	}
	positions := prefix + s.Height*s.Width
	add("tok_emb.weight", 0, s.Codebook+text+s.TextLength, width)
	add("pos_emb", 0, 1, positions, width)
	for i := range layers {
		block := fmt.Sprintf("blocks.%d.", i)
		norm(block + "ln1")
		norm(block + "ln2")
		for _, name := range []string{"key", "query", "value", "proj"} {
			linear(block+"attn."+name, width, width)
		}
		linear(block+"mlp.0", width, 4*width)
		linear(block+"mlp.2", 4*width, width)
	}
	norm("ln_f")
	add("head.weight", 0, s.Codebook, width)
	merges := []any{}
	for line := range strings.Lines(string(tokenizer.OpenAIMerges())) {
		if len(merges) < s.Merges {
			merges = append(merges, strings.TrimSpace(line))
		}
	}
	return checkpoint.Save(path, torch.NewDict("architecture", "prior-stream", "config", torch.NewDict(
		"vocab_size", s.Codebook+text+s.TextLength, "image_tokens", s.Codebook, "text_tokens", text, "text_length", s.TextLength,
		"grid", []any{s.Height, s.Width}, "embedding_size", s.Embedding, "n_layer", int64(layers), "n_head", int64(heads), "n_embd", int64(width),
		"block_size", positions, "guidance", 3.0, "temperature", 0.9, "top_k", int64(30), "top_p", 0.95, "vqgan", "small",
	), "merges", merges, "model", weights))
}
