package imageio

import (
	"fmt"
	"math"
)

// ToCHW returns the values of an image in the order [3, Height, Width]: from 0 to 1, minus the mean
// and divided by the standard deviation of each channel. They equal those of torchvision's ToTensor
// and Normalize in float32, bit for bit. A standard deviation of 0 means 1, so that zero arguments
// mean no normalization. The error is [ErrSize] for an image that is nil, empty or inconsistent.
func ToCHW(p *RGB, mean, std [3]float32) ([]float32, error) {
	return AppendCHW(nil, p, mean, std)
}

// AppendCHW appends the values of [ToCHW] to dst, so that a slice can hold a batch. On error dst is
// returned as it is.
func AppendCHW(dst []float32, p *RGB, mean, std [3]float32) ([]float32, error) {
	if err := p.check(); err != nil {
		return dst, fmt.Errorf("imageio: %w", err)
	}
	// 256 values a channel make a table.
	var table [3][256]float32
	for c := range table {
		deviation := std[c]
		if deviation == 0 {
			deviation = 1
		}
		for level := range table[c] {
			centered := float32(float32(level)/255) - mean[c]
			table[c][level] = centered / deviation
		}
	}
	pixels := p.Width * p.Height
	start := len(dst)
	dst = append(dst, make([]float32, 3*pixels)...)
	out := dst[start:]
	red, green, blue := out[:pixels], out[pixels:2*pixels], out[2*pixels:]
	in := p.Pix
	for i := range red {
		red[i] = table[0][in[3*i]]
		green[i] = table[1][in[3*i+1]]
		blue[i] = table[2][in[3*i+2]]
	}
	return dst, nil
}

// FromCHW returns the image with the given values, from 0 to 1, in the order [3, height, width].
// Values are rounded to the nearest of 256 levels and clamped; NaN becomes 0. The error is
// [ErrSize] if the number of values does not fit.
func FromCHW(values []float32, width, height int) (*RGB, error) {
	if width <= 0 || height <= 0 || int64(width) > DefaultMaxPixels/int64(height) || len(values) != 3*width*height {
		return nil, fmt.Errorf("imageio: %w: %d values are no %dx%d picture of three channels", ErrSize, len(values), width, height)
	}
	p := NewRGB(width, height)
	pixels := width * height
	for c := range 3 {
		for i, v := range values[c*pixels : (c+1)*pixels] {
			switch {
			case v >= 1:
				p.Pix[3*i+c] = 255
			case v > 0:
				p.Pix[3*i+c] = uint8(math.Floor(float64(v)*255 + 0.5))
			}
		}
	}
	return p, nil
}
