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
	"fmt"
	"os"
	"strings"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "clip_outputs:", err)
		os.Exit(1)
	}
}

func run(checkpoint, inputs, outputs string) error {
	ctx := context.Background()
	list, metadata, err := safetensors.Load(inputs)
	if err != nil {
		return err
	}
	dtype, err := torch.ParseDType(metadata["dtype"])
	if err != nil {
		return err
	}
	model, err := clip.Load(checkpoint, dtype)
	if err != nil {
		return err
	}
	defer model.Close()
	tensors := map[string]*torch.Tensor{}
	for _, each := range list {
		tensors[each.Name] = each.Tensor
	}
	prompts := strings.Split(metadata["text"], "\n")
	text, err := model.EncodeText(ctx, prompts...)
	if err != nil {
		return err
	}
	rows, err := model.Tokenizer().Tokenize(prompts...)
	if err != nil {
		return err
	}
	pixels := tensors["pixels"].SetRequiresGrad(true)
	image, err := model.EncodePixels(ctx, pixels)
	if err != nil {
		return err
	}
	if err := torch.Try(func() error { image.Mul(tensors["weights"]).Sum().Backward(); return nil }); err != nil {
		return err
	}
	var tokens []int64
	for _, row := range rows {
		tokens = append(tokens, row...)
	}
	return safetensors.Save(outputs, []torch.NamedTensor{
		{Name: "image", Tensor: image.Detach()}, {Name: "text", Tensor: text.Detach()}, {Name: "gradient", Tensor: pixels.Grad()},
		{Name: "tokens", Tensor: torch.FromSlice(tokens, torch.Shape{int64(len(rows)), int64(len(rows[0]))})},
		{Name: "logit_scale", Tensor: torch.FromSlice([]float64{model.LogitScale()}, nil)},
	}, nil)
}
