package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// RunOptions say what happens during a training.
type RunOptions struct {
	// Checkpoint is a file that is written after each Every steps and at the end, also one by an error or by
	// the context. If it is there already, the training goes on from it, with the same bytes as a training that was
	// never interrupted. Without it nothing is written.
	Checkpoint string
	// Every is the number of steps between checkpoints; 0 means 1,000.
	Every int
	// OnStep is called after each step. Its error ends the training.
	OnStep func(Step) error
}

// A Step is what OnStep is told.
type Step struct {
	// Number is from 1 to Steps.
	Number, Steps int
	// Epoch is from 1.
	Epoch int
	// Pairs is the number of pairs that could be read.
	Pairs int
	// Loss is that before the step, LearningRate that of the step, and LogitScale the factor of the cosines
	// after it.
	Loss, LearningRate, LogitScale float64
}

// A Result is what a training leaves beside the model.
type Result struct {
	// Losses has the loss before each step; NaN for a step of which fewer than two pairs could be read.
	Losses []float64
	// Failures are the errors of pairs that could not be read, each once, in this run.
	Failures []error
}

// Run trains a model. What it changes are the model's parameters: save them by its Save. Of a batch those
// pairs are left out that cannot be read. The error is [torch.ErrInvalid] if the settings or the number of
// pairs do not fit; ctx's if that ends, within one step; or [ErrNotFinite]. The result has what was done up to
// then. Memory for training is that of the parameters four times, and of a chunk's activations.
func Run(ctx context.Context, model *clip.Trainable, pairs *Pairs, config Config, options RunOptions) (*Result, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if options.Every <= 0 {
		options.Every = 1000
	}
	r := &run{model: model, config: config, options: options, failures: map[int]error{}}
	err := torch.Try(func() error { return r.begin(ctx, pairs) })
	if err == nil {
		err = r.train(ctx)
	}
	r.close()
	return &Result{Losses: r.losses, Failures: told(r.failures, pairs.Len())}, failed("Run", err)
}

// ErrNotFinite is the error for a loss that is infinite or no number.
var ErrNotFinite = errors.New("the loss is not finite: a lower learning rate, a longer warm-up or float32 may help")

type run struct {
	model    *clip.Trainable
	config   Config
	options  RunOptions
	loader   loader
	steps    int
	perEpoch int
	lossKind Loss

	scale, bias *torch.Tensor // parameters; bias may be nil
	// trained are the tensors that the optimizer changes, by the model's names.
	trained   []torch.NamedTensor
	adapters  []*adapter
	buffers   []torch.NamedTensor
	optimizer *optim.Optimizer
	scaler    *optim.GradScaler // for float16, else nil

	epoch    int
	order    []int
	losses   []float64
	failures map[int]error
}

// begin prepares the steps, from a checkpoint if there is one.
func (r *run) begin(ctx context.Context, pairs *Pairs) error {
	if err := r.config.Validate(); err != nil {
		return err
	}
	if err := r.model.SetTraining(false); err != nil { // also tells of a model that was not loaded
		return err
	}
	if r.config.BatchSize > pairs.Len() {
		return fmt.Errorf("the setting BatchSize is %d, and there are %d pairs: %w", r.config.BatchSize, pairs.Len(), torch.ErrInvalid)
	}
	if r.config.Precision == torch.Float16 && !r.model.Device().IsCUDA() {
		return fmt.Errorf("the setting Precision is float16, which is for GPUs, and the model is on the %s: use bfloat16: %w", r.model.Device(), torch.ErrInvalid)
	}
	r.perEpoch = pairs.Len() / r.config.BatchSize
	r.steps = r.config.Steps
	if r.steps == 0 {
		r.steps = r.config.Epochs * r.perEpoch
	}
	r.config.Warmup = min(r.config.Warmup, r.steps)
	if r.config.ChunkSize == 0 || r.config.ChunkSize > r.config.BatchSize {
		r.config.ChunkSize = r.config.BatchSize
	}
	r.loader = loader{
		pairs: pairs, preprocessor: r.model.Preprocessor(), tokenizer: r.model.Tokenizer(),
		augmentation: r.config.Augmentation, seed: r.config.Seed, readers: r.config.Readers,
	}
	r.epoch = -1
	r.lossKind = r.config.Loss.of(r.model)
	if err := r.chooseParameters(); err != nil {
		return err
	}
	if r.lossKind == Sigmoid && r.bias == nil {
		return fmt.Errorf("the model %s has no logit_bias, which the sigmoid loss needs: %w", r.model.Config().Architecture, torch.ErrInvalid)
	}
	if err := r.newOptimizer(); err != nil {
		return err
	}
	// Normalizations keep their statistics unless all is trained.
	if err := r.model.SetTraining(r.config.trainsAll()); err != nil {
		return err
	}
	return r.resume(ctx)
}

func (c Config) trainsAll() bool {
	return c.Blocks == 0 && c.LoRA.Rank == 0 && !c.FreezeImages && !c.FreezeTexts
}

// chooseParameters makes those parameters require gradients that are trained.
func (r *run) chooseParameters() error {
	parameters := r.model.Parameters()
	selected, err := r.config.selected(parameters)
	if err != nil {
		return err
	}
	for _, parameter := range parameters {
		parameter.Tensor.SetRequiresGrad(selected[parameter.Name])
		switch parameter.Name {
		case "logit_scale":
			r.scale = parameter.Tensor
		case "logit_bias":
			r.bias = parameter.Tensor
		}
		if selected[parameter.Name] {
			r.trained = append(r.trained, parameter)
		}
	}
	if r.config.trainsAll() {
		r.buffers = r.model.Buffers()
	}
	if r.adapters, err = r.config.newAdapters(parameters); err != nil {
		return err
	}
	for _, each := range r.adapters {
		each.weight.SetRequiresGrad(true)
		r.trained = append(r.trained, torch.NamedTensor{Name: each.name + ".lora_A", Tensor: each.a},
			torch.NamedTensor{Name: each.name + ".lora_B", Tensor: each.b})
	}
	return nil
}

// newOptimizer makes AdamW with open_clip's two groups.
func (r *run) newOptimizer() error {
	options := optim.DefaultAdamW()
	options.LearningRate, options.Betas, options.Epsilon = r.config.LearningRate, r.config.Betas, r.config.Epsilon
	var plain, decaying optim.ParamGroup
	for _, parameter := range r.trained {
		group := &plain
		if decayed(parameter.Name, parameter.Tensor.Dim()) {
			group = &decaying
		}
		group.Parameters = append(group.Parameters, parameter.Tensor)
	}
	options.WeightDecay = 0
	plain.Options = options
	options.WeightDecay = r.config.WeightDecay
	decaying.Options = options
	groups := []optim.ParamGroup{plain} // the logit scale is always in it
	if len(decaying.Parameters) > 0 {
		groups = append(groups, decaying)
	}
	var err error
	if r.optimizer, err = optim.AdamW(groups, options); err != nil {
		return err
	}
	if r.config.Precision == torch.Float16 {
		r.scaler, err = optim.NewGradScaler(optim.DefaultGradScaler())
	}
	return err
}

// indices returns the pairs of a step.
func (r *run) indices(step int) (epoch int, indices []int) {
	epoch = step / r.perEpoch
	if epoch != r.epoch {
		r.epoch, r.order = epoch, r.loader.order(epoch)
	}
	first := step % r.perEpoch * r.config.BatchSize
	return epoch, r.order[first : first+r.config.BatchSize]
}

// train takes the steps that are left. While the model computes one, the pairs of the next are read, if that
// leaves processors free.
func (r *run) train(ctx context.Context) error {
	reading, cancel := context.WithCancel(ctx)
	overlap := r.model.Device().IsCUDA() || torch.NumThreads() < runtime.GOMAXPROCS(0)
	read := func(step int) func() *batch {
		epoch, indices := r.indices(step)
		if !overlap {
			return func() *batch { return r.loader.load(reading, epoch, indices) }
		}
		loaded := make(chan *batch, 1)
		go func() { loaded <- r.loader.load(reading, epoch, indices) }()
		return func() *batch { return <-loaded }
	}
	var next func() *batch
	defer func() {
		cancel()
		if overlap && next != nil {
			next() // its goroutine ends before the pairs may be closed
		}
	}()
	for step := len(r.losses); step < r.steps; step++ {
		if next == nil {
			next = read(step)
		}
		loaded := next()
		next = nil
		if err := ctx.Err(); err != nil {
			return r.interrupted(err)
		}
		if overlap && step+1 < r.steps {
			next = read(step + 1)
		}
		for i, failure := range loaded.failures {
			r.failures[i] = failure
		}
		if err := r.one(ctx, step, loaded); err != nil {
			return r.interrupted(err)
		}
		if (step+1)%r.options.Every == 0 && step+1 < r.steps {
			if err := r.save(ctx); err != nil {
				return err
			}
		}
	}
	if err := r.allFailed(); err != nil {
		return err
	}
	return r.save(ctx)
}

// allFailed returns an error if no step could be taken.
func (r *run) allFailed() error {
	for _, loss := range r.losses {
		if !math.IsNaN(loss) {
			return nil
		}
	}
	if len(r.losses) == 0 {
		return nil
	}
	failures := told(r.failures, r.loader.pairs.Len())
	return fmt.Errorf("no step could be taken: %d of %d pairs cannot be read, first: %w", len(failures), r.loader.pairs.Len(), errors.Join(failures[:min(1, len(failures))]...))
}

// interrupted saves what there is, and returns why the training ended.
func (r *run) interrupted(why error) error {
	if errors.Is(why, ErrNotFinite) {
		return why // the parameters of the last checkpoint are better
	}
	if err := r.save(context.Background()); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// one takes a step, and tells of it.
func (r *run) one(ctx context.Context, step int, b *batch) error {
	now := Step{Number: step + 1, Steps: r.steps, Epoch: step/r.perEpoch + 1, Pairs: b.count, Loss: math.NaN(), LearningRate: r.config.rate(step, r.steps)}
	err := torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		r.optimizer.SetLearningRate(now.LearningRate)
		if b.count >= 2 { // one pair has nothing to be told from
			if now.Loss, err = r.gradients(ctx, b); err != nil {
				return err
			}
			if math.IsNaN(now.Loss) || math.IsInf(now.Loss, 0) {
				return fmt.Errorf("step %d: the loss is %v: %w", step+1, now.Loss, ErrNotFinite)
			}
			if err := r.update(); err != nil {
				return err
			}
		}
		now.LogitScale = math.Exp(r.scale.Item())
		return nil
	})
	if err != nil {
		return err
	}
	r.losses = append(r.losses, now.Loss)
	if r.options.OnStep != nil {
		return r.options.OnStep(now)
	}
	return nil
}

// largestLogitScale is ln 100, above which the paper does not let the logit scale rise.
var largestLogitScale = math.Log(100)

// update changes the parameters by their gradients.
func (r *run) update() error {
	for _, each := range r.adapters {
		each.pull()
	}
	if r.scaler != nil && r.config.ClipNorm > 0 {
		if err := r.scaler.Unscale(r.optimizer); err != nil {
			return err
		}
	}
	if r.config.ClipNorm > 0 {
		var parameters []*torch.Tensor
		for _, parameter := range r.trained {
			parameters = append(parameters, parameter.Tensor)
		}
		torch.ClipGradNorm(parameters, r.config.ClipNorm, torch.ClipGradNormOptions{})
	}
	if r.scaler == nil {
		r.optimizer.Step()
	} else {
		if _, err := r.scaler.Step(r.optimizer); err != nil {
			return err
		}
		if err := r.scaler.Update(); err != nil {
			return err
		}
	}
	torch.NoGrad(func() { r.scale.ClampInPlace(0, largestLogitScale) })
	for _, each := range r.adapters {
		each.apply()
	}
	return nil
}

func (r *run) close() {
	if r.optimizer != nil {
		r.optimizer.Close()
	}
	if r.scaler != nil {
		r.scaler.Close()
	}
	for _, each := range r.adapters {
		each.base.Close()
		each.a.Close()
		each.b.Close()
	}
	torch.Try(func() error {
		for _, parameter := range r.model.Parameters() {
			parameter.Tensor.SetGrad(nil).SetRequiresGrad(false)
		}
		return nil
	})
	r.model.SetTraining(false)
}
