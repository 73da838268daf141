package optim

import "github.com/clipvqgan/clipvqgan/torch"

// AdagradOptions are the options of [Adagrad]. Start from [DefaultAdagrad]: the zero value is an
// error.
type AdagradOptions struct {
	LearningRate float64
	// LearningRateDecay divides the learning rate by 1 + LearningRateDecay * steps.
	LearningRateDecay float64
	WeightDecay       float64 // factor of the L2 penalty
	// InitialAccumulatorValue is the initial value of the sums of squared gradients.
	InitialAccumulatorValue float64
	Epsilon                 float64 // added to the denominator
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
}

// DefaultAdagrad returns PyTorch's defaults: learning rate 0.01, epsilon 1e-10.
func DefaultAdagrad() AdagradOptions { return AdagradOptions{LearningRate: 1e-2, Epsilon: 1e-10} }

func (o AdagradOptions) rule() rule { return &adagradRule{o} }

type adagradRule struct{ AdagradOptions }

var adagrad = &kind{
	name:    "Adagrad",
	others:  torch.NewDict("foreach", nil, "differentiable", false, "fused", nil),
	counts:  true,
	tensors: []string{"sum"},
}

// Adagrad returns an optimizer that divides the gradient by the square root of the sum of its
// squares (Duchi, Hazan and Singer 2011; torch.optim.Adagrad). It returns an error for options or
// parameters that do not fit.
func Adagrad[P Parameters](parameters P, options AdagradOptions) (*Optimizer, error) {
	return newOptimizer(adagrad, parameters, options)
}

func (r *adagradRule) kind() *kind            { return adagrad }
func (r *adagradRule) options() Options       { return r.AdagradOptions }
func (r *adagradRule) learningRate() *float64 { return &r.LearningRate }
func (r *adagradRule) keeps() []bool          { return []bool{true} }
func (r *adagradRule) unset() bool            { return r.LearningRate == 0 && r.Epsilon == 0 }

func (r *adagradRule) check(operation string) error {
	return notNegative(operation, setting{"learning rate", r.LearningRate}, setting{"weight decay", r.WeightDecay},
		setting{"epsilon", r.Epsilon}, setting{"decay of the learning rate", r.LearningRateDecay},
		setting{"initial accumulator value", r.InitialAccumulatorValue})
}

func (r *adagradRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"lr_decay", &r.LearningRateDecay}, {"eps", &r.Epsilon},
		{"weight_decay", &r.WeightDecay}, {"initial_accumulator_value", &r.InitialAccumulatorValue},
		{"maximize", &r.Maximize}}
}

func (r *adagradRule) step(b *batch) {
	b.advance()
	sums := b.tensors(0, func(parameter *torch.Tensor) *torch.Tensor {
		return torch.Full(parameter.Shape(), r.InitialAccumulatorValue, parameter.DType(), parameter.Device())
	})
	if !b.parameters[0].Device().IsCUDA() {
		torch.FusedAdagradInPlace(b.parameters, b.gradients, sums, b.steps(), torch.FusedAdagradOptions{
			LearningRate: r.LearningRate, LearningRateDecay: r.LearningRateDecay, WeightDecay: r.WeightDecay,
			Epsilon: r.Epsilon, Maximize: r.Maximize,
		})
		return
	}
	// Older versions of libtorch have the fused operator on the CPU only.
	for _, part := range b.byCounter() {
		sums := part.tensors(0, nil)
		gradients := part.decayed(part.maximized(r.Maximize), r.WeightDecay)
		steps := part.states[0].counter.steps
		torch.ForeachAddCMulInPlace(sums, gradients, gradients, 1)
		roots := torch.ForeachSqrt(sums)
		torch.ForeachAddScalarInPlace(roots, r.Epsilon)
		torch.ForeachAddCDivInPlace(part.parameters, gradients, roots,
			-r.LearningRate/(1+float64(steps-1)*r.LearningRateDecay))
	}
}
