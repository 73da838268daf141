package train

import (
	"image"

	"github.com/clipvqgan/clipvqgan/internal/chart"
)

// Curve draws the losses of a training, [Result.Losses], and their running mean, on 800 x 500 pixels. The error
// is for losses of which none is finite.
func Curve(losses []float64) (image.Image, error) {
	drawn, err := chart.Losses(losses)
	return drawn, failed("Curve", err)
}
