package models_test

import (
	"context"
	"fmt"

	"github.com/clipvqgan/clipvqgan/models"
)

func ExampleCLIP() {
	model, err := models.CLIP()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	embeddings, err := model.EncodeText(context.Background(), "a slice of pizza")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(embeddings.Size(0))
	// Output: 1
}

func ExampleVQGAN() {
	model, err := models.VQGAN()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	fmt.Println(model.Device(), model.DType())
	// Output: cpu float32
}

func ExampleDrawingVQGAN() {
	model, err := models.DrawingVQGAN()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	fmt.Println(model.Config().ImageSize, model.Config().CodebookSize)
	// Output: 128 2048
}
