package nn

import (
	"cmp"

	"github.com/clipvqgan/clipvqgan/torch"
)

// ReLU is max(x, 0).
type ReLU struct{}

// Forward returns max(x, 0).
func (ReLU) Forward(x *torch.Tensor) *torch.Tensor { return x.ReLU() }

// ReLU6 is min(max(x, 0), 6).
type ReLU6 struct{}

// Forward returns min(max(x, 0), 6).
func (ReLU6) Forward(x *torch.Tensor) *torch.Tensor { return x.ReLU6() }

// LeakyReLU is x where it is positive, else x times a slope.
type LeakyReLU struct {
	NegativeSlope *float64 // nil: 0.01
}

// Forward returns x, or x times the slope where it is negative.
func (l LeakyReLU) Forward(x *torch.Tensor) *torch.Tensor {
	return x.LeakyReLU(orDefault(l.NegativeSlope, 0.01))
}

// PReLU is a leaky ReLU whose slopes are learned.
type PReLU struct {
	Weight *torch.Tensor // [1] or [channels]
}

// NewPReLU makes a layer with one slope for all, or one for each of a number of channels. They begin with
// 0.25.
func NewPReLU(channels int64, how ...torch.Option) *PReLU {
	require(channels > 0, "NewPReLU", "%d channels", channels)
	f := newFactory("NewPReLU", how)
	return &PReLU{Weight: ConstantInPlace(f.parameter(channels), 0.25)}
}

// Forward takes x [N, channels, ...].
func (p *PReLU) Forward(x *torch.Tensor) *torch.Tensor { return x.PReLU(p.Weight) }

// ELU is x where it is positive, else alpha (exp(x) - 1).
type ELU struct {
	Alpha *float64 // nil: 1
}

// Forward returns x, or alpha (exp(x) - 1) where it is negative.
func (e ELU) Forward(x *torch.Tensor) *torch.Tensor { return x.ELU(orDefault(e.Alpha, 1)) }

// SELU is the scaled ELU of Klambauer and others, 2017.
type SELU struct{}

// Forward returns the scaled ELU of x.
func (SELU) Forward(x *torch.Tensor) *torch.Tensor { return x.SELU() }

// GELU is x times the normal distribution's cumulative function.
type GELU struct {
	Tanh bool // the approximation by tanh: PyTorch's approximate="tanh"
}

// Forward returns x Phi(x).
func (g GELU) Forward(x *torch.Tensor) *torch.Tensor {
	if g.Tanh {
		return x.GELUTanh()
	}
	return x.GELU()
}

// SiLU is x sigmoid(x).
type SiLU struct{}

// Forward returns x sigmoid(x).
func (SiLU) Forward(x *torch.Tensor) *torch.Tensor { return x.SiLU() }

// Mish is x tanh(softplus(x)).
type Mish struct{}

// Forward returns x tanh(softplus(x)).
func (Mish) Forward(x *torch.Tensor) *torch.Tensor { return x.Mish() }

// Tanh is the hyperbolic tangent.
type Tanh struct{}

// Forward returns tanh(x).
func (Tanh) Forward(x *torch.Tensor) *torch.Tensor { return x.Tanh() }

// Sigmoid is 1 / (1 + exp(-x)).
type Sigmoid struct{}

// Forward returns 1 / (1 + exp(-x)).
func (Sigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.Sigmoid() }

// LogSigmoid is log(sigmoid(x)).
type LogSigmoid struct{}

// Forward returns log(sigmoid(x)).
func (LogSigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.LogSigmoid() }

// HardSigmoid is min(max(x/6 + 1/2, 0), 1).
type HardSigmoid struct{}

// Forward returns min(max(x/6 + 1/2, 0), 1).
func (HardSigmoid) Forward(x *torch.Tensor) *torch.Tensor { return x.HardSigmoid() }

// HardSwish is x times [HardSigmoid] of x.
type HardSwish struct{}

// Forward returns x times the hard sigmoid of x.
func (HardSwish) Forward(x *torch.Tensor) *torch.Tensor { return x.HardSwish() }

// Softplus is log(1 + exp(beta x)) / beta, and x itself where beta x is above a threshold.
type Softplus struct {
	Beta      float64  // 0: 1
	Threshold *float64 // nil: 20
}

// Forward returns log(1 + exp(beta x)) / beta.
func (s Softplus) Forward(x *torch.Tensor) *torch.Tensor {
	return x.Softplus(cmp.Or(s.Beta, 1), orDefault(s.Threshold, 20))
}

// GLU is the first half of x along a dimension times the sigmoid of the second.
type GLU struct {
	Dim int64 // PyTorch's default is -1
}

// Forward returns a sigmoid(b), for the halves a and b of x.
func (g GLU) Forward(x *torch.Tensor) *torch.Tensor { return x.GLU(g.Dim) }

// Softmax is exp(x) divided by its sum along a dimension.
type Softmax struct {
	Dim int64
}

// Forward returns exp(x) divided by its sum.
func (s Softmax) Forward(x *torch.Tensor) *torch.Tensor { return x.Softmax(s.Dim) }

// LogSoftmax is the logarithm of [Softmax].
type LogSoftmax struct {
	Dim int64
}

// Forward returns the logarithm of the softmax of x.
func (s LogSoftmax) Forward(x *torch.Tensor) *torch.Tensor { return x.LogSoftmax(s.Dim) }
