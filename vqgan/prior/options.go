package prior

import (
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Options say how [Model.Draw] draws. Start from [Model.DefaultOptions], which sets all fields; what a
// field holds is used.
type Options struct {
	// Height and Width are the size of the picture in tokens. The width is at least that of the pictures
	// that the model was trained on; larger pictures are drawn in a sliding window of that size.
	Height, Width int
	// Temperature divides the logits, 0 or more. With 0 the likeliest token is taken.
	Temperature float64
	// TopK limits the choice to the so many likeliest tokens; 0 means all.
	TopK int
	// TopP limits the choice to the likeliest tokens whose probabilities add up to it, from above 0 to 1;
	// 1 means all. It comes after TopK.
	TopP float64
	// Guidance is how far to go from the logits without the condition to those with it, and beyond
	// (classifier-free guidance): 1 is the condition alone, and needs no second pass. Other values need a
	// model that was trained without its condition too.
	Guidance float64
	// Stride is by how many columns the window moves at a time, from 1 to half its width. Small strides
	// see more of what surrounds a token, and take longer; 1 is taming's.
	Stride int
	// Batch is the largest number of pictures that are drawn at once, 1 or more.
	Batch int
	// OnRow, if not nil, is called after each row of tokens, on the goroutine that called Draw. If it
	// returns an error, the drawing ends.
	OnRow func(Row) error
}

// A Row tells of the progress of a drawing, after a row of tokens.
type Row struct {
	// First is the index of the first picture of the batch, and Drawings are the batch so far. They
	// change after OnRow has returned.
	First    int
	Drawings []Drawing
	// Number is the number of the row, from 1, and Rows how many there are.
	Number, Rows int
}

// DefaultOptions returns the settings that suit the model: the size it was trained on, and those of its
// publishers.
func (m *Model) DefaultOptions() Options {
	config := m.Config()
	options := Options{
		Height: int(config.GridHeight), Width: int(config.GridWidth),
		Temperature: 1, TopP: 1, Guidance: 1, Stride: max(1, int(config.GridWidth)/4), Batch: 16,
	}
	if s := config.Sampling; s != nil {
		options.Temperature, options.TopK, options.TopP, options.Guidance = s.Temperature, s.TopK, s.TopP, s.Guidance
	}
	return options
}

func (m *Model) checkOptions(o Options) error {
	config := m.config
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	wrong := func(format string, arguments ...any) error {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, arguments...), torch.ErrInvalid)
	}
	switch {
	case o.Height < 1 || o.Height > largestSide || o.Width > largestSide:
		return wrong("the picture has %d rows of %d tokens, wanted from 1 to %d", o.Height, o.Width, largestSide)
	case int64(o.Width) < config.GridWidth:
		return wrong("the picture is %d tokens wide, this model draws pictures of %d or more", o.Width, config.GridWidth)
	case config.prefixHasGrid() && int64(o.Height) < config.GridHeight:
		return wrong("the picture is %d tokens high, this model draws pictures of %d or more", o.Height, config.GridHeight)
	case !finite(o.Temperature) || o.Temperature < 0:
		return wrong("the temperature is %v, wanted a number of 0 or more", o.Temperature)
	case o.TopK < 0:
		return wrong("the top k is %d, wanted 0 for all tokens, or more", o.TopK)
	case !(o.TopP > 0 && o.TopP <= 1):
		return wrong("the top p is %v, wanted a number above 0, up to 1", o.TopP)
	case !finite(o.Guidance):
		return wrong("the guidance is %v, wanted a finite number", o.Guidance)
	case o.Guidance != 1 && !m.hasNull():
		return wrong("the guidance is %v, and this model was not trained without its condition: wanted 1", o.Guidance)
	case o.Stride < 1 || o.Stride > max(1, int(config.GridWidth)/2):
		return wrong("the stride is %d, wanted a number from 1 to %d", o.Stride, max(1, config.GridWidth/2))
	case o.Batch < 1:
		return wrong("the batch is %d, wanted 1 or more", o.Batch)
	}
	return nil
}
