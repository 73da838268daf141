package nn

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Linear multiplies by a matrix and adds a bias: y = x Wᵀ + b.
type Linear struct {
	Weight *torch.Tensor // [out, in]
	Bias   *torch.Tensor // [out], or nil
}

// LinearOptions are the options of [NewLinear]. The zero value is PyTorch's default.
type LinearOptions struct {
	NoBias bool
}

// NewLinear makes a layer of in inputs and out outputs. Weight and bias are drawn from a uniform
// distribution between -1/sqrt(in) and 1/sqrt(in). Of the options for tensors, a dtype, a device and a
// generator are heeded, as by all constructors here.
func NewLinear(in, out int64, options LinearOptions, how ...torch.Option) *Linear {
	const operation = "NewLinear"
	require(in >= 0 && out >= 0, operation, "%d inputs and %d outputs", in, out)
	f := newFactory(operation, how)
	layer := &Linear{Weight: f.parameter(out, in)}
	if !options.NoBias {
		layer.Bias = f.parameter(out)
	}
	f.resetWeightAndBias(layer.Weight, layer.Bias)
	return layer
}

// resetWeightAndBias draws what PyTorch's linear and convolutional layers begin with.
func (f factory) resetWeightAndBias(weight, bias *torch.Tensor) {
	if weight.NumElements() > 0 {
		KaimingUniformInPlace(weight, KaimingOptions{NegativeSlope: math.Sqrt(5), Generator: f.generator})
	}
	if in, _ := fans("reset", weight); bias != nil && in > 0 {
		bound := 1 / math.Sqrt(float64(in))
		UniformInPlace(bias, -bound, bound, f.generator)
	}
}

// Forward returns x [..., in] Wᵀ + b, [..., out].
func (l *Linear) Forward(x *torch.Tensor) *torch.Tensor { return x.Linear(l.Weight, l.Bias) }
