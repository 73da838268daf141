// Command zeroshot shows zero-shot classification: it compares an image with labels that the model
// was not trained to tell apart, given as text.
//
//	go run ./examples/zeroshot photo.png "a cat" "a dog" "a slice of pizza"
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: zeroshot PICTURE LABEL...")
	}
	picture, err := imageio.Load(os.Args[1], imageio.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	model, err := models.CLIP()
	if err != nil {
		log.Fatal(err)
	}
	classifier, err := model.NewClassifier(ctx, os.Args[2:])
	if err != nil {
		log.Fatal(err)
	}
	predictions, err := classifier.Classify(ctx, picture)
	if err != nil {
		log.Fatal(err)
	}
	for _, prediction := range predictions[0] {
		fmt.Printf("%5.1f %%  %s\n", 100*prediction.Probability, prediction.Label)
	}
}
