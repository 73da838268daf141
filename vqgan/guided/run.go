package guided

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A run is one generation.
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

// begin prepares the steps. initial is the image to start from, or nil.
func (r *run) begin(ctx context.Context, initial image.Image) error {
	return torch.Compute(ctx, func(scope *torch.TensorScope) (err error) {
		device, dtype := r.model.Device(), optimizedDType(r.model.DType())
		r.random = rand.New(rand.NewPCG(r.config.Seed, 0))
		// The start and the cutouts are drawn on the CPU, so that they do not depend on the device.
		// Noise is drawn on the device, where it is faster than copying it there.
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

// optimizedDType returns the dtype of the latent, the image and the losses for models with the
// given dtype: at least float32. In 16 bits many steps would be too small to change the latent, and
// coordinates of cutouts as coarse as pixels. The models compute in their own dtype.
func optimizedDType(models torch.DType) torch.DType {
	if models == torch.Float16 || models == torch.BFloat16 {
		return torch.Float32
	}
	return models
}

// tensors are the tensors that the run keeps between steps.
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

// close frees what begin made, except for tensors, which belong to the scope around the run.
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

// steps performs the steps, and returns the loss before each of them.
func (r *run) steps(ctx context.Context, onStep func(Step) error) (losses []float64, err error) {
	for number := 1; number <= r.config.Steps; number++ {
		loss, distances, err := r.step(ctx)
		if err != nil {
			return losses, cause(ctx, err)
		}
		losses = append(losses, loss)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return losses, &torch.Error{Operation: "Generate", Kind: torch.ErrInvalid, Message: fmt.Sprintf(
				"the loss is %v at step %d: the weights of the prompts or the learning rate are too large", loss, number)}
		}
		if onStep == nil {
			continue
		}
		// Outside of Compute, since OnStep may wait for other computations.
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

// step performs one step. If it fails, the latent is unchanged.
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

// draw draws the step's cutouts and their noise, standard normal [n, 3, side, side], or nil if
// there is none.
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

// move performs the optimizer's step and clamps the latent to the codebook's range, outside of
// which the decoder was not trained.
func (r *run) move() {
	r.optimizer.Step()
	torch.NoGrad(func() { r.latent.ClampTensorInPlace(r.lowest, r.highest) })
}

// picture decodes the current latent.
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
