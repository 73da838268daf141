package imageio_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// Every color and alpha of a premultiplied picture, and a part of it.
func TestToNRGBADividesAsTheStandardLibrary(t *testing.T) {
	img := image.NewRGBA(image.Rect(-4, 7, 252, 263))
	for alpha := range 256 {
		for level := range alpha + 1 {
			img.SetRGBA(level-4, alpha+7, color.RGBA{uint8(level), uint8(alpha - level), 0, uint8(alpha)})
		}
	}
	for _, img := range []*image.RGBA{img, img.SubImage(image.Rect(10, 20, 90, 60)).(*image.RGBA)} {
		got, err := imageio.ToNRGBA(img)
		require.NoError(t, err)
		bounds := img.Bounds()
		assert.Equal(t, image.Rect(0, 0, bounds.Dx(), bounds.Dy()), got.Bounds())
		for y := range bounds.Dy() {
			for x := range bounds.Dx() {
				want := color.NRGBAModel.Convert(img.At(bounds.Min.X+x, bounds.Min.Y+y))
				if want != got.At(x, y) {
					t.Fatalf("%v is %v, wanted %v", img.At(bounds.Min.X+x, bounds.Min.Y+y), got.At(x, y), want)
				}
			}
		}
	}
}

func TestToGrayLiesOverTheBackground(t *testing.T) {
	img := image.NewNRGBA(image.Rect(5, 5, 8, 6))
	img.SetNRGBA(5, 5, color.NRGBA{255, 0, 0, 255})
	img.SetNRGBA(6, 5, color.NRGBA{10, 20, 30, 255})
	// Pillow's convert("L") gives 76 and 18; the third is transparent.
	gray := func(img image.Image, background color.Color) *image.Gray {
		made, err := imageio.ToGray(img, background)
		require.NoError(t, err)
		return made
	}
	assert.Equal(t, []uint8{76, 18, 255}, gray(img, nil).Pix)
	assert.Equal(t, []uint8{76, 18, 0}, gray(img, color.Black).Pix)

	whole := &image.Gray{Pix: []uint8{1, 2, 3, 4, 5, 6}, Stride: 3, Rect: image.Rect(0, 0, 3, 2)}
	part := gray(whole.SubImage(image.Rect(1, 0, 3, 2)), nil)
	assert.Equal(t, []uint8{2, 3, 5, 6}, part.Pix)
	part.Pix[0] = 9
	assert.Equal(t, uint8(2), whole.Pix[1], "the copy is one")
}
