package optim

import "github.com/clipvqgan/clipvqgan/torch"

// AdamOptions are the settings of [Adam] and [AdamW].
type AdamOptions struct {
	LearningRate float64
	// Betas are how much the averages of the gradient and of its square keep at each step.
	Betas       [2]float64
	Epsilon     float64
	WeightDecay float64
	// DecoupledWeightDecay takes the decay off the parameters, as AdamW does, and not into the gradient.
	DecoupledWeightDecay bool
	// AMSGrad divides by the largest average of the squares so far (Reddi et al. 2018).
	AMSGrad bool
	// Maximize makes the loss as large as possible.
	Maximize bool
	// Capturable keeps the count of steps on the parameters' device alone, so that a captured CUDA graph
	// counts on in its replays.
	Capturable bool
}

// DefaultAdam has PyTorch's defaults for Adam: learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-8.
func DefaultAdam() AdamOptions {
	return AdamOptions{LearningRate: 1e-3, Betas: [2]float64{0.9, 0.999}, Epsilon: 1e-8}
}

// DefaultAdamW has PyTorch's defaults for AdamW: Adam's, with a decoupled weight decay of 0.01.
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

// Adam is the optimizer of Kingma and Ba 2015 (torch.optim.Adam). Start from [DefaultAdam].
func Adam[P Parameters](parameters P, options AdamOptions) (*Optimizer, error) {
	return newOptimizer(adam, parameters, options)
}

// AdamW is Adam with decoupled weight decay, of Loshchilov and Hutter 2019 (torch.optim.AdamW). Start from
// [DefaultAdamW].
func AdamW[P Parameters](parameters P, options AdamOptions) (*Optimizer, error) {
	options.DecoupledWeightDecay = true
	return newOptimizer(adam, parameters, options)
}

func (r *adamRule) kind() *kind            { return adam }
func (r *adamRule) options() Options       { return r.AdamOptions }
func (r *adamRule) learningRate() *float64 { return &r.LearningRate }
func (r *adamRule) keeps() []bool          { return []bool{true, true, r.AMSGrad} }

func (r *adamRule) check(operation string) error {
	return checkAdam(operation, r.LearningRate, r.WeightDecay, r.Epsilon, r.Betas)
}

func (r *adamRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"betas", &r.Betas}, {"eps", &r.Epsilon},
		{"weight_decay", &r.WeightDecay}, {"amsgrad", &r.AMSGrad}, {"maximize", &r.Maximize},
		{"capturable", &r.Capturable}, {decoupledDecay, &r.DecoupledWeightDecay}}
}

// decoupledDecay is what tells AdamW's state from Adam's in Python.
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
	fused(b.parameters, b.gradients, averages, squares, largest, b.steps(), r.LearningRate, r.Betas[0], r.Betas[1],
		r.WeightDecay, r.Epsilon, r.AMSGrad, r.Maximize, nil, nil)
}
