package guided

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// roughness is the mean squared difference between neighbors in a row.
func roughness(picture *imageio.RGB) (sum float64) {
	row := 3 * picture.Bounds().Dx()
	for i := range picture.Pix {
		if i%row >= 3 {
			d := float64(picture.Pix[i]) - float64(picture.Pix[i-3])
			sum += d * d / float64(len(picture.Pix))
		}
	}
	return sum
}

func TestNoiseIsSmoothOrRough(t *testing.T) {
	draw := func(noise func(*rand.Rand, int, int) *imageio.RGB) *imageio.RGB {
		return noise(rand.New(rand.NewPCG(1, 0)), 96, 64)
	}
	gradient, fractal, pixels := draw(gradientNoise), draw(fractalNoise), draw(pixelNoise)
	for _, picture := range []*imageio.RGB{gradient, fractal, pixels} {
		assert.Len(t, picture.Pix, 3*96*64)
	}
	assert.Less(t, roughness(gradient), roughness(fractal)/4)
	assert.Less(t, roughness(fractal), roughness(pixels)/4)
}

func TestALatticeIsZeroAtItsPointsAndSmoothBetween(t *testing.T) {
	l := newLattice(rand.New(rand.NewPCG(1, 0)), 4)
	largest := 0.0
	for i := range 400 {
		x := float64(i) / 400
		value := l.at(x, 0.3)
		largest = max(largest, value, -value)
		assert.InDelta(t, value, l.at(x+1e-6, 0.3), 1e-4, "over the borders of cells too")
	}
	assert.Greater(t, largest, 0.05)
	assert.LessOrEqual(t, largest, 1.0)
	assert.InDelta(t, 0, l.at(0.5, 0.25), 1e-12)
}
