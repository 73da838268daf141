package optim

import "github.com/clipvqgan/clipvqgan/torch"

// RMSpropOptions are the options of [RMSprop]. Start from [DefaultRMSprop]: the zero value is an
// error.
type RMSpropOptions struct {
	LearningRate float64
	// Alpha is the decay rate of the running average of the squared gradient.
	Alpha       float64
	Epsilon     float64 // added to the denominator
	WeightDecay float64 // factor of the L2 penalty
	Momentum    float64 // share of the previous step that is kept
	// Centered divides by the standard deviation of the gradient instead of its root mean square.
	Centered bool
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
	// Capturable keeps the number of steps on the parameters' device only, for captured CUDA
	// graphs.
	Capturable bool
}

// DefaultRMSprop returns PyTorch's defaults: learning rate 0.01, alpha 0.99, epsilon 1e-8.
func DefaultRMSprop() RMSpropOptions {
	return RMSpropOptions{LearningRate: 1e-2, Alpha: 0.99, Epsilon: 1e-8}
}

func (o RMSpropOptions) rule() rule { return &rmspropRule{o} }

type rmspropRule struct{ RMSpropOptions }

const (
	meanSquare = iota
	momentumBuffer
	meanGradient
)

var rmsprop = &kind{
	name:     "RMSprop",
	others:   torch.NewDict("foreach", nil, "differentiable", false),
	momentum: func(r rule) *float64 { return &r.(*rmspropRule).Momentum },
	counts:   true,
	tensors:  []string{"square_avg", "momentum_buffer", "grad_avg"},
}

// RMSprop returns an optimizer that divides the gradient by its running root mean square (Tieleman
// and Hinton 2012; torch.optim.RMSprop). It returns an error for options or parameters that do not
// fit.
func RMSprop[P Parameters](parameters P, options RMSpropOptions) (*Optimizer, error) {
	return newOptimizer(rmsprop, parameters, options)
}

func (r *rmspropRule) kind() *kind            { return rmsprop }
func (r *rmspropRule) options() Options       { return r.RMSpropOptions }
func (r *rmspropRule) learningRate() *float64 { return &r.LearningRate }
func (r *rmspropRule) keeps() []bool          { return []bool{true, r.Momentum > 0, r.Centered} }
func (r *rmspropRule) unset() bool            { return r.Alpha == 0 && r.Epsilon == 0 }

func (r *rmspropRule) check(operation string) error {
	return notNegative(operation, setting{"learning rate", r.LearningRate}, setting{"weight decay", r.WeightDecay},
		setting{"momentum", r.Momentum}, setting{"epsilon", r.Epsilon}, setting{"alpha", r.Alpha})
}

func (r *rmspropRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"momentum", &r.Momentum}, {"alpha", &r.Alpha},
		{"eps", &r.Epsilon}, {"centered", &r.Centered}, {"weight_decay", &r.WeightDecay},
		{"maximize", &r.Maximize}, {"capturable", &r.Capturable}}
}

func (r *rmspropRule) step(b *batch) {
	b.advance()
	if r.Capturable {
		b.steps() // counts on the device from now on
	}
	b.stepSmallJoined(r.WeightDecay != 0, r.move)
}

func (r *rmspropRule) move(b *batch) {
	gradients := b.decayed(b.maximized(r.Maximize), r.WeightDecay)
	squares := b.tensors(meanSquare, zeros)
	torch.ForeachMulScalarInPlace(squares, r.Alpha)
	torch.ForeachAddCMulInPlace(squares, gradients, gradients, 1-r.Alpha)
	var spread []*torch.Tensor
	if r.Centered {
		means := b.tensors(meanGradient, zeros)
		torch.ForeachLerpInPlace(means, gradients, 1-r.Alpha)
		spread = torch.ForeachAddCMul(squares, means, means, -1)
		torch.ForeachSqrtInPlace(spread)
	} else {
		spread = torch.ForeachSqrt(squares)
	}
	torch.ForeachAddScalarInPlace(spread, r.Epsilon)
	if r.Momentum == 0 {
		torch.ForeachAddCDivInPlace(b.parameters, gradients, spread, -r.LearningRate)
		return
	}
	buffers := b.tensors(momentumBuffer, zeros)
	torch.ForeachMulScalarInPlace(buffers, r.Momentum)
	torch.ForeachAddCDivInPlace(buffers, gradients, spread, 1)
	torch.ForeachAddInPlace(b.parameters, buffers, -r.LearningRate)
}
