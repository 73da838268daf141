package guided

import (
	"fmt"
	"image"
	"image/color"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Options say what to make and how. The zero value of a field means its default, where one is
// stated.
type Options struct {
	// Prompts say what the picture shows. At least one is needed.
	Prompts []Prompt

	// Width and Height are the picture's size in pixels, rounded down to multiples of the VQGAN's
	// downsampling factor. Default: the size the VQGAN was trained on.
	Width, Height int

	// Steps is how many steps are taken. Default 150.
	Steps int

	// LearningRate is Adam's. Default 0.1.
	LearningRate float64

	// Seed determines everything that is random.
	Seed uint64

	// Init is a picture to start from, in place of random tokens. It is resized to the picture's
	// size.
	Init image.Image

	// CentredStart starts from random tokens in a disc in the middle, and the background's own tokens
	// (white where there is none) around it, in place of random tokens everywhere.
	CentredStart bool

	// InitWeight holds the latent near the one it started from: the mean squared difference,
	// times this, is added to the loss. Default 0.
	InitWeight float64

	// Cutouts say how the picture is shown to CLIP.
	Cutouts Cutouts

	// TotalVariation weighs the mean squared difference between neighbouring pixels in the loss:
	// higher is smoother, 1 is much. Default 0.
	TotalVariation float64

	// Margin weighs the mean squared difference between the picture's margin, a sixteenth of it on
	// each side, and the cutouts' background (white where there is none) in the loss. It keeps a
	// single thing in the middle. Default 0.
	Margin float64

	// Batch is how many cutouts go through CLIP at once. Fewer need less memory and give the same
	// gradient. Default: all.
	Batch int

	// OnStep, where set, is called after each step. An error from it ends the run.
	OnStep func(Step) error
}

// A Step tells how far a run is.
type Step struct {
	// Number is the step that was just taken, from 1; Steps is how many there will be.
	Number, Steps int
	// Loss is the sum that the step descended on, before it.
	Loss float64
	// Distances are the prompts' mean spherical distances from the cutouts, before the step.
	Distances []float64
	// Picture decodes the picture as it is after the step. It is valid during the call alone.
	Picture func() (image.Image, error)
}

func (o Options) withDefaults(imageSize int64) Options {
	setDefault(&o.Width, int(imageSize))
	setDefault(&o.Height, int(imageSize))
	setDefault(&o.Steps, 150)
	setDefault(&o.LearningRate, 0.1)
	o.Cutouts = o.Cutouts.withDefaults()
	setDefault(&o.Batch, o.Cutouts.Number)
	return o
}

// ground is the colour around the thing in the picture.
func (o Options) ground() color.Color {
	if o.Cutouts.Background == nil {
		return color.White
	}
	return o.Cutouts.Background
}

func setDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

// largestSide keeps a slip of the keyboard from asking for all the memory there is.
const largestSide = 8192

func (o Options) check(factor int64) error {
	switch {
	case len(o.Prompts) == 0:
		return bad("there is no prompt")
	case o.Width < int(factor) || o.Height < int(factor):
		return bad("the size %dx%d is below the smallest this VQGAN makes, %dx%d", o.Width, o.Height, factor, factor)
	case o.Width > largestSide || o.Height > largestSide:
		return bad("the size %dx%d is over %d a side", o.Width, o.Height, largestSide)
	case o.Steps < 1:
		return bad("the number of steps is %d, wanted at least 1", o.Steps)
	case !(o.LearningRate > 0):
		return bad("the learning rate is %v, wanted above 0", o.LearningRate)
	case o.Batch < 1:
		return bad("the batch is %d cutouts, wanted at least 1", o.Batch)
	case !(o.InitWeight >= 0) || !(o.TotalVariation >= 0) || !(o.Margin >= 0):
		return bad("the weights of the loss's terms are %v, %v and %v, wanted 0 or more", o.InitWeight, o.TotalVariation, o.Margin)
	}
	return o.Cutouts.check()
}

func bad(format string, arguments ...any) error {
	return fmt.Errorf("guided: %s: %w", fmt.Sprintf(format, arguments...), torch.ErrInvalid)
}
