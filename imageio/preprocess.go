package imageio

import (
	"fmt"
	"image"
	"io"
	"math"
)

// CenterCrop cuts width by height pixels out of the middle, as torchvision's
// center_crop does: odd differences are rounded to even, and a smaller picture
// gets a black border.
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

// ShorterSide is the size of a width by height picture that is scaled so that its
// shorter side has n pixels; the longer one is rounded down, as in torchvision.
func ShorterSide(width, height, n int) (int, int) {
	if width <= height {
		return n, int(float64(n*height) / float64(width))
	}
	return int(float64(n*width) / float64(height)), n
}

// Preprocessor turns pictures into a model's input as CLIP does: the shorter side
// scaled to Size, the middle Size by Size pixels, values from 0 to 1, less the
// mean, divided by the standard deviation.
//
// A Preprocessor may be used by many goroutines at once.
type Preprocessor struct {
	// Size is the width and height of the model's input.
	Size int
	// Filter is the resampling filter.
	Filter Filter
	// Mean and Std are what each channel is normalised with. A Std of zero
	// stands for one.
	Mean, Std [3]float32
	// Options say how pictures are decoded.
	Options Options
	// ReferenceExact follows openai/CLIP to the bit where that differs from what
	// a user expects: the EXIF orientation is ignored, palettes and pictures of
	// one bit are resized by taking the nearest pixel, transparent pictures are
	// resized premultiplied and then lose their alpha. The background is not
	// used. Exact for PNG but 16-bit grey, which the reference makes nearly all
	// white; JPEG decoders differ by a few levels.
	ReferenceExact bool
}

// NewPreprocessor makes one with the constants of OpenAI's CLIP: bicubic, its
// mean and standard deviation.
func NewPreprocessor(size int) *Preprocessor {
	return &Preprocessor{
		Size: size,
		Mean: [3]float32{0.48145466, 0.4578275, 0.40821073},
		Std:  [3]float32{0.26862954, 0.26130258, 0.27577711},
	}
}

// Load preprocesses a picture file. The result has 3*Size*Size values, channel by
// channel, each row after row from the top. The errors are those of the function
// Load.
func (p *Preprocessor) Load(path string) ([]float32, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var values []float32
	err := withFile(path, func(r io.Reader) (err error) {
		values, err = p.decode(r)
		return err
	})
	return values, err
}

// Decode preprocesses a picture that it reads. The result and the errors are
// those of Load.
func (p *Preprocessor) Decode(r io.Reader) ([]float32, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	values, err := p.decode(r)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return values, nil
}

func (p *Preprocessor) decode(r io.Reader) ([]float32, error) {
	if p.ReferenceExact {
		d, err := decodeStored(r, p.Options.maxPixels(), true)
		if err != nil {
			return nil, err
		}
		return ToCHW(p.cropReference(d), p.Mean, p.Std), nil
	}
	img, err := decode(r, p.Options)
	if err != nil {
		return nil, err
	}
	return ToCHW(p.crop(img), p.Mean, p.Std), nil
}

// Image preprocesses a picture in memory. The result is that of Load; the error
// is ErrSize.
func (p *Preprocessor) Image(img image.Image) ([]float32, error) {
	cropped, err := p.Crop(img)
	if err != nil {
		return nil, err
	}
	return ToCHW(cropped, p.Mean, p.Std), nil
}

// Crop does the first half of the preprocessing: it scales a picture in memory
// and crops it to Size by Size. The error is ErrSize.
func (p *Preprocessor) Crop(img image.Image) (*RGB, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if img == nil || img.Bounds().Empty() {
		return nil, fmt.Errorf("imageio: %w: the picture is empty", ErrSize)
	}
	if p.ReferenceExact {
		return p.cropReference(&stored{image: img}), nil
	}
	rgb := FromImage(img, p.Options.Background)
	if err := rgb.check(); err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return p.crop(rgb), nil
}

func (p *Preprocessor) check() error {
	if p.Size <= 0 || p.Size > 1<<13 {
		return fmt.Errorf("imageio: %w: a model input of %dx%d", ErrSize, p.Size, p.Size)
	}
	return nil
}

// crop scales and crops.
func (p *Preprocessor) crop(img *RGB) *RGB {
	return scaleAndCrop(img.raster(), p.Size, p.Filter).rgb()
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
