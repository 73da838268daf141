package imageio

import (
	"fmt"
	"image"
	"math"
)

// CenterCrop returns the width x height pixels in the middle of an image, as torchvision's
// center_crop: half of an odd difference is rounded to even, and a smaller image gets a black
// border. The error is [ErrSize] if no image has that size.
func CenterCrop(p *RGB, width, height int) (*RGB, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	if width <= 0 || height <= 0 || int64(width) > DefaultMaxPixels/int64(height) {
		return nil, fmt.Errorf("imageio: %w: cannot crop to %dx%d", ErrSize, width, height)
	}
	window := centerWindow(p.Width, p.Height, width, height)
	if window == p.Bounds() {
		return p.Clone(), nil
	}
	return p.raster().crop(window).rgb(), nil
}

// centerWindow is the part of a picture that center_crop takes.
func centerWindow(fullWidth, fullHeight, width, height int) image.Rectangle {
	offset := func(full, part int) int {
		if full < part {
			return -((part - full) / 2)
		}
		return int(math.RoundToEven(float64(full-part) / 2))
	}
	corner := image.Pt(offset(fullWidth, width), offset(fullHeight, height))
	return image.Rectangle{corner, corner.Add(image.Pt(width, height))}
}

// ShorterSide returns the width and height of an image after its shorter side is scaled to n
// pixels. The longer side is rounded down, as in torchvision's Resize(n).
func ShorterSide(width, height, n int) (int, int) {
	if width <= height {
		return n, int(float64(n*height) / float64(width))
	}
	return int(float64(n*width) / float64(height)), n
}

// FitSquare scales an image so that its shorter side has size pixels, and crops the size x size
// pixels in the middle: torchvision's Resize(size) and CenterCrop(size). The error is [ErrSize] if
// size is out of range, or [ErrArgument] for an unknown filter.
func FitSquare(p *RGB, size int, filter Filter) (*RGB, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	if err := checkSquare(size, filter); err != nil {
		return nil, err
	}
	return scaleAndCrop(p.raster(), size, filter).rgb(), nil
}

func checkSquare(size int, filter Filter) error {
	const largest = 1 << 13
	if size <= 0 || size > largest {
		return fmt.Errorf("imageio: %w: a square of %dx%d pixels, the largest has %d", ErrSize, size, size, largest)
	}
	return filter.check()
}

// scaleAndCrop scales the shorter side to size and takes the middle.
func scaleAndCrop(r raster, size int, f Filter) raster {
	width, height := ShorterSide(r.width, r.height, size)
	window := centerWindow(width, height, size, size)
	if width == r.width && height == r.height {
		return r.crop(window)
	}
	return r.resize(width, height, f, window)
}
