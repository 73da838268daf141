package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// gridMargin is the number of pixels between the pictures of a grid.
const gridMargin = 2

// grid puts pictures of one size side by side, in rows, over white. One picture is returned as it is.
// Those that are nil stay white, as do the lower parts of those that are not whole.
func grid(pictures []image.Image, width, height int) image.Image {
	if len(pictures) == 1 && pictures[0] != nil && pictures[0].Bounds().Dy() == height {
		return pictures[0]
	}
	columns := int(math.Ceil(math.Sqrt(float64(len(pictures)))))
	rows := (len(pictures) + columns - 1) / columns
	whole := image.NewRGBA(image.Rect(0, 0, columns*(width+gridMargin)-gridMargin, rows*(height+gridMargin)-gridMargin))
	draw.Draw(whole, whole.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, picture := range pictures {
		if picture == nil {
			continue
		}
		at := image.Pt(i%columns*(width+gridMargin), i/columns*(height+gridMargin))
		bounds := picture.Bounds()
		draw.Draw(whole, image.Rectangle{Min: at, Max: at.Add(bounds.Size())}, picture, bounds.Min, draw.Src)
	}
	return whole
}
