package guided

import (
	"context"
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Term is a part of the loss besides the prompts. Those of a [Config] are made by it; users can
// add their own in [RunOptions].
type Term interface {
	// Loss returns the term's value, a tensor with one element, for an image [1, 3, H, W] with
	// values from 0 to 1, through which gradients flow back. It is called in each step, inside
	// [torch.Compute]: tensors that it makes are freed after the step.
	Loss(ctx context.Context, picture *torch.Tensor) (*torch.Tensor, error)
}

// A TermFunc is a function as a [Term].
type TermFunc func(ctx context.Context, picture *torch.Tensor) (*torch.Tensor, error)

// Loss calls the function.
func (f TermFunc) Loss(ctx context.Context, picture *torch.Tensor) (*torch.Tensor, error) {
	return f(ctx, picture)
}

// A WeightedTerm is a term of the loss, with its weight and a name for progress and errors.
type WeightedTerm struct {
	Name   string
	Weight float64
	Term   Term
}

func (w WeightedTerm) validate(i int) error {
	if w.Term == nil {
		return bad("terms[%d] (%q) has no Term", i, w.Name)
	}
	return check(fmt.Sprintf("terms[%d].Weight", i), w.Weight, interval{low: math.Inf(-1), high: math.Inf(1)})
}

// loss returns the weighted value, checked to be one element.
func (w WeightedTerm) loss(ctx context.Context, picture *torch.Tensor) (*torch.Tensor, error) {
	value, err := w.Term.Loss(ctx, picture)
	switch {
	case err != nil:
		return nil, fmt.Errorf("guided: the term %q: %w", w.Name, err)
	case value == nil || value.NumElements() != 1:
		return nil, bad("the term %q returned %s, wanted a tensor with one element", w.Name, described(value))
	}
	return value.Reshape(nil).To(picture.Device(), picture.DType()).MulScalar(w.Weight), nil
}

func described(value *torch.Tensor) string {
	if value == nil {
		return "nil"
	}
	return fmt.Sprintf("a tensor %v", value.Shape())
}
