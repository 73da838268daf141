package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// AdamaxOptions are the options of [Adamax]. Start from [DefaultAdamax]: the zero value is an
// error.
type AdamaxOptions struct {
	LearningRate float64
	// Betas are the decay rates of the running average of the gradient and of its running maximum.
	Betas       [2]float64
	Epsilon     float64 // added to the denominator
	WeightDecay float64 // factor of the L2 penalty
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
	// Capturable keeps the number of steps on the parameters' device only, for captured CUDA
	// graphs.
	Capturable bool
}

// DefaultAdamax returns PyTorch's defaults: learning rate 0.002, betas 0.9 and 0.999, epsilon 1e-8.
func DefaultAdamax() AdamaxOptions {
	return AdamaxOptions{LearningRate: 2e-3, Betas: [2]float64{0.9, 0.999}, Epsilon: 1e-8}
}

func (o AdamaxOptions) rule() rule { return &adamaxRule{o} }

type adamaxRule struct{ AdamaxOptions }

var adamax = &kind{
	name:       "Adamax",
	others:     torch.NewDict("foreach", nil, "differentiable", false),
	momentum:   func(r rule) *float64 { return &r.(*adamaxRule).Betas[0] },
	cyclesBeta: true,
	counts:     true,
	tensors:    []string{"exp_avg", "exp_inf"},
}

// Adamax returns Adam with the infinity norm (Kingma and Ba 2015, section 7.1; torch.optim.Adamax).
// It returns an error for options or parameters that do not fit.
func Adamax[P Parameters](parameters P, options AdamaxOptions) (*Optimizer, error) {
	return newOptimizer(adamax, parameters, options)
}

func (r *adamaxRule) kind() *kind            { return adamax }
func (r *adamaxRule) options() Options       { return r.AdamaxOptions }
func (r *adamaxRule) learningRate() *float64 { return &r.LearningRate }
func (r *adamaxRule) keeps() []bool          { return []bool{true, true} }
func (r *adamaxRule) unset() bool            { return r.Betas == [2]float64{} && r.Epsilon == 0 }

func (r *adamaxRule) check(operation string) error {
	return checkAdam(operation, r.LearningRate, r.WeightDecay, r.Epsilon, r.Betas)
}

func (r *adamaxRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"betas", &r.Betas}, {"eps", &r.Epsilon},
		{"weight_decay", &r.WeightDecay}, {"maximize", &r.Maximize}, {"capturable", &r.Capturable}}
}

func (r *adamaxRule) step(b *batch) {
	b.advance()
	if r.Capturable {
		b.steps()
	}
	for _, part := range b.byCounter() {
		part.stepSmallJoined(r.WeightDecay != 0, r.move)
	}
}

// move updates parameters that have taken the same number of steps.
func (r *adamaxRule) move(b *batch) {
	gradients := b.decayed(b.maximized(r.Maximize), r.WeightDecay)
	averages, largest := b.tensors(0, zeros), b.tensors(1, zeros)
	torch.ForeachLerpInPlace(averages, gradients, 1-r.Betas[0])
	torch.ForeachMulScalarInPlace(largest, r.Betas[1])
	sizes := torch.ForeachAbs(gradients)
	torch.ForeachAddScalarInPlace(sizes, r.Epsilon)
	torch.ForeachMaximumInPlace(largest, sizes)
	counter := b.states[0].counter
	if !r.Capturable {
		correction := 1 - math.Pow(r.Betas[0], float64(counter.steps))
		torch.ForeachAddCDivInPlace(b.parameters, averages, largest, -r.LearningRate/correction)
		return
	}
	// The same, with numbers that stay on the device.
	correction := counter.tensor.To(torch.Float64).RPowScalar(r.Betas[0]).RSubScalar(1).DivScalar(-r.LearningRate)
	divisors := torch.ForeachAdd(largest, largest, 0)
	torch.ForeachMulTensorInPlace(divisors, correction.To(b.parameters[0].DType()))
	torch.ForeachAddCDivInPlace(b.parameters, averages, divisors, 1)
}
