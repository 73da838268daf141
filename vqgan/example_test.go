package vqgan_test

import (
	"context"
	"fmt"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func ExampleLoad() {
	model, err := vqgan.Load("../models/vqgan.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	again, err := model.Reconstruct(context.Background(), imageio.NewRGB(64, 64))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Bounds())
	// Output: (0,0)-(64,64)
}

func ExampleModel_Quantize() {
	model, err := vqgan.Load("../models/vqgan.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	latent, err := model.EncodeImage(context.Background(), imageio.NewRGB(64, 64), 64, 64)
	if err != nil {
		fmt.Println(err)
		return
	}
	quantized, err := model.Quantize(context.Background(), latent)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(quantized.Tokens.Shape(), quantized.Tokens.DType())
	// Output: [1 16 16] int64
}
