package imageio_test

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/imageio"
)

func ExampleLoad() {
	// A photo that was taken with the camera turned is returned upright.
	picture, err := imageio.Load("testdata/orientation_6.jpg", imageio.Options{Background: color.White})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(picture.Width, "by", picture.Height)

	_, err = imageio.Load("testdata/README.md", imageio.Options{})
	fmt.Println(err)
	// Output:
	// 32 by 48
	// imageio: testdata/README.md: not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO)
}

func ExampleFitSquare() {
	square, err := imageio.FitSquare(imageio.NewRGB(1920, 1080), 224, imageio.Bicubic)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := imageio.ToCHW(square, [3]float32{}, [3]float32{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(square.Bounds(), len(values)) // 3 channels of 224 x 224
	// Output: (0,0)-(224,224) 150528
}

func ExampleResize() {
	picture := imageio.NewRGB(1920, 1080)
	width, height := imageio.ShorterSide(picture.Width, picture.Height, 224)
	small, err := imageio.Resize(picture, width, height, imageio.Bicubic)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(small.Width, "by", small.Height)
	// Output: 398 by 224
}

func ExampleSave() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "picture.png")
	if err := imageio.CheckOutputPath(path); err != nil { // before a long run
		fmt.Println(err)
		return
	}
	err = imageio.Save(path, imageio.NewRGB(64, 64),
		imageio.Text{Keyword: "Description", Value: "a black square"},
		imageio.Text{Keyword: "Software", Value: "example"})
	fmt.Println(err)
	// Output: <nil>
}
