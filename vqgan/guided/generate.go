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

// RunOptions are arguments of [Generate] that cannot be written to a file as a [Config] can. The
// zero value is valid.
type RunOptions struct {
	// Init is the initial image for [PictureStart], instead of the file in the Config. Transparent
	// parts are composited over white.
	Init image.Image

	// OnStep, if not nil, is called after each step, on the goroutine that called [Generate]. If it
	// returns an error, the generation ends. It runs in a [torch.Scope]: tensors that it makes are
	// closed when it returns.
	OnStep func(Step) error
}

// A Step describes the progress of a generation.
type Step struct {
	// Number is the number of the step, from 1, and Steps the total number.
	Number, Steps int
	// Loss is the total loss before the step.
	Loss float64
	// Distances are the mean distances between each prompt and the cutouts before the step, in the
	// order of the prompts: half the square of the angle, in radians, between the embeddings.
	Distances []float64
	// Picture decodes the image after the step. It may be called during OnStep only.
	Picture func() (image.Image, error)
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

// Generate generates an image. It returns an error if the Config is not valid, or if the Scorer
// does not accept a prompt.
//
// If ctx ends, the generation ends within one step with the error [context.Cause]. If a step or
// OnStep fails, it ends with that error. In both cases the result has the image so far; it is nil
// if the generation had not started, or if the image could not be decoded.
func Generate(ctx context.Context, model *vqgan.Model, scorer Scorer, config Config, options RunOptions) (*Result, error) {
	switch {
	case model == nil || model.Codebook() == nil:
		return nil, bad("the VQGAN was not loaded; vqgan.Load returns one")
	case scorer == nil || scorer.ImageSize() < 1:
		return nil, bad("there is no scorer, or it was not loaded; clip.Load returns one")
	case ctx == nil:
		ctx = context.Background()
	}
	start, err := prepare(model.Config(), config, options)
	if err != nil {
		return nil, err
	}
	var result *Result
	// One scope around all steps keeps them on one OS thread with one team of OpenMP threads.
	torch.Scope(func(*torch.TensorScope) {
		r := &run{model: model, scorer: scorer, config: config}
		defer r.close()
		result, err = r.all(ctx, start, options.OnStep)
	})
	return result, err
}

// all runs the generation.
func (r *run) all(ctx context.Context, start image.Image, onStep func(Step) error) (*Result, error) {
	if err := r.begin(ctx, start); err != nil {
		return nil, cause(ctx, err)
	}
	losses, failed := r.steps(ctx, onStep)
	// Decode the image so far even if the context has ended.
	picture, err := r.picture(context.WithoutCancel(ctx))
	switch {
	case err != nil && failed != nil:
		return nil, fmt.Errorf("%w, and the picture so far could not be decoded: %w", failed, err)
	case err != nil:
		return nil, err
	}
	return &Result{Picture: picture, Steps: len(losses), Losses: losses}, failed
}

// cause returns the context's cause instead of an error that says that it has ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
