package optim

import "github.com/clipvqgan/clipvqgan/torch"

// AdamOptions are the options of [Adam] and [AdamW]. Start from [DefaultAdam] or [DefaultAdamW]: the zero
// value is an error.
type AdamOptions struct {
	LearningRate float64
	// Betas are the decay rates of the running averages of the gradient and of its square.
	Betas       [2]float64
	Epsilon     float64 // added to the denominator
	WeightDecay float64 // factor of the L2 penalty
	// DecoupledWeightDecay subtracts the weight decay from the parameters, as AdamW does, instead
	// of adding it to the gradient.
	DecoupledWeightDecay bool
	// AMSGrad divides by the largest average of the squares so far (Reddi et al. 2018).
	AMSGrad bool
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
	// Capturable keeps the number of steps on the parameters' device only, so that the replays of a
	// captured CUDA graph continue it.
	Capturable bool
}

// DefaultAdam returns PyTorch's defaults for Adam: learning rate 0.001, betas 0.9 and 0.999,
// epsilon 1e-8.
func DefaultAdam() AdamOptions {
	return AdamOptions{LearningRate: 1e-3, Betas: [2]float64{0.9, 0.999}, Epsilon: 1e-8}
}

// DefaultAdamW returns PyTorch's defaults for AdamW: those of Adam, with a decoupled weight decay
// of 0.01.
func DefaultAdamW() AdamOptions {
	options := DefaultAdam()
	options.WeightDecay, options.DecoupledWeightDecay = 1e-2, true
	return options
}

func (o AdamOptions) rule() rule { return &adamRule{o} }

type adamRule struct{ AdamOptions }

const (
	average = iota
	squareAverage
	largestSquareAverage
)

var adam = &kind{
	name:       "Adam",
	others:     torch.NewDict("foreach", nil, "differentiable", false, "fused", nil),
	momentum:   func(r rule) *float64 { return &r.(*adamRule).Betas[0] },
	cyclesBeta: true,
	counts:     true,
	tensors:    []string{"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
}

// Adam returns the optimizer of Kingma and Ba 2015 (torch.optim.Adam). It returns an error for
// options or parameters that do not fit.
func Adam[P Parameters](parameters P, options AdamOptions) (*Optimizer, error) {
	return newOptimizer(adam, parameters, options)
}

// AdamW returns Adam with decoupled weight decay (Loshchilov and Hutter 2019; torch.optim.AdamW).
// Start from [DefaultAdamW]. It returns an error for options or parameters that do not fit.
func AdamW[P Parameters](parameters P, options AdamOptions) (*Optimizer, error) {
	options.DecoupledWeightDecay = true
	return newOptimizer(adam, parameters, options)
}

func (r *adamRule) kind() *kind            { return adam }
func (r *adamRule) options() Options       { return r.AdamOptions }
func (r *adamRule) learningRate() *float64 { return &r.LearningRate }
func (r *adamRule) keeps() []bool          { return []bool{true, true, r.AMSGrad} }
func (r *adamRule) unset() bool            { return r.Betas == [2]float64{} && r.Epsilon == 0 }

func (r *adamRule) check(operation string) error {
	return checkAdam(operation, r.LearningRate, r.WeightDecay, r.Epsilon, r.Betas)
}

func (r *adamRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"betas", &r.Betas}, {"eps", &r.Epsilon},
		{"weight_decay", &r.WeightDecay}, {"amsgrad", &r.AMSGrad}, {"maximize", &r.Maximize},
		{"capturable", &r.Capturable}, {decoupledDecay, &r.DecoupledWeightDecay}}
}

// decoupledDecay distinguishes AdamW's state from Adam's in Python.
const decoupledDecay = "decoupled_weight_decay"

func (r *adamRule) step(b *batch) {
	b.advance()
	averages, squares := b.tensors(average, zeros), b.tensors(squareAverage, zeros)
	var largest []*torch.Tensor
	if r.AMSGrad {
		largest = b.tensors(largestSquareAverage, zeros)
	}
	fused := torch.FusedAdamInPlace
	if r.DecoupledWeightDecay {
		fused = torch.FusedAdamWInPlace
	}
	fused(b.parameters, b.gradients, averages, squares, largest, b.steps(), torch.FusedAdamOptions{
		LearningRate: r.LearningRate, Betas: r.Betas, Epsilon: r.Epsilon, WeightDecay: r.WeightDecay,
		AMSGrad: r.AMSGrad, Maximize: r.Maximize,
	})
}
