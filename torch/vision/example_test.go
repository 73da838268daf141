package vision_test

import (
	"fmt"
	"image"
	"image/color"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/vision"
)

func ExampleFromImage() {
	img := image.NewRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.RGBA{R: 255, G: 51, A: 255})
	x, err := vision.FromImage(img, vision.Options{Background: color.Black})
	fmt.Println(x, err)
	// Output:
	// tensor([[[1.0000, 0.0000]],
	//
	//         [[0.2000, 0.0000]],
	//
	//         [[0.0000, 0.0000]]]) <nil>
}

func ExampleToImage() {
	img, err := vision.ToImage(torch.Full(torch.Shape{3, 32, 64}, 0.5))
	fmt.Println(img.Bounds(), img.At(0, 0), err)
	// Output: (0,0)-(64,32) {128 128 128 255} <nil>
}

func ExampleMakeGrid() {
	pictures := torch.Rand(torch.Shape{10, 3, 16, 16})
	grid := vision.MakeGrid(pictures, vision.GridOptions{Columns: 5})
	fmt.Println(grid.Shape())
	// Output: [3 38 92]
}
