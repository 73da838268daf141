// Command gradient shows the core of guided generation: the gradient of a loss, through CLIP and
// the VQGAN's decoder, with respect to a latent.
//
//	go run ./examples/gradient "a slice of pizza"
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gradient TEXT")
	}
	if err := torch.Try(func() error { return descend(context.Background(), os.Args[1]) }); err != nil {
		log.Fatal(err)
	}
}

func descend(ctx context.Context, text string) error {
	vqgan, err := models.VQGAN()
	if err != nil {
		return err
	}
	scorer, err := models.CLIP()
	if err != nil {
		return err
	}
	target, err := scorer.EncodeText(ctx, text)
	if err != nil {
		return err
	}
	tokens := torch.RandInt(0, vqgan.Config().CodebookSize, torch.Shape{1, 16, 16})
	latent, err := vqgan.Embed(ctx, tokens)
	if err != nil {
		return err
	}
	latent.SetRequiresGrad(true)
	options := optim.DefaultAdam()
	options.LearningRate = 0.1
	optimizer, err := optim.Adam([]*torch.Tensor{latent}, options)
	if err != nil {
		return err
	}
	for step := range 20 {
		quantized, err := vqgan.Quantize(ctx, latent)
		if err != nil {
			return err
		}
		decoded, err := vqgan.Decode(ctx, quantized.Latent)
		if err != nil {
			return err
		}
		picture, err := scorer.EncodePixels(ctx, decoded.AddScalar(1).DivScalar(2))
		if err != nil {
			return err
		}
		cosine, err := clip.Similarity(ctx, picture, target)
		if err != nil {
			return err
		}
		optimizer.ZeroGrad()
		cosine.Neg().Sum().Backward()
		optimizer.Step()
		fmt.Printf("step %2d: cosine %.3f\n", step+1, cosine.Item())
	}
	return nil
}
