package guided

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Scorer embeds pictures and texts into one space: what guidance needs of a [clip.Model].
//
// [clip.Model]: https://pkg.go.dev/github.com/clipvqgan/clipvqgan/clip#Model
type Scorer interface {
	// ImageSize is the side of the pictures that EncodePixels takes.
	ImageSize() int64
	// EncodePixels embeds pictures, [N, 3, S, S] in [0, 1], as [N, D]. Gradients flow back.
	EncodePixels(pictures *torch.Tensor) (*torch.Tensor, error)
	// EncodeText embeds texts as [N, D].
	EncodeText(texts ...string) (*torch.Tensor, error)
}

// A Result is what a run made.
type Result struct {
	// Picture is the last latent, decoded.
	Picture image.Image
	// Steps is how many steps were taken.
	Steps int
	// Losses are the loss before each step.
	Losses []float64
}

// Generate makes a picture. Where the context ends first, or OnStep or a step fails, the result is
// the picture so far, beside the error; it is nil where not even that could be made.
func Generate(ctx context.Context, model *vqgan.Model, scorer Scorer, options Options) (*Result, error) {
	config := model.Config()
	options = options.withDefaults(config.ImageSize)
	if err := options.check(config.DownsamplingFactor); err != nil {
		return nil, err
	}
	var result *Result
	err := torch.Try(func() (err error) {
		torch.Scope(func(*torch.TensorScope) {
			var r *run
			if r, err = newRun(model, scorer, options); err != nil {
				return
			}
			defer r.close()
			result, err = r.all(ctx)
		})
		return err
	})
	return result, err
}

// A run is one generation under way.
type run struct {
	model   *vqgan.Model
	scorer  Scorer
	options Options
	targets []target

	random    *rand.Rand
	generator *torch.Generator
	cutter    *cutter

	latent       *torch.Tensor // [1, C, h, w], the leaf that is optimised
	start        *torch.Tensor // the latent before the first step
	lowest, most *torch.Tensor // [1, C, 1, 1], the codebook's range
	ground       *torch.Tensor // [1, 3, 1, 1], what the margin is held to
	optimizer    *optim.Optimizer
}

func newRun(model *vqgan.Model, scorer Scorer, options Options) (*run, error) {
	r := &run{
		model: model, scorer: scorer, options: options,
		random: rand.New(rand.NewPCG(options.Seed, 0)),
		cutter: newCutter(scorer.ImageSize(), options.Cutouts.Background, model.Device(), model.DType()),
	}
	var err error
	// The numbers are drawn on the CPU, so that they do not depend on the device.
	if r.generator, err = torch.NewGenerator(torch.CPU, options.Seed); err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	if err := r.readPrompts(); err != nil {
		return nil, err
	}
	r.ground = colourTensor(options.ground()).To(model.Device(), model.DType())
	codebook := model.Codebook()
	r.lowest = codebook.AMin([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
	r.most = codebook.AMax([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
	if err := r.startLatent(); err != nil {
		return nil, err
	}
	adam := optim.DefaultAdam()
	adam.LearningRate = options.LearningRate
	r.optimizer, err = optim.Adam([]*torch.Tensor{r.latent}, adam)
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	return r, nil
}

func (r *run) close() {
	r.optimizer.Close()
	r.generator.Close()
}

func (r *run) readPrompts() error {
	for _, prompt := range r.options.Prompts {
		embeddings, err := r.scorer.EncodeText(prompt.Text)
		if err != nil {
			return err
		}
		r.targets = append(r.targets, target{prompt, embeddings.Normalize(-1).Reshape(torch.Shape{-1}).Detach()})
	}
	return nil
}

// all takes the steps.
func (r *run) all(ctx context.Context) (*Result, error) {
	var losses []float64
	var failed error
	for number := 1; number <= r.options.Steps && failed == nil; number++ {
		if failed = context.Cause(ctx); failed != nil {
			break
		}
		var taken bool
		taken, failed = r.step(number, &losses)
		if !taken {
			break
		}
	}
	result := &Result{Steps: len(losses), Losses: losses}
	var err error
	if result.Picture, err = r.picture(); err != nil {
		return nil, errors.Join(failed, err)
	}
	return result, failed
}

// step takes one step, and reports it. taken says whether the latent moved.
func (r *run) step(number int, losses *[]float64) (taken bool, err error) {
	err = torch.Try(func() (err error) {
		torch.Scope(func(*torch.TensorScope) {
			var loss float64
			var distances []float64
			if loss, distances, err = r.gradient(r.draw()); err != nil {
				return
			}
			r.move()
			taken = true
			*losses = append(*losses, loss)
			if r.options.OnStep != nil {
				err = r.options.OnStep(Step{
					Number: number, Steps: r.options.Steps,
					Loss: loss, Distances: distances, Picture: r.picture,
				})
			}
		})
		return err
	})
	return taken, err
}

// move takes the optimizer's step and holds the latent within the codebook's range, outside which
// the decoder has never been.
func (r *run) move() {
	r.optimizer.Step()
	torch.NoGrad(func() { r.latent.ClampTensorInPlace(r.lowest, r.most) })
}

// draw draws the step's cutouts and their noise, which is standard normal for each pixel of each
// piece; nil where none is wanted.
func (r *run) draw() (pieces []cutout, noise *torch.Tensor) {
	shape := r.latent.Shape()
	factor := r.model.Config().DownsamplingFactor
	side := r.cutter.side
	pieces = r.options.Cutouts.draw(r.random, int(shape[3]*factor), int(shape[2]*factor), side)
	if r.options.Cutouts.Noise > 0 {
		noise = torch.RandN(torch.Shape{int64(len(pieces)), 3, side, side}, r.generator)
		noise = noise.To(r.latent.Device(), r.latent.DType())
	}
	return pieces, noise
}

// gradient gathers in the latent the gradient of the loss that the pieces give. The gradients of
// all pieces are gathered at the picture first, so that the decoder runs backwards once, however
// many batches the pieces come in.
func (r *run) gradient(pieces []cutout, noise *torch.Tensor) (loss float64, distances []float64, err error) {
	r.latent.SetGrad(nil)
	quantized, err := r.model.Quantize(r.latent)
	if err != nil {
		return 0, nil, err
	}
	decoded, err := r.model.Decode(quantized.Latent)
	if err != nil {
		return 0, nil, err
	}
	picture := decoded.AddScalar(1).DivScalar(2)
	unclamped := picture.Detach()
	leaf := unclamped.Clamp(0, 1).SetRequiresGrad(true)
	loss, distances, err = r.score(leaf, pieces, noise)
	if err != nil {
		return 0, nil, err
	}
	if weight := r.options.TotalVariation; weight > 0 {
		term := totalVariation(leaf).MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	if weight := r.options.Margin; weight > 0 {
		term := marginDifference(leaf, r.ground).MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	gradient := clampGradient(unclamped, leaf.Detach(), leaf.Grad())
	torch.Backward([]*torch.Tensor{picture}, torch.BackwardOptions{Gradients: []*torch.Tensor{gradient}})
	if weight := r.options.InitWeight; weight > 0 {
		term := r.latent.Sub(r.start).Square().Mean().MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	return loss, distances, nil
}

// score adds to the picture's gradient that of the prompts' losses, batch by batch.
func (r *run) score(leaf *torch.Tensor, pieces []cutout, noise *torch.Tensor) (loss float64, distances []float64, err error) {
	distances = make([]float64, len(r.targets))
	for start := 0; start < len(pieces); start += r.options.Batch {
		end := min(start+r.options.Batch, len(pieces))
		var part *torch.Tensor
		if noise != nil {
			part = noise.Narrow(0, int64(start), int64(end-start))
		}
		err = torch.Try(func() (err error) {
			torch.Scope(func(*torch.TensorScope) {
				share := float64(end-start) / float64(len(pieces))
				var embeddings *torch.Tensor
				if embeddings, err = r.scorer.EncodePixels(r.cutter.apply(leaf, pieces[start:end], part)); err != nil {
					return
				}
				cutouts := embeddings.Normalize(-1)
				sum := torch.Zeros(nil, leaf.Device(), leaf.DType())
				for i, target := range r.targets {
					term, distance := target.loss(cutouts)
					sum = sum.Add(term.MulScalar(share))
					distances[i] += distance * share
				}
				sum.Backward()
				loss += sum.Item()
			})
			return err
		})
		if err != nil {
			return 0, nil, err
		}
	}
	return loss, distances, nil
}
