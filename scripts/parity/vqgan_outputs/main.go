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
	"fmt"
	"os"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "vqgan_outputs:", err)
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
	model, err := vqgan.Load(checkpoint, dtype)
	if err != nil {
		return err
	}
	defer model.Close()
	tensors := map[string]*torch.Tensor{}
	for _, each := range list {
		tensors[each.Name] = each.Tensor
	}
	images := tensors["images"].SetRequiresGrad(true)
	latent, err := model.Encode(ctx, images)
	if err != nil {
		return err
	}
	quantized, err := model.Quantize(ctx, latent)
	if err != nil {
		return err
	}
	decoded, err := model.Decode(ctx, quantized.Latent)
	if err != nil {
		return err
	}
	if err := torch.Try(func() error { decoded.Mul(tensors["weights"]).Sum().Backward(); return nil }); err != nil {
		return err
	}
	return safetensors.Save(outputs, []torch.NamedTensor{
		{Name: "latent", Tensor: latent.Detach().Contiguous()}, {Name: "tokens", Tensor: quantized.Tokens},
		{Name: "decoded", Tensor: decoded.Detach().Contiguous()}, {Name: "gradient", Tensor: images.Grad().Contiguous()},
	}, nil)
}
