package main

import (
	"context"
	"image"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// cosines returns the cosine between the embedding of a text and that of each picture.
func cosines(ctx context.Context, model *clip.Model, text string, pictures []image.Image) (scores []float64, err error) {
	err = torch.Compute(ctx, func(*torch.TensorScope) error {
		embedded, err := model.EncodeText(ctx, text)
		if err != nil {
			return err
		}
		of, err := model.EncodeImage(ctx, pictures...)
		if err != nil {
			return err
		}
		scores = torch.ToSlice[float64](of.To(torch.Float64).Normalize(-1).MatMul(embedded.To(torch.Float64).Normalize(-1).T()).Reshape(torch.Shape{-1}))
		return nil
	})
	return scores, err
}
