package clip

import (
	"fmt"
	"image"
	"io"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// A Preprocessor turns pictures into the input of CLIP's image encoder: the shorter side is scaled
// to Size pixels, the Size by Size pixels in the middle are taken, their values from 0 to 1 have the
// mean subtracted and are divided by the standard deviation.
//
// It may be used from many goroutines at once.
type Preprocessor struct {
	// Size is the width and height of the model's input, in pixels.
	Size int
	// Filter is the resampling filter.
	Filter imageio.Filter
	// Mean and Std normalize the channels red, green and blue. A Std of 0 means 1.
	Mean, Std [3]float32
	// Options say how pictures are decoded.
	Options imageio.Options
	// ReferenceExact follows openai/CLIP to the bit where it does what few would expect: the EXIF
	// orientation is ignored, palettes and pictures of one bit are resized by taking the nearest
	// pixel, transparent pictures are resized premultiplied and then lose their alpha, without a
	// background. See [imageio.Stored.FitSquare] for the formats in which it is exact.
	ReferenceExact bool
}

// NewPreprocessor returns the preprocessor of OpenAI's models: bicubic, with their mean and standard
// deviation (clip/clip.py in openai/CLIP).
func NewPreprocessor(size int) *Preprocessor {
	return &Preprocessor{
		Size:   size,
		Filter: imageio.Bicubic,
		Mean:   [3]float32{0.48145466, 0.4578275, 0.40821073},
		Std:    [3]float32{0.26862954, 0.26130258, 0.27577711},
	}
}

// Load preprocesses a picture file. The 3*Size*Size values are in the order [3, Size, Size]. The
// errors are those of [imageio.Load].
func (p *Preprocessor) Load(path string) ([]float32, error) {
	return p.values(p.loadSquare(path))
}

// Decode is [Preprocessor.Load] from a stream.
func (p *Preprocessor) Decode(r io.Reader) ([]float32, error) {
	return p.values(p.decodeSquare(r))
}

// Image is [Preprocessor.Load] for a picture in memory. The error is [imageio.ErrSize].
func (p *Preprocessor) Image(img image.Image) ([]float32, error) {
	return p.values(p.Crop(img))
}

// Crop scales a picture in memory and crops it to Size by Size pixels: the first half of the
// preprocessing. The error is [imageio.ErrSize].
func (p *Preprocessor) Crop(img image.Image) (*imageio.RGB, error) {
	if img == nil || img.Bounds().Empty() {
		return nil, fmt.Errorf("clip: %w: the picture is empty", imageio.ErrSize)
	}
	if p.ReferenceExact {
		return p.fitStored(imageio.StoredImage(img))
	}
	return p.fit(imageio.FromImage(img, p.Options.Background), nil)
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
	return imageio.FitSquare(picture, p.Size, p.Filter)
}

func (p *Preprocessor) fitStored(picture *imageio.Stored, err error) (*imageio.RGB, error) {
	if err != nil {
		return nil, err
	}
	return picture.FitSquare(p.Size, p.Filter)
}

func (p *Preprocessor) values(square *imageio.RGB, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	return imageio.ToCHW(square, p.Mean, p.Std), nil
}

// Preprocessor returns what the model's encoders use. A copy of it with ReferenceExact set treats
// unusual pictures exactly as openai/CLIP does.
func (m *Model) Preprocessor() Preprocessor { return m.preprocessor }
