package guided

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Run is a generation that takes its steps one at a time. [NewRun] begins one, [Resume] continues
// one from a [Snapshot], and [Generate] takes all steps of one.
//
// A Run may be used by one goroutine at a time. If it is made in a [torch.Scope], it ends with the
// scope.
type Run struct {
	model   *vqgan.Model
	scorers []Scorer
	config  Config
	options RunOptions

	source    *rand.PCG // of random
	random    *rand.Rand
	generator *torch.Generator
	noise     *torch.Generator // on the model's device; on the CPU it is generator
	views     []view
	optimizer mover
	targets   []*targets // one for each scorer
	terms     []WeightedTerm

	latent          *torch.Tensor // [1, C, h, w], the leaf that is optimized
	start           *torch.Tensor // the latent before the first step
	average         *torch.Tensor // of the latents with LatentEMA, whose weights add up to averageWeight
	lowest, highest *torch.Tensor // [1, C, 1, 1], the codebook's range in each channel
	free            *torch.Tensor // [1, 1, h, w], how much of each cell may change, or nil for all

	averageWeight float64

	models *modelIdentity // for snapshots, once it is known

	taken  int // the number of steps taken
	losses []float64
}

// NewRun begins a generation with the image that it starts from. It returns an error if the Config
// is not valid, or if a scorer does not accept a prompt.
func NewRun(ctx context.Context, model *vqgan.Model, scorers []Scorer, config Config, options RunOptions) (*Run, error) {
	used, err := checkRun(model, scorers, config, options)
	if err != nil {
		return nil, err
	}
	r := &Run{model: model, scorers: scorers, config: config, options: options}
	if err := r.begin(ctx, used); err != nil {
		r.Close()
		return nil, cause(ctx, err)
	}
	return r, nil
}

func checkRun(model *vqgan.Model, scorers []Scorer, config Config, options RunOptions) (used pictures, err error) {
	if model == nil || model.Codebook() == nil {
		return used, bad("the VQGAN was not loaded; vqgan.Load returns one")
	}
	if len(scorers) == 0 {
		return used, bad("there is no scorer; clip.Load returns one")
	}
	for _, scorer := range scorers {
		if scorer == nil || scorer.ImageSize() < 1 {
			return used, bad("there is no scorer, or it was not loaded; clip.Load returns one")
		}
	}
	return prepare(model.Config(), config, len(scorers), options)
}

// begin prepares the steps.
func (r *Run) begin(ctx context.Context, used pictures) error {
	return torch.Compute(ctx, func(scope *torch.TensorScope) (err error) {
		device, dtype := r.model.Device(), optimizedDType(r.model.DType())
		r.source = rand.NewPCG(r.config.Seed, 0)
		r.random = rand.New(r.source)
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
		codebook := r.model.Codebook().To(dtype)
		r.lowest = codebook.AMin([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
		r.highest = codebook.AMax([]int64{0}, false).Reshape(torch.Shape{1, -1, 1, 1})
		if r.start, err = r.startLatent(ctx, used.start); err != nil {
			return err
		}
		r.start = r.start.To(dtype)
		r.latent = r.start.Clone().SetRequiresGrad(true)
		r.average = torch.Zeros(r.start.Shape(), device, dtype)
		if r.optimizer, err = r.config.Optimizer.mover(r.latent); err != nil {
			return err
		}
		if err := r.aim(ctx, used); err != nil {
			return err
		}
		for _, tensor := range r.tensors() {
			scope.Keep(tensor)
		}
		return nil
	})
}

// aim prepares what depends on the Config but not on the state: prompts, losses, cutouts and what
// stays.
func (r *Run) aim(ctx context.Context, used pictures) (err error) {
	device, dtype := r.model.Device(), optimizedDType(r.model.DType())
	r.views = newViews(r.scorers, r.config.Cutouts.Background, device, dtype)
	r.targets = nil
	for _, scorer := range r.scorers {
		aimed, err := newTargets(ctx, scorer, r.config.Prompts, used.prompts, device)
		if err != nil {
			return err
		}
		r.targets = append(r.targets, aimed)
	}
	r.terms = append(r.config.Losses.terms(r.config.Ground), r.options.Terms...)
	if r.config.InitWeight > 0 && r.config.InitDistance == PixelDistance {
		startPixels, err := r.pixels(ctx, r.start)
		if err != nil {
			return err
		}
		r.terms = append(r.terms, WeightedTerm{initName, r.config.InitWeight, pixelDistance{startPixels}})
	}
	r.free = nil
	if used.keep != nil {
		shape := r.start.Shape()
		if r.free, err = keepMask(used.keep, shape[2], shape[3]); err != nil {
			return fmt.Errorf("guided: keep: %w", err)
		}
		r.free = r.free.To(device, dtype)
	}
	return nil
}

// renewStart computes what the losses know of the start.
func (r *Run) renewStart(ctx context.Context) error {
	for _, term := range r.terms {
		if distance, ok := term.Term.(pixelDistance); ok {
			startPixels, err := r.pixels(ctx, r.start)
			if err != nil {
				return err
			}
			torch.NoGrad(func() { distance.start.CopyInPlace(startPixels) })
		}
	}
	return nil
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
func (r *Run) tensors() (all []*torch.Tensor) {
	all = []*torch.Tensor{r.latent, r.start, r.average, r.lowest, r.highest, r.free}
	for _, view := range r.views {
		all = append(all, view.cutter.base, view.cutter.background)
	}
	for _, aimed := range r.targets {
		all = append(all, aimed.tensors()...)
	}
	for _, term := range r.terms {
		if distance, ok := term.Term.(pixelDistance); ok {
			all = append(all, distance.start)
		}
	}
	return slices.DeleteFunc(all, func(tensor *torch.Tensor) bool { return tensor == nil })
}

// Close frees what the run holds. Closing it again does nothing.
func (r *Run) Close() {
	for _, generator := range []*torch.Generator{r.generator, r.noise} {
		if generator != nil {
			generator.Close()
		}
	}
	if r.optimizer != nil {
		r.optimizer.Close()
	}
	for _, tensor := range r.tensors() {
		tensor.Close()
	}
}

// Config returns the Config of the run.
func (r *Run) Config() Config { return r.config }

// Taken returns the number of steps taken.
func (r *Run) Taken() int { return r.taken }

// Losses returns the total losses before each step taken.
func (r *Run) Losses() []float64 { return slices.Clone(r.losses) }

// Done reports whether the run is over: all steps of the Config are taken, or the loss has not
// become lower for as long as the Config's Patience.
func (r *Run) Done() bool { return r.taken >= r.config.Steps || r.outOfPatience() }

func (r *Run) outOfPatience() bool {
	patience := r.config.Patience
	if patience == 0 || len(r.losses) < 2*patience {
		return false
	}
	sum := func(losses []float64) (sum float64) {
		for _, loss := range losses {
			sum += loss
		}
		return sum
	}
	latest := r.losses[len(r.losses)-patience:]
	before := r.losses[len(r.losses)-2*patience : len(r.losses)-patience]
	return sum(latest) >= sum(before)
}

// Step takes one step. If it fails, or if ctx ends, the run is as it was before the step, but for
// the random numbers that were drawn. A loss that is not a finite number is an error that names it.
// Steps may be taken after [Run.Done] too.
func (r *Run) Step(ctx context.Context) (step Step, err error) {
	if r.latent == nil || r.optimizer == nil {
		return step, bad("the Run was not made by NewRun or Resume")
	}
	number := r.taken + 1
	err = torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		if err := r.optimizer.SetLearningRate(r.config.Optimizer.rate(number, r.config.Steps)); err != nil {
			return err
		}
		step, err = r.move(ctx, r.draw())
		return err
	})
	if err != nil {
		return step, cause(ctx, err)
	}
	r.taken = number
	r.losses = append(r.losses, step.Loss)
	step.Number, step.Steps = number, r.config.Steps
	step.Picture = func() (image.Image, error) { return r.Picture(context.WithoutCancel(ctx)) }
	return step, nil
}

// draw draws the step's cutouts and their noise.
func (r *Run) draw() []view {
	width, height := r.size()
	drawn := slices.Clone(r.views)
	for i := range drawn {
		side := drawn[i].cutter.side
		drawn[i].cutouts = r.config.Cutouts.draw(r.random, width, height, side)
		if r.config.Cutouts.Noise > 0 {
			shape := torch.Shape{int64(len(drawn[i].cutouts)), 3, side, side}
			drawn[i].noise = torch.RandN(shape, r.latent.Device(), r.latent.DType(), r.noise)
		}
	}
	return drawn
}

// move changes the latent by one step of the optimizer, and clamps it to the codebook's range,
// outside of which the decoder was not trained.
func (r *Run) move(ctx context.Context, drawn []view) (step Step, err error) {
	switch optimizer := r.optimizer.(type) {
	case *optim.Optimizer:
		found, err := r.gradient(ctx, drawn)
		if err != nil {
			return step, err
		}
		if step, err = r.report(found); err != nil {
			return step, err
		}
		optimizer.Step()
	case *optim.LBFGSOptimizer:
		if step, err = r.search(ctx, optimizer, drawn); err != nil {
			return step, err
		}
	}
	torch.NoGrad(func() {
		r.latent.ClampTensorInPlace(r.lowest, r.highest)
		if r.free != nil {
			r.latent.CopyInPlace(r.start.LerpTensor(r.latent, r.free))
		}
		if decay := r.config.LatentEMA; decay > 0 {
			r.average.LerpInPlace(r.latent, 1-decay)
			r.averageWeight = mix(r.averageWeight, 1, 1-decay)
		}
	})
	return step, nil
}

// search takes a step of L-BFGS, which computes the loss several times.
func (r *Run) search(ctx context.Context, optimizer *optim.LBFGSOptimizer, drawn []view) (step Step, err error) {
	before := r.latent.Detach().Clone()
	defer func() {
		failure := recover()
		if failed, ok := failure.(searchFailure); ok {
			err, failure = failed.error, nil
		}
		if err != nil || failure != nil {
			torch.NoGrad(func() { r.latent.CopyInPlace(before) })
		}
		if failure != nil {
			panic(failure)
		}
	}()
	first := true
	optimizer.Step(func() *torch.Tensor {
		found, err := r.gradient(ctx, drawn)
		var now Step
		if err == nil {
			now, err = r.report(found)
		}
		if err != nil {
			panic(searchFailure{err})
		}
		if first {
			step, first = now, false
		}
		return torch.FromSlice([]float64{now.Loss}, nil).Reshape(nil)
	})
	return step, nil
}

// A searchFailure carries an error out of L-BFGS.
type searchFailure struct{ error }

// report returns the losses as a Step, and an error if one is not a finite number.
func (r *Run) report(found measured) (step Step, err error) {
	losses, distances := found.read()
	step.Distances = distances
	for i, name := range r.lossNames() {
		step.Losses = append(step.Losses, Loss{name, losses[i]})
		step.Loss += losses[i]
	}
	for _, loss := range step.Losses {
		if math.IsNaN(loss.Value) || math.IsInf(loss.Value, 0) {
			return step, &torch.Error{Operation: "Step", Kind: torch.ErrInvalid, Message: fmt.Sprintf(
				"the loss %q is %v at step %d: its weight or the learning rate is too large", loss.Name, loss.Value, r.taken+1)}
		}
	}
	return step, nil
}

// initName is the name of the distance from the start among the losses.
const initName = "init"

// lossNames are the names of the losses, in the order of measured.
func (r *Run) lossNames() (names []string) {
	for _, prompt := range r.config.Prompts {
		names = append(names, prompt.String())
	}
	for _, term := range r.terms {
		names = append(names, term.Name)
	}
	if r.config.InitWeight > 0 && r.config.InitDistance != PixelDistance {
		names = append(names, initName)
	}
	return names
}

// Picture decodes the image after the steps taken, of the average if the Config has LatentEMA.
func (r *Run) Picture(ctx context.Context) (picture image.Image, err error) {
	if r.latent == nil {
		return nil, bad("the Run was not made by NewRun or Resume")
	}
	err = torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		torch.NoGrad(func() {
			latent := r.latent
			if r.config.LatentEMA > 0 && r.averageWeight > 0 {
				latent = r.average.DivScalar(r.averageWeight)
			}
			var quantized vqgan.Quantized
			if quantized, err = r.model.Quantize(ctx, latent); err == nil {
				picture, err = r.model.DecodeImage(ctx, quantized.Latent)
			}
		})
		return err
	})
	return picture, err
}

// pixels decodes a latent to an image [1, 3, H, W] with values from 0 to 1.
func (r *Run) pixels(ctx context.Context, latent *torch.Tensor) (pixels *torch.Tensor, err error) {
	torch.NoGrad(func() {
		var decoded *torch.Tensor
		if decoded, err = r.model.Decode(ctx, latent); err == nil {
			pixels = decoded.To(latent.DType()).AddScalar(1).DivScalar(2).Clamp(0, 1)
		}
	})
	return pixels, err
}
