package clip_test

import (
	"fmt"

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
	embeddings, err := model.EncodeText("a red heart", "a slice of pizza")
	if err != nil {
		fmt.Println(err)
		return
	}
	cosines, err := clip.Similarity(embeddings, embeddings)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cosines.Shape(), cosines.Diagonal(0, 0, 1).Round().Float32s())
	// Output: [2 2] [1 1]
}

func ExampleClassifier() {
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	classifier, err := model.NewClassifier([]string{"a red square", "a cat"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer classifier.Close()
	red := imageio.NewRGB(64, 64)
	for i := 0; i < len(red.Pix); i += 3 {
		red.Pix[i] = 255
	}
	predictions, err := classifier.Classify(red)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := predictions[0][0] // of the first picture
	fmt.Println(best.Label)
	// Output: a red square
}
