package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// SGDOptions are the options of [SGD]. Start from [DefaultSGD]: the zero value is an
// error.
type SGDOptions struct {
	LearningRate float64
	// Momentum is the share of the previous step that is kept, and Dampening the share of the
	// gradient that is left out of the momentum.
	Momentum    float64
	Dampening   float64
	WeightDecay float64 // factor of the L2 penalty
	// Nesterov uses Nesterov momentum, which evaluates the gradient ahead of the step.
	Nesterov bool
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
}

// DefaultSGD returns PyTorch's defaults: learning rate 0.001, no momentum.
func DefaultSGD() SGDOptions { return SGDOptions{LearningRate: 1e-3} }

func (o SGDOptions) rule() rule { return &sgdRule{o} }

type sgdRule struct{ SGDOptions }

var sgd = &kind{
	name:     "SGD",
	others:   torch.NewDict("foreach", nil, "differentiable", false, "fused", nil),
	momentum: func(r rule) *float64 { return &r.(*sgdRule).Momentum },
	tensors:  []string{"momentum_buffer"},
	begins:   true,
}

// SGD returns stochastic gradient descent, optionally with momentum (torch.optim.SGD). It returns
// an error for options or parameters that do not fit.
func SGD[P Parameters](parameters P, options SGDOptions) (*Optimizer, error) {
	return newOptimizer(sgd, parameters, options)
}

func (r *sgdRule) kind() *kind            { return sgd }
func (r *sgdRule) options() Options       { return r.SGDOptions }
func (r *sgdRule) learningRate() *float64 { return &r.LearningRate }
func (r *sgdRule) keeps() []bool          { return []bool{r.Momentum != 0} }
func (r *sgdRule) unset() bool            { return r.LearningRate == 0 }

func (r *sgdRule) check(operation string) error {
	err := notNegative(operation, setting{"learning rate", r.LearningRate}, setting{"weight decay", r.WeightDecay},
		setting{"momentum", r.Momentum})
	if err != nil {
		return err
	}
	if math.IsNaN(r.Dampening) || math.IsInf(r.Dampening, 0) {
		return invalid(operation, "the dampening is %v", r.Dampening)
	}
	if r.Nesterov && (r.Momentum == 0 || r.Dampening != 0) {
		return invalid(operation, "Nesterov's method needs a momentum and no dampening")
	}
	return nil
}

func (r *sgdRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"momentum", &r.Momentum}, {"dampening", &r.Dampening},
		{"weight_decay", &r.WeightDecay}, {"nesterov", &r.Nesterov}, {"maximize", &r.Maximize}}
}

func (r *sgdRule) step(b *batch) {
	if r.Momentum == 0 {
		r.fused(b, nil, false)
		return
	}
	going, beginning := b.split(0)
	if len(going.parameters) > 0 {
		r.fused(going, going.tensors(0, zeros), false)
	}
	if len(beginning.parameters) > 0 {
		r.fused(beginning, beginning.tensors(0, zeros), true)
	}
}

func (r *sgdRule) fused(b *batch, buffers []*torch.Tensor, first bool) {
	torch.FusedSGDInPlace(b.parameters, b.gradients, buffers, torch.FusedSGDOptions{
		LearningRate: r.LearningRate, WeightDecay: r.WeightDecay, Momentum: r.Momentum, Dampening: r.Dampening,
		Nesterov: r.Nesterov, Maximize: r.Maximize, FirstStep: first,
	})
}
