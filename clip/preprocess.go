package clip

import (
	"image"
	"io"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// A Preprocessor converts images to the input of CLIP's image encoder. It scales the shorter side
// to Size pixels, crops the Size x Size pixels in the middle, subtracts the mean from the values
// from 0 to 1, and divides by the standard deviation.
//
// It may be used from many goroutines at once.
type Preprocessor struct {
	// Size is the width and height of the model's input, in pixels.
	Size int
	// Filter is the resampling filter.
	Filter imageio.Filter
	// Squash scales both sides to Size pixels, without a crop, as SigLIP wants it.
	Squash bool
	// Mean and Std normalize the channels red, green and blue. A Std of 0 means 1.
	Mean, Std [3]float32
	// Options say how pictures are decoded.
	Options imageio.Options
	// ReferenceExact gives the same bits as openai/CLIP in cases where its behavior is unexpected:
	// the EXIF orientation is ignored, palette and 1-bit images are resized to the nearest pixel,
	// and transparent images are resized premultiplied and then lose their alpha, without a
	// background. [imageio.Stored.FitSquare] lists the formats in which it is exact.
	ReferenceExact bool
}

// NewPreprocessor returns the preprocessor of OpenAI's models: bicubic, with their mean and
// standard deviation (clip/clip.py in openai/CLIP).
func NewPreprocessor(size int) *Preprocessor {
	return &Preprocessor{
		Size:   size,
		Filter: imageio.Bicubic,
		Mean:   [3]float32{0.48145466, 0.4578275, 0.40821073},
		Std:    [3]float32{0.26862954, 0.26130258, 0.27577711},
	}
}

// Load preprocesses an image file and returns the 3*Size*Size values in the order [3, Size, Size].
// The errors are those of [imageio.Load].
func (p *Preprocessor) Load(path string) ([]float32, error) {
	return p.values(p.loadSquare(path))
}

// Decode is [Preprocessor.Load] from a stream.
func (p *Preprocessor) Decode(r io.Reader) ([]float32, error) {
	return p.values(p.decodeSquare(r))
}

// Image is [Preprocessor.Load] for an image in memory. The error is that of [imageio.CheckImage], or
// [imageio.ErrSize] if Size is out of range.
func (p *Preprocessor) Image(img image.Image) ([]float32, error) {
	return p.values(p.Crop(img))
}

// Crop returns an image scaled and cropped to Size x Size pixels, the first part of preprocessing.
// The error is that of [imageio.CheckImage], or [imageio.ErrSize] if Size is out of range.
func (p *Preprocessor) Crop(img image.Image) (*imageio.RGB, error) {
	if p.ReferenceExact {
		return p.fitStored(imageio.StoredImage(img))
	}
	return p.fit(imageio.FromImage(img, p.Options.Background))
}

func (p *Preprocessor) loadSquare(path string) (*imageio.RGB, error) {
	if p.ReferenceExact {
		return p.fitStored(imageio.LoadStored(path, p.Options))
	}
	return p.fit(imageio.Load(path, p.Options))
}

func (p *Preprocessor) decodeSquare(r io.Reader) (*imageio.RGB, error) {
	if p.ReferenceExact {
		return p.fitStored(imageio.DecodeStored(r, p.Options))
	}
	return p.fit(imageio.Decode(r, p.Options))
}

func (p *Preprocessor) fit(picture *imageio.RGB, err error) (*imageio.RGB, error) {
	if err != nil {
		return nil, err
	}
	if p.Squash {
		return imageio.Resize(picture, p.Size, p.Size, p.Filter)
	}
	return imageio.FitSquare(picture, p.Size, p.Filter)
}

func (p *Preprocessor) fitStored(picture *imageio.Stored, err error) (*imageio.RGB, error) {
	if err != nil {
		return nil, err
	}
	if p.Squash {
		return picture.SquashSquare(p.Size, p.Filter)
	}
	return picture.FitSquare(p.Size, p.Filter)
}

func (p *Preprocessor) values(square *imageio.RGB, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	return imageio.ToCHW(square, p.Mean, p.Std)
}

// Preprocessor returns the model's preprocessor. A copy with ReferenceExact set treats unusual
// images exactly as openai/CLIP does.
func (m *Model) Preprocessor() Preprocessor { return m.orZero().preprocessor }
