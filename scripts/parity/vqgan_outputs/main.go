// Command vqgan_outputs opens a VQGAN checkpoint with package vqgan and writes what it computes from
// images: their latents and tokens, the images decoded from these, and the gradient of a weighted sum
// of the decoded images in the given ones.
//
//	go run ./scripts/parity/vqgan_outputs CHECKPOINT INPUTS.safetensors OUTPUTS.safetensors
//
// The inputs are images [N, 3, H, W] from -1 to 1, weights of the same shape, and in the metadata the
// dtype to compute in.
package main

import (
	"context"

	"github.com/clipvqgan/clipvqgan/scripts/parity/outputs"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func main() { outputs.Main("vqgan_outputs", compute) }

func compute(checkpoint string, inputs *outputs.Inputs) ([]torch.NamedTensor, error) {
	ctx := context.Background()
	model, err := vqgan.Load(checkpoint, inputs.DType)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	images := inputs.Tensors["images"].SetRequiresGrad(true)
	latent, err := model.Encode(ctx, images)
	if err != nil {
		return nil, err
	}
	quantized, err := model.Quantize(ctx, latent)
	if err != nil {
		return nil, err
	}
	decoded, err := model.Decode(ctx, quantized.Latent)
	if err != nil {
		return nil, err
	}
	if err := inputs.Backward(decoded); err != nil {
		return nil, err
	}
	return []torch.NamedTensor{
		{Name: "latent", Tensor: latent.Detach().Contiguous()}, {Name: "tokens", Tensor: quantized.Tokens},
		{Name: "decoded", Tensor: decoded.Detach().Contiguous()}, {Name: "gradient", Tensor: images.Grad().Contiguous()},
	}, nil
}
