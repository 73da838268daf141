package nn

import (
	"cmp"

	"github.com/clipvqgan/clipvqgan/torch"
)

// ReLU is a layer that computes max(x, 0).
type ReLU struct{}

// Forward returns max(x, 0).
func (ReLU) Forward(x *torch.Tensor) *torch.Tensor { return x.ReLU() }

// ReLU6 is a layer that computes min(max(x, 0), 6).
type ReLU6 struct{}

// Forward returns min(max(x, 0), 6).
func (ReLU6) Forward(x *torch.Tensor) *torch.Tensor { return x.ReLU6() }

// LeakyReLU is a layer that multiplies negative elements by a slope.
type LeakyReLU struct {
	NegativeSlope *float64 // nil means 0.01
}

// Forward returns x where it is positive, else NegativeSlope * x.
func (l LeakyReLU) Forward(x *torch.Tensor) *torch.Tensor {
	return x.LeakyReLU(orDefault(l.NegativeSlope, 0.01))
}

// PReLU is a leaky ReLU whose slopes are learned.
type PReLU struct {
	Weight *torch.Tensor // [1] or [channels]
}

// NewPReLU returns a layer with the given number of slopes, one for all channels or one for each.
// They are initialized to 0.25.
func NewPReLU(channels int64, how ...torch.Option) *PReLU {
	require(channels > 0, "NewPReLU", "%d channels", channels)
	f := newFactory("NewPReLU", how)
	return &PReLU{Weight: ConstantInPlace(f.parameter(channels), 0.25)}
}

// Forward returns x [N, channels, ...] where it is positive, else Weight * x.
func (p *PReLU) Forward(x *torch.Tensor) *torch.Tensor { return x.PReLU(p.Weight) }

// ELU is a layer that computes the exponential linear unit.
type ELU struct {
	Alpha *float64 // nil means 1
}

// Forward returns x where it is positive, else Alpha * (exp(x) - 1).
func (e ELU) Forward(x *torch.Tensor) *torch.Tensor { return x.ELU(orDefault(e.Alpha, 1)) }

// SELU is a layer that computes the scaled exponential linear unit (Klambauer et al. 2017).
type SELU struct{}

// Forward returns the scaled ELU of x.
func (SELU) Forward(x *torch.Tensor) *torch.Tensor { return x.SELU() }

// GELU is a layer that computes the Gaussian error linear unit.
type GELU struct {
	Tanh bool // use the tanh approximation, PyTorch's approximate="tanh"
}

// Forward returns x * Phi(x), where Phi is the cumulative distribution function of the standard
// normal distribution.
func (g GELU) Forward(x *torch.Tensor) *torch.Tensor {
	if g.Tanh {
		return x.GELUTanh()
	}
	return x.GELU()
}

// SiLU is a layer that computes x * sigmoid(x).
type SiLU struct{}

// Forward returns x * sigmoid(x).
func (SiLU) Forward(x *torch.Tensor) *torch.Tensor { return x.SiLU() }

// Mish is a layer that computes x * tanh(softplus(x)).
type Mish struct{}

// Forward returns x * tanh(softplus(x)).
func (Mish) Forward(x *torch.Tensor) *torch.Tensor { return x.Mish() }

// Tanh is a layer that computes the hyperbolic tangent.
type Tanh struct{}

// Forward returns tanh(x).
func (Tanh) Forward(x *torch.Tensor) *torch.Tensor { return x.Tanh() }

// Sigmoid is a layer that computes 1 / (1 + exp(-x)).
type Sigmoid struct{}

// Forward returns 1 / (1 + exp(-x)).
func (Sigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.Sigmoid() }

// LogSigmoid is a layer that computes log(sigmoid(x)).
type LogSigmoid struct{}

// Forward returns log(sigmoid(x)).
func (LogSigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.LogSigmoid() }

// Hardsigmoid is a layer that computes min(max(x/6 + 1/2, 0), 1).
type Hardsigmoid struct{}

// Forward returns min(max(x/6 + 1/2, 0), 1).
func (Hardsigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.Hardsigmoid() }

// Hardswish is a layer that computes x times the [Hardsigmoid] of x.
type Hardswish struct{}

// Forward returns x times the hard sigmoid of x.
func (Hardswish) Forward(x *torch.Tensor) *torch.Tensor { return x.Hardswish() }

// Softplus is a layer that computes a smooth ReLU.
type Softplus struct {
	Beta      float64  // 0 means 1
	Threshold *float64 // nil means 20
}

// Forward returns log(1 + exp(Beta * x)) / Beta, or x where Beta * x is above Threshold.
func (s Softplus) Forward(x *torch.Tensor) *torch.Tensor {
	return x.Softplus(cmp.Or(s.Beta, 1), orDefault(s.Threshold, 20))
}

// GLU is a gated linear unit: half of x along a dimension times the sigmoid of the other half.
type GLU struct {
	Dim *int64 // nil means -1, the last one
}

// Forward returns a * sigmoid(b), where a and b are the halves of x along Dim.
func (g GLU) Forward(x *torch.Tensor) *torch.Tensor { return x.GLU(g.dim()) }

func (g GLU) dim() int64 {
	if g.Dim == nil {
		return -1
	}
	return *g.Dim
}

// Softmax is a layer that computes the softmax along a dimension.
//
//	nn.Softmax{Dim: new(int64(-1))}
type Softmax struct {
	Dim *int64 // must be set
}

// Forward returns exp(x) divided by its sum along Dim.
func (s Softmax) Forward(x *torch.Tensor) *torch.Tensor { return x.Softmax(chosen("Softmax", s.Dim)) }

// LogSoftmax is a layer that computes the logarithm of the [Softmax].
type LogSoftmax struct {
	Dim *int64 // must be set
}

// Forward returns the logarithm of the softmax of x along Dim.
func (s LogSoftmax) Forward(x *torch.Tensor) *torch.Tensor {
	return x.LogSoftmax(chosen("LogSoftmax", s.Dim))
}

// chosen returns a dimension. There is no default: PyTorch guesses one, and warns.
func chosen(operation string, dim *int64) int64 {
	require(dim != nil, operation, "Dim is not set: give the dimension along which the sum is 1, such as new(int64(-1))")
	return *dim
}
