// Command clip_outputs opens a CLIP checkpoint with package clip and writes what it computes from
// given inputs: the embeddings, and the gradient of a weighted sum of the picture's embedding in the
// picture.
//
//	go run ./scripts/parity/clip_outputs CHECKPOINT INPUTS.safetensors OUTPUTS.safetensors
//
// The inputs are pixels [N, 3, S, S] from 0 to 1, weights [N, D], and in the metadata the dtype to
// compute in and the text, one prompt in each line.
package main

import (
	"context"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/scripts/parity/outputs"
	"github.com/clipvqgan/clipvqgan/torch"
)

func main() { outputs.Main("clip_outputs", compute) }

func compute(checkpoint string, inputs *outputs.Inputs) ([]torch.NamedTensor, error) {
	ctx := context.Background()
	model, err := clip.Load(checkpoint, inputs.DType)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	prompts := strings.Split(inputs.Metadata["text"], "\n")
	text, err := model.EncodeText(ctx, prompts...)
	if err != nil {
		return nil, err
	}
	rows, err := model.Tokenizer().Tokenize(prompts...)
	if err != nil {
		return nil, err
	}
	pixels := inputs.Tensors["pixels"].SetRequiresGrad(true)
	image, err := model.EncodePixels(ctx, pixels)
	if err != nil {
		return nil, err
	}
	if err := inputs.Backward(image); err != nil {
		return nil, err
	}
	return []torch.NamedTensor{
		{Name: "image", Tensor: image.Detach()}, {Name: "text", Tensor: text.Detach()}, {Name: "gradient", Tensor: pixels.Grad()},
		{Name: "tokens", Tensor: torch.FromSlice(slices.Concat(rows...), torch.Shape{int64(len(rows)), int64(len(rows[0]))})},
		{Name: "logit_scale", Tensor: torch.FromSlice([]float64{model.LogitScale()}, nil)},
	}, nil
}
