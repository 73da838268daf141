package prior

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Picture is one that is to be drawn.
type Picture struct {
	// Condition says what it shows.
	Condition Condition
	// Seed determines its random numbers. The same seed and condition make the same picture, whatever
	// other pictures are drawn with it.
	Seed uint64
	// Numbers, if not nil, are the random numbers in place of those of Seed: one in [0, 1) for each token.
	// They are looked up in the sums of the tokens' probabilities: in the order of the vocabulary, or, with
	// TopK or TopP, from the likeliest token.
	Numbers []float32
	// Start has tokens that are given, of the size in the Options, and Keep which these are: one for each
	// token of the grid. The others are drawn; each sees the tokens before it, in rows from the top.
	Start *Grid
	Keep  []bool
}

// KeepTop returns the Keep of a picture whose upper rows are given.
func KeepTop(height, width, rows int) []bool {
	keep := make([]bool, max(0, height*width))
	for i := range min(max(0, rows*width), len(keep)) {
		keep[i] = true
	}
	return keep
}

// A Drawing is a picture as far as it has been drawn.
type Drawing struct {
	// Grid are the tokens. In rows that have not been drawn yet they are 0, or what was given.
	Grid Grid
	// Rows is the number of rows that have been drawn.
	Rows int
}

// Draw draws pictures, and returns them in their order. It returns an error, and no drawings, if the
// options or a picture are not valid; the error names the picture by its index.
//
// If ctx ends, Draw ends within one token with the error [context.Cause]. If a step or OnRow fails, it
// ends with that error. In both cases the drawings have the rows so far.
func (m *Model) Draw(ctx context.Context, pictures []Picture, options Options) ([]Drawing, error) {
	drawings, err := m.draw(ctx, pictures, options)
	return drawings, failed("Draw", err)
}

func (m *Model) draw(ctx context.Context, pictures []Picture, options Options) ([]Drawing, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if ctx == nil {
		ctx = context.Background()
	}
	if err := m.checkOptions(options); err != nil {
		return nil, err
	}
	var requests []request
	var drawings []Drawing
	for i, picture := range pictures {
		r, err := m.request(picture, options)
		if err != nil {
			return nil, fmt.Errorf("picture %d: %w", i, err)
		}
		requests = append(requests, r)
		drawings = append(drawings, Drawing{Grid: Grid{Height: options.Height, Width: options.Width, Tokens: slices.Clone(r.start)}})
	}
	var err error
	// One scope around all steps keeps them on one OS thread with one team of OpenMP threads.
	torch.Scope(func(*torch.TensorScope) {
		for first := 0; first < len(requests) && err == nil; first += options.Batch {
			end := min(first+options.Batch, len(requests))
			b := &batch{model: m, options: options, first: first, requests: requests[first:end], drawings: drawings[first:end]}
			err = b.draw(ctx)
		}
	})
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = context.Cause(ctx)
	}
	return drawings, err
}

// A request is a picture that has been checked.
type request struct {
	condition conditioner
	null      conditioner // nil without guidance
	uniforms  []float32
	start     []int64
	keep      []bool // nil if nothing is kept
}

func (m *Model) request(picture Picture, o Options) (r request, err error) {
	if r.condition, err = m.condition(picture.Condition, o.Height, o.Width); err != nil {
		return r, err
	}
	if o.Guidance != 1 {
		if r.null, err = m.condition(Condition{}, o.Height, o.Width); err != nil {
			return r, err
		}
	}
	count := o.Height * o.Width
	if r.uniforms = picture.Numbers; r.uniforms == nil {
		r.uniforms = uniforms(picture.Seed, count)
	} else if err := checkNumbers(r.uniforms, count); err != nil {
		return r, err
	}
	r.start = make([]int64, count)
	if picture.Start == nil {
		if slices.Contains(picture.Keep, true) {
			return r, fmt.Errorf("tokens are to be kept, and there is no start: %w", torch.ErrInvalid)
		}
		return r, nil
	}
	if err := picture.Start.check("the start", m.config.CodebookSize); err != nil {
		return r, err
	}
	if picture.Start.Height != o.Height || picture.Start.Width != o.Width {
		return r, fmt.Errorf("the start is a grid of %d rows of %d tokens, the picture one of %d rows of %d: %w",
			picture.Start.Height, picture.Start.Width, o.Height, o.Width, torch.ErrInvalid)
	}
	if len(picture.Keep) != count {
		return r, fmt.Errorf("the mask has %d elements, the picture %d x %d tokens: %w", len(picture.Keep), o.Height, o.Width, torch.ErrInvalid)
	}
	for i, keep := range picture.Keep {
		if keep {
			r.start[i] = picture.Start.Tokens[i]
		}
	}
	r.keep = picture.Keep
	return r, nil
}

// checkNumbers returns an error for random numbers that are too few or not in [0, 1).
func checkNumbers(numbers []float32, count int) error {
	if len(numbers) != count {
		return fmt.Errorf("there are %d random numbers for %d tokens: %w", len(numbers), count, torch.ErrInvalid)
	}
	for _, x := range numbers {
		if !(x >= 0 && x < 1) {
			return fmt.Errorf("a random number is %v, wanted one from 0 to below 1: %w", x, torch.ErrInvalid)
		}
	}
	return nil
}
