package guided

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A run is one generation under way.
type run struct {
	model   *vqgan.Model
	scorer  Scorer
	config  Config
	targets []target

	random    *rand.Rand
	generator *torch.Generator
	noise     *torch.Generator // on the model's device; on the CPU it is generator
	cutter    *cutter
	optimizer *optim.Optimizer

	latent          *torch.Tensor // [1, C, h, w], the leaf that is optimized
	start           *torch.Tensor // the latent before the first step
	lowest, highest *torch.Tensor // [1, C, 1, 1], the codebook's range in each channel
	ground          *torch.Tensor // [1, 3, 1, 1], Config.Ground
}

// begin makes what the steps need. initial is the picture to start from, or nil.
func (r *run) begin(ctx context.Context, initial image.Image) error {
	return torch.Compute(ctx, func(scope *torch.TensorScope) (err error) {
		device, dtype := r.model.Device(), optimizedDType(r.model.DType())
		r.random = rand.New(rand.NewPCG(r.config.Seed, 0))
		// The start and the cutouts are drawn on the CPU, so that they do not depend on the device. The
		// noise is drawn where it is used: a GPU draws it sooner than it could be copied there.
		if r.generator, err = torch.NewGenerator(torch.CPU, r.config.Seed); err != nil {
			return fmt.Errorf("guided: %w", err)
		}
		r.noise = r.generator
		if device != torch.CPU {
			if r.noise, err = torch.NewGenerator(device, r.config.Seed); err != nil {
				return fmt.Errorf("guided: %w", err)
			}
		}
		r.cutter = newCutter(r.scorer.ImageSize(), r.config.Cutouts.Background, device, dtype)
		if err := r.embedPrompts(ctx); err != nil {
			return err
		}
		r.ground = r.config.Ground.tensor().To(device, dtype)
		codebook := r.model.Codebook().To(dtype)
		r.lowest = codebook.AMin([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
		r.highest = codebook.AMax([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
		if r.start, err = r.startLatent(ctx, initial); err != nil {
			return err
		}
		r.start = r.start.To(dtype)
		r.latent = r.start.Clone().SetRequiresGrad(true)
		adam := optim.DefaultAdam()
		adam.LearningRate = r.config.LearningRate
		if r.optimizer, err = optim.Adam([]*torch.Tensor{r.latent}, adam); err != nil {
			return fmt.Errorf("guided: %w", err)
		}
		for _, tensor := range r.tensors() {
			scope.Keep(tensor)
		}
		return nil
	})
}

// optimizedDType is the dtype of the latent, the picture and the losses for models of a dtype: float32
// at least. In 16 bits a step of the optimizer would often be too small to change the latent, and the
// cutouts' coordinates would be as coarse as the pixels. The models themselves compute in their own.
func optimizedDType(models torch.DType) torch.DType {
	if models == torch.Float16 || models == torch.BFloat16 {
		return torch.Float32
	}
	return models
}

// tensors are what the run holds from step to step.
func (r *run) tensors() []*torch.Tensor {
	tensors := []*torch.Tensor{r.latent, r.start, r.lowest, r.highest, r.ground, r.cutter.base}
	if r.cutter.background != nil {
		tensors = append(tensors, r.cutter.background)
	}
	for _, target := range r.targets {
		tensors = append(tensors, target.embedding)
	}
	return tensors
}

// close frees what begin made, but for the tensors, which belong to the scope around the run.
func (r *run) close() {
	for _, generator := range []*torch.Generator{r.generator, r.noise} {
		if generator != nil {
			generator.Close()
		}
	}
	if r.optimizer != nil {
		r.optimizer.Close()
	}
}

func (r *run) embedPrompts(ctx context.Context) error {
	for _, prompt := range r.config.Prompts {
		embeddings, err := r.scorer.EncodeText(ctx, prompt.Text)
		if err != nil {
			return err
		}
		embeddings = embeddings.To(optimizedDType(embeddings.DType()))
		r.targets = append(r.targets, target{prompt, embeddings.Normalize(-1).Reshape(torch.Shape{-1}).Detach()})
	}
	return nil
}

// steps takes the steps, and returns the loss before each that was taken.
func (r *run) steps(ctx context.Context, onStep func(Step) error) (losses []float64, err error) {
	for number := 1; number <= r.config.Steps; number++ {
		loss, distances, err := r.step(ctx)
		if err != nil {
			return losses, cause(ctx, err)
		}
		losses = append(losses, loss)
		if onStep == nil {
			continue
		}
		// Outside Compute, as a caller's function may wait for others that compute.
		err = torch.Try(func() (err error) {
			torch.Scope(func(*torch.TensorScope) {
				err = onStep(Step{
					Number: number, Steps: r.config.Steps,
					Loss: loss, Distances: distances,
					Picture: func() (image.Image, error) { return r.picture(context.WithoutCancel(ctx)) },
				})
			})
			return err
		})
		if err != nil {
			return losses, err
		}
	}
	return losses, nil
}

// step takes one step. Where it fails, the latent is as it was.
func (r *run) step(ctx context.Context) (loss float64, distances []float64, err error) {
	err = torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		cutouts, noise := r.draw()
		if loss, distances, err = r.gradient(ctx, cutouts, noise); err == nil {
			r.move()
		}
		return err
	})
	return loss, distances, err
}

// draw draws the step's cutouts and their noise, which is standard normal, [n, 3, side, side]; nil
// where none is wanted.
func (r *run) draw() (cutouts []cutout, noise *torch.Tensor) {
	shape := r.latent.Shape()
	factor := r.model.Config().DownsamplingFactor
	side := r.cutter.side
	cutouts = r.config.Cutouts.draw(r.random, int(shape[3]*factor), int(shape[2]*factor), side)
	if r.config.Cutouts.Noise > 0 {
		shape := torch.Shape{int64(len(cutouts)), 3, side, side}
		noise = torch.RandN(shape, r.latent.Device(), r.latent.DType(), r.noise)
	}
	return cutouts, noise
}

// move takes the optimizer's step and clamps the latent to the codebook's range, outside which the
// decoder was never trained.
func (r *run) move() {
	r.optimizer.Step()
	torch.NoGrad(func() { r.latent.ClampTensorInPlace(r.lowest, r.highest) })
}

// picture decodes the latent as it is.
func (r *run) picture(ctx context.Context) (picture image.Image, err error) {
	err = torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		torch.NoGrad(func() {
			var quantized vqgan.Quantized
			if quantized, err = r.model.Quantize(ctx, r.latent); err == nil {
				picture, err = r.model.DecodeImage(ctx, quantized.Latent)
			}
		})
		return err
	})
	return picture, err
}
