package guided

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Scorer embeds pictures and texts into one space. A [clip.Model] is one.
//
// [clip.Model]: https://pkg.go.dev/github.com/clipvqgan/clipvqgan/clip#Model
type Scorer interface {
	// ImageSize returns S, the side in pixels of the pictures that EncodePixels takes.
	ImageSize() int64
	// EncodePixels returns the embeddings, [N, D], of pictures, [N, 3, S, S], whose values are from 0
	// to 1. Gradients flow back to the pictures.
	EncodePixels(ctx context.Context, pictures *torch.Tensor) (*torch.Tensor, error)
	// EncodeText returns the embeddings of texts, [N, D].
	EncodeText(ctx context.Context, texts ...string) (*torch.Tensor, error)
}

// RunOptions are what a run takes beside its [Config]: what cannot be written to a file. The zero value
// is valid.
type RunOptions struct {
	// Init is the picture that [PictureStart] starts from, in place of the file that the Config names.
	// Transparent parts lie over white.
	Init image.Image

	// OnStep, unless nil, is called after each step, on the goroutine that called [Generate]. An error
	// from it ends the run. It runs in a [torch.Scope]: the tensors that it makes are closed when it
	// returns.
	OnStep func(Step) error
}

// A Step tells how far a run is.
type Step struct {
	// Number is the number of steps taken, from 1. Steps is how many there will be.
	Number, Steps int
	// Loss is the sum of the loss's terms before the step.
	Loss float64
	// Distances are the mean distances between each prompt and the cutouts before the step, in the
	// prompts' order: half the square of the angle between the embeddings in radians.
	Distances []float64
	// Picture decodes the picture as it is after the step. It may be called during OnStep only.
	Picture func() (image.Image, error)
}

// A Result is what a run made.
type Result struct {
	// Picture is the decoded latent after the last step.
	Picture image.Image
	// Steps is the number of steps taken.
	Steps int
	// Losses are the losses before each step.
	Losses []float64
}

// Generate makes a picture. A Config that is not valid is an error; so is a text that the Scorer does
// not take.
//
// When ctx ends, the run ends within one step, with [context.Cause] as its error. When a step or OnStep
// fails, the run ends with that error. In each case the result holds the picture so far; it is nil if
// the run had not begun, or the picture could not be decoded.
func Generate(ctx context.Context, model *vqgan.Model, scorer Scorer, config Config, options RunOptions) (*Result, error) {
	start, err := prepare(model.Config(), config, options)
	if err != nil {
		return nil, err
	}
	var result *Result
	// One scope around all steps, so that they run on one OS thread with one team of OpenMP threads.
	torch.Scope(func(*torch.TensorScope) {
		r := &run{model: model, scorer: scorer, config: config}
		defer r.close()
		result, err = r.all(ctx, start, options.OnStep)
	})
	return result, err
}

// all makes the picture.
func (r *run) all(ctx context.Context, start image.Image, onStep func(Step) error) (*Result, error) {
	if err := r.begin(ctx, start); err != nil {
		return nil, cause(ctx, err)
	}
	losses, failed := r.steps(ctx, onStep)
	// The picture so far is wanted although the context has ended.
	picture, err := r.picture(context.WithoutCancel(ctx))
	switch {
	case err != nil && failed != nil:
		return nil, fmt.Errorf("%w, and the picture so far could not be decoded: %w", failed, err)
	case err != nil:
		return nil, err
	}
	return &Result{Picture: picture, Steps: len(losses), Losses: losses}, failed
}

// cause is the context's cause in place of an error that says that it has ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
