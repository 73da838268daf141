package guided

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Scorer embeds images and texts in one space. A [clip.Model] is a Scorer.
//
// [clip.Model]: https://pkg.go.dev/github.com/clipvqgan/clipvqgan/clip#Model
type Scorer interface {
	// ImageSize returns S, the side in pixels of the input of EncodePixels.
	ImageSize() int64
	// EncodePixels returns the embeddings [N, D] of images [N, 3, S, S] with values from 0 to 1.
	// Gradients flow back to the images.
	EncodePixels(ctx context.Context, pictures *torch.Tensor) (*torch.Tensor, error)
	// EncodeText returns the embeddings of texts, [N, D].
	EncodeText(ctx context.Context, texts ...string) (*torch.Tensor, error)
}

// RunOptions are arguments of a run that cannot be written to a file as a [Config] can. The zero
// value is valid.
type RunOptions struct {
	// Init is the initial image for [PictureStart], instead of the file in the Config. Transparent
	// parts are composited over white.
	Init image.Image

	// Keep is the image that says what stays, instead of the file in the Config. Transparent parts
	// are free.
	Keep image.Image

	// Terms are further parts of the loss.
	Terms []WeightedTerm

	// OnStep, if not nil, is called by [Generate] after each step, on the goroutine that called it.
	// If it returns an error, the generation ends. It runs in a [torch.Scope]: tensors that it makes
	// are closed when it returns.
	OnStep func(Step) error
}

// A Step describes the progress of a generation.
type Step struct {
	// Number is the number of the step, from 1, and Steps the total number.
	Number, Steps int
	// Loss is the total loss before the step, the sum of Losses.
	Loss float64
	// Losses are the parts of the loss, with their weights: of each prompt, of the Config's Losses,
	// of the terms in the RunOptions, and of InitWeight.
	Losses []Loss
	// Distances are the mean distances between each prompt and the cutouts before the step, in the
	// order of the prompts: half the square of the angle, in radians, between the embeddings. With
	// several scorers they are means by the scorers' weights.
	Distances []float64
	// Picture decodes the image after the step. It may be called until the next step.
	Picture func() (image.Image, error)
}

// A Loss is a part of the loss.
type Loss struct {
	Name  string  // such as the prompt's text, or "margin"
	Value float64 // with its weight
}

// A Result is the result of a generation.
type Result struct {
	// Picture is the image after the last step.
	Picture image.Image
	// Steps is the number of steps taken.
	Steps int
	// Losses are the total losses before each step.
	Losses []float64
}

// Generate generates an image with one scorer. It returns an error if the Config is not valid, or if
// the Scorer does not accept a prompt. [NewRun] takes several scorers.
//
// If ctx ends, the generation ends within one step with the error [context.Cause]. If a step or
// OnStep fails, it ends with that error. In both cases the result has the image so far; it is nil
// if the generation had not started, or if the image could not be decoded.
func Generate(ctx context.Context, model *vqgan.Model, scorer Scorer, config Config, options RunOptions) (result *Result, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	// One scope around all steps keeps them on one OS thread with one team of OpenMP threads.
	torch.Scope(func(*torch.TensorScope) {
		var r *Run
		if r, err = NewRun(ctx, model, []Scorer{scorer}, config, options); err != nil {
			return
		}
		defer r.Close()
		result, err = r.Finish(ctx)
	})
	return result, err
}

// Finish takes the steps that are left, and returns the result, as [Generate] does.
func (r *Run) Finish(ctx context.Context) (result *Result, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	torch.Scope(func(*torch.TensorScope) { result, err = r.finish(ctx) })
	return result, err
}

func (r *Run) finish(ctx context.Context) (*Result, error) {
	failed := r.steps(ctx)
	// Decode the image so far even if the context has ended.
	picture, err := r.Picture(context.WithoutCancel(ctx))
	switch {
	case err != nil && failed != nil:
		return nil, fmt.Errorf("%w, and the picture so far could not be decoded: %w", failed, err)
	case err != nil:
		return nil, err
	}
	return &Result{Picture: picture, Steps: r.taken, Losses: r.Losses()}, failed
}

// steps takes the steps that are left.
func (r *Run) steps(ctx context.Context) error {
	for !r.Done() {
		step, err := r.Step(ctx)
		if err != nil {
			return err
		}
		if r.options.OnStep == nil {
			continue
		}
		// Outside of Compute, since OnStep may wait for other computations.
		err = torch.Try(func() (err error) {
			torch.Scope(func(*torch.TensorScope) { err = r.options.OnStep(step) })
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// cause returns the context's cause instead of an error that says that it has ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
