package sheet_test

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/imageio/sheet"
)

func ExampleSheet() {
	s := sheet.New(sheet.Options{Side: 100, Lines: 1})
	for _, name := range []string{"one", "two", "three"} {
		if err := s.Add(image.NewGray(image.Rect(0, 0, 30, 20)), name); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(s.Len(), s.Image().Bounds().Size())
	// Output: 3 (224,254)
}

func filled(width, height int, c color.Color) *imageio.RGB {
	picture := imageio.NewRGB(width, height)
	for y := range height {
		for x := range width {
			picture.Set(x, y, c)
		}
	}
	return picture
}

// dark counts the pixels of a region that are nearly black.
func dark(picture image.Image, region image.Rectangle) (count int) {
	for y := region.Min.Y; y < region.Max.Y; y++ {
		for x := region.Min.X; x < region.Max.X; x++ {
			if r, g, b, _ := picture.At(x, y).RGBA(); r+g+b < 3*0x5000 {
				count++
			}
		}
	}
	return count
}

func TestPicturesAreInTheirPlaces(t *testing.T) {
	s := sheet.New(sheet.Options{Side: 40, Lines: 2, Columns: 2})
	red, blue, green := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}, color.RGBA{0, 255, 0, 255}
	require.NoError(t, s.Add(filled(400, 200, red), "red"))
	require.NoError(t, s.Add(filled(3, 9, blue), "", "blue"))
	require.NoError(t, s.Add(filled(10, 10, green), strings.Repeat("very long ", 20), "second", "third, which has no place"))
	drawn := s.Image()
	require.Equal(t, image.Pt(2*48+8, 2*78+8), drawn.Bounds().Size())
	white := color.RGBA{255, 255, 255, 255}
	for at, want := range map[image.Point]color.RGBA{
		{8, 28}: red, {47, 28}: red, {28, 8}: white, {28, 20}: red, {28, 47}: white, // half as high as wide
		{76, 8}: blue, {76, 47}: blue, {60, 28}: white,
		{8, 86}: green, {47, 125}: green, {76, 106}: white, // the fourth place is empty
	} {
		assert.Equal(t, want, drawn.RGBAAt(at.X, at.Y), "%v", at)
	}
	assert.Positive(t, dark(drawn, image.Rect(8, 48, 48, 63)), "the first line")
	assert.Zero(t, dark(drawn, image.Rect(8, 63, 48, 78)), "no second line")
	assert.Zero(t, dark(drawn, image.Rect(56, 48, 96, 63)))
	assert.Positive(t, dark(drawn, image.Rect(56, 63, 96, 78)))
	assert.Zero(t, dark(drawn, image.Rect(49, 126, 104, 164)), "what is too long is cut")
}

func TestSheetsThatAreEmptyOrFull(t *testing.T) {
	s := sheet.New(sheet.Options{Side: -1, Lines: -1, Columns: -1})
	assert.Equal(t, image.Pt(176, 176), s.Image().Bounds().Size())
	require.Error(t, s.Add(nil))
	require.Error(t, s.Add(image.NewGray(image.Rectangle{})))
	small := sheet.New(sheet.Options{Side: 1})
	for range sheet.Largest {
		require.NoError(t, small.Add(image.NewGray(image.Rect(0, 0, 1, 1))))
	}
	assert.EqualError(t, small.Add(image.NewGray(image.Rect(0, 0, 1, 1))), "sheet: it has room for 1000 pictures")
}
