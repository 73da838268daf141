package nn

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Linear computes y = x Wᵀ + b.
type Linear struct {
	Weight *torch.Tensor // [out, in]
	Bias   *torch.Tensor // [out], or nil
}

// LinearOptions are the options of [NewLinear]. The zero value is PyTorch's default.
type LinearOptions struct {
	NoBias bool
}

// NewLinear returns a layer with in inputs and out outputs. Weight and bias are initialized
// uniformly in [-1/sqrt(in), 1/sqrt(in)). As in all constructors of this package, the options for
// its tensors may be a dtype, a device and a generator.
func NewLinear(in, out int64, options LinearOptions, how ...torch.Option) *Linear {
	const operation = "NewLinear"
	require(in >= 0 && out >= 0, operation, "sizes %d and %d, wanted 0 or more", in, out)
	f := newFactory(operation, how)
	layer := &Linear{Weight: f.parameter(out, in)}
	if !options.NoBias {
		layer.Bias = f.parameter(out)
	}
	f.resetWeightAndBias(layer.Weight, layer.Bias)
	return layer
}

// resetWeightAndBias initializes as PyTorch's linear and convolutional layers do.
func (f factory) resetWeightAndBias(weight, bias *torch.Tensor) {
	if weight.NumElements() > 0 {
		KaimingUniformInPlace(weight, KaimingOptions{NegativeSlope: math.Sqrt(5), Generator: f.generator})
	}
	if in, _ := fans("reset", weight); bias != nil && in > 0 {
		bound := 1 / math.Sqrt(float64(in))
		UniformInPlace(bias, -bound, bound, f.generator)
	}
}

// Forward returns x Wᵀ + b: [..., out] for x [..., in].
func (l *Linear) Forward(x *torch.Tensor) *torch.Tensor { return x.Linear(l.Weight, l.Bias) }
