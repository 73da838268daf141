package guided

import (
	"math"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// noiseStream keeps the random numbers of noise prompts apart from others of the same seed.
const noiseStream = 1

// pixelNoise draws each channel of each pixel.
func pixelNoise(random *rand.Rand, width, height int) *imageio.RGB {
	picture := imageio.NewRGB(width, height)
	for i := range picture.Pix {
		picture.Pix[i] = uint8(random.UintN(256))
	}
	return picture
}

// gradientNoise draws a color for each corner, and mixes them in between.
func gradientNoise(random *rand.Rand, width, height int) *imageio.RGB {
	var corners [4][3]float64
	for i := range corners {
		for channel := range corners[i] {
			corners[i][channel] = 255 * random.Float64()
		}
	}
	return paint(width, height, func(x, y float64, channel int) float64 {
		top := mix(corners[0][channel], corners[1][channel], x)
		return mix(top, mix(corners[2][channel], corners[3][channel], x), y)
	})
}

// fractalNoise draws Perlin's gradient noise in octaves, each with twice the frequency and half the
// height of the one before (Perlin 2002, "Improving Noise").
func fractalNoise(random *rand.Rand, width, height int) *imageio.RGB {
	const octaves = 6
	var layers [3][octaves]lattice
	for channel := range layers {
		for octave := range layers[channel] {
			layers[channel][octave] = newLattice(random, 2<<octave)
		}
	}
	return paint(width, height, func(x, y float64, channel int) float64 {
		sum, share := 0.0, 1.0
		for _, layer := range layers[channel] {
			sum += share * layer.at(x, y)
			share /= 2
		}
		return 255 * (0.5 + sum/2)
	})
}

// paint computes the value of each channel at each pixel from its position, from 0 to below 1.
func paint(width, height int, value func(x, y float64, channel int) float64) *imageio.RGB {
	picture := imageio.NewRGB(width, height)
	for y := range height {
		for x := range width {
			for channel := range 3 {
				level := value((float64(x)+0.5)/float64(width), (float64(y)+0.5)/float64(height), channel)
				picture.Pix[3*(y*width+x)+channel] = uint8(math.Round(min(max(level, 0), 255)))
			}
		}
	}
	return picture
}

func mix(a, b, share float64) float64 { return a + (b-a)*share }

// A lattice has a random direction at each point of a square grid of cells x cells.
type lattice struct {
	cells      int
	directions [][2]float64 // (cells+1)^2, row by row
}

func newLattice(random *rand.Rand, cells int) lattice {
	l := lattice{cells, make([][2]float64, (cells+1)*(cells+1))}
	for i := range l.directions {
		sin, cos := math.Sincos(2 * math.Pi * random.Float64())
		l.directions[i] = [2]float64{cos, sin}
	}
	return l
}

// at returns the noise at a position from 0 to below 1, between -1 and 1.
func (l lattice) at(x, y float64) float64 {
	x, y = x*float64(l.cells), y*float64(l.cells)
	column, row := int(x), int(y)
	x, y = x-float64(column), y-float64(row)
	slope := func(right, down int) float64 {
		direction := l.directions[(row+down)*(l.cells+1)+column+right]
		return direction[0]*(x-float64(right)) + direction[1]*(y-float64(down))
	}
	fade := func(t float64) float64 { return t * t * t * (t*(6*t-15) + 10) }
	top := mix(slope(0, 0), slope(1, 0), fade(x))
	bottom := mix(slope(0, 1), slope(1, 1), fade(x))
	return math.Sqrt2 * mix(top, bottom, fade(y))
}
