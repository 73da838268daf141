package clip_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
)

func ExampleLoad() {
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	fmt.Println(model.ImageSize(), model.Device())

	_, err = clip.Load("none.pt")
	fmt.Println(err != nil)
	// Output:
	// 64 cpu
	// true
}

func ExampleModel_EncodeText() {
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	embeddings, err := model.EncodeText(context.Background(), "a red heart", "a slice of pizza")
	if err != nil {
		fmt.Println(err)
		return
	}
	cosines, err := clip.Similarity(context.Background(), embeddings, embeddings)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cosines.Shape(), cosines.Diagonal(0, 0, 1).Round().Float32s())
	// Output: [2 2] [1 1]
}

func ExampleModel_EncodeFiles() {
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	paths := []string{"testdata/pictures/square.png", "missing.png", "testdata/pictures/tall.png"}
	for embedding, err := range model.EncodeFiles(context.Background(), slices.Values(paths)) {
		var unreadable *clip.PictureError
		switch {
		case errors.As(err, &unreadable): // the other files are still embedded
			fmt.Println(unreadable)
		case err != nil:
			fmt.Println(err)
			return
		default:
			fmt.Println(embedding.Path, len(embedding.Vector) == int(model.Config().EmbeddingDimension))
		}
	}
	// Output:
	// testdata/pictures/square.png true
	// picture 2: imageio: open missing.png: no such file or directory
	// testdata/pictures/tall.png true
}

func ExamplePreprocessor() {
	values, err := clip.NewPreprocessor(224).Load("testdata/pictures/wide.png")
	fmt.Println(len(values), err) // 3 channels of 224 x 224
	// Output: 150528 <nil>
}

func ExampleClassifier() {
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	classifier, err := model.NewClassifier(context.Background(), []string{"a red square", "a cat"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer classifier.Close()
	red := imageio.NewRGB(64, 64)
	for i := 0; i < len(red.Pix); i += 3 {
		red.Pix[i] = 255
	}
	predictions, err := classifier.Classify(context.Background(), red)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := predictions[0][0] // of the first image
	fmt.Println(best.Label)
	// Output: a red square
}
