package nn

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// The initializers are those of PyTorch's torch.nn.init. They write in place without recording
// gradients, and return their tensor. A nil generator means libtorch's default one; from the same
// seed ([torch.ManualSeed]) they draw the same numbers as PyTorch.

// A FanMode says which size of a weight its initial values are scaled by.
type FanMode int

// The modes of Kaiming initialization.
const (
	FanIn  FanMode = iota // the number of inputs, which preserves the variance in the forward pass
	FanOut                // the number of outputs, which preserves the variance in the backward pass
)

// A Nonlinearity is an activation function that follows a layer, by its name in PyTorch; see
// [Gain].
type Nonlinearity string

// The nonlinearities of [Gain]. The gain of linear layers and of the sigmoid is 1.
const (
	LeakyReLUGain Nonlinearity = "leaky_relu"
	LinearGain    Nonlinearity = "linear"
	SigmoidGain   Nonlinearity = "sigmoid"
	TanhGain      Nonlinearity = "tanh"
	ReLUGain      Nonlinearity = "relu"
	SELUGain      Nonlinearity = "selu"
)

// Gain returns the factor for the initial weights before a nonlinearity, PyTorch's calculate_gain.
// negativeSlope is used for [LeakyReLUGain] only.
func Gain(nonlinearity Nonlinearity, negativeSlope float64) float64 {
	switch nonlinearity {
	case LinearGain, SigmoidGain:
		return 1
	case TanhGain:
		return 5.0 / 3
	case ReLUGain:
		return math.Sqrt(2)
	case LeakyReLUGain:
		return math.Sqrt(2 / (1 + negativeSlope*negativeSlope))
	case SELUGain:
		return 3.0 / 4
	}
	panic(invalid("Gain", "there is no nonlinearity %q", nonlinearity))
}

// fans returns the number of inputs of each output, and of outputs of each input, for a weight
// [out, in, ...].
func fans(operation string, weight *torch.Tensor) (in, out int64) {
	shape := weight.Shape()
	require(len(shape) >= 2, operation, "a weight of 2 dimensions or more is wanted, got %v", shape)
	field := int64(1)
	for _, size := range shape[2:] {
		field *= size
	}
	return shape[1] * field, shape[0] * field
}

func inPlace(t *torch.Tensor, fill func()) *torch.Tensor {
	torch.NoGrad(fill)
	return t
}

// UniformInPlace fills t with uniform random numbers in [from, to).
func UniformInPlace(t *torch.Tensor, from, to float64, generator ...*torch.Generator) *torch.Tensor {
	return inPlace(t, func() { t.UniformInPlace(from, to, generator...) })
}

// NormalInPlace fills t with normally distributed random numbers.
func NormalInPlace(t *torch.Tensor, mean, std float64, generator ...*torch.Generator) *torch.Tensor {
	return inPlace(t, func() { t.NormalInPlace(mean, std, generator...) })
}

// ConstantInPlace fills t with value.
func ConstantInPlace(t *torch.Tensor, value float64) *torch.Tensor {
	return inPlace(t, func() { t.FillInPlace(value) })
}

// TruncNormalInPlace fills t with normally distributed random numbers truncated to [low, high]. It
// is PyTorch's trunc_normal_, whose defaults are mean 0, std 1, low -2 and high 2.
func TruncNormalInPlace(t *torch.Tensor, mean, std, low, high float64, generator ...*torch.Generator) *torch.Tensor {
	const operation = "TruncNormalInPlace"
	require(std > 0 && low < high, operation, "a std above 0 and low below high are wanted, got %v, %v and %v", std, low, high)
	cumulative := func(x float64) float64 { return (1 + math.Erf(x/math.Sqrt2)) / 2 }
	return inPlace(t, func() {
		torch.Scope(func(*torch.TensorScope) {
			if cumulative((high-mean)/std)-cumulative((low-mean)/std) > 0.3 {
				truncateNormal(t, mean, std, low, high, generator)
			} else {
				truncateTail(t, mean, std, low, high, generator)
			}
		})
	})
}

// truncateNormal draws numbers outside of the bounds again, until there are none.
func truncateNormal(t *torch.Tensor, mean, std, low, high float64, generator []*torch.Generator) {
	result := t.NormalInPlace(mean, std, generator...)
	for {
		outside := result.LtScalar(low).LogicalOr(result.GtScalar(high))
		if outside.Any().Item() == 0 {
			break
		}
		result = torch.Where(outside, t.EmptyLike().NormalInPlace(mean, std, generator...), result)
	}
	if result != t {
		t.CopyInPlace(result)
	}
}

// truncateTail is for bounds with little probability: it draws uniformly between them, and accepts
// each number with a probability proportional to its density.
func truncateTail(t *torch.Tensor, mean, std, low, high float64, generator []*torch.Generator) {
	peak := (max(low, min(mean, high)) - mean) / std
	logPeak := -0.5 * peak * peak
	refused := func(candidates *torch.Tensor) *torch.Tensor {
		logDensity := candidates.SubScalar(mean).DivScalar(std).Square().MulScalar(-0.5).SubScalar(logPeak)
		return t.EmptyLike().UniformInPlace(0, 1, generator...).Log().Gt(logDensity)
	}
	pending := refused(t.UniformInPlace(low, high, generator...))
	result := t
	for pending.Any().Item() != 0 {
		candidates := t.EmptyLike().UniformInPlace(low, high, generator...)
		result = torch.Where(pending, candidates, result)
		pending = pending.LogicalAnd(refused(candidates))
	}
	if result != t {
		t.CopyInPlace(result)
	}
}

// XavierUniformInPlace fills a weight [out, in, ...] with uniform random numbers in [-a, a), where
// a = gain * sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010). gain is usually 1; see [Gain].
func XavierUniformInPlace(t *torch.Tensor, gain float64, generator ...*torch.Generator) *torch.Tensor {
	in, out := fans("XavierUniformInPlace", t)
	bound := math.Sqrt(3) * (gain * math.Sqrt(2/float64(in+out)))
	return UniformInPlace(t, -bound, bound, generator...)
}

// XavierNormalInPlace fills a weight [out, in, ...] with normally distributed random numbers with
// standard deviation gain * sqrt(2 / (inputs + outputs)) (Glorot and Bengio 2010).
func XavierNormalInPlace(t *torch.Tensor, gain float64, generator ...*torch.Generator) *torch.Tensor {
	in, out := fans("XavierNormalInPlace", t)
	return NormalInPlace(t, 0, gain*math.Sqrt(2/float64(in+out)), generator...)
}

// KaimingOptions are the options of [KaimingUniformInPlace] and [KaimingNormalInPlace]. The zero value is
// PyTorch's default.
type KaimingOptions struct {
	Mode          FanMode
	Nonlinearity  Nonlinearity // "" means leaky_relu
	NegativeSlope float64      // slope of the leaky ReLU; 0 is a plain ReLU
	Generator     *torch.Generator
}

func (o KaimingOptions) std(operation string, t *torch.Tensor) float64 {
	fan, out := fans(operation, t)
	if o.Mode == FanOut {
		fan = out
	}
	if o.Nonlinearity == "" {
		o.Nonlinearity = LeakyReLUGain
	}
	return Gain(o.Nonlinearity, o.NegativeSlope) / math.Sqrt(float64(fan))
}

// KaimingUniformInPlace fills a weight [out, in, ...] with uniform random numbers in [-b, b), where
// b = gain * sqrt(3 / fan) (He et al. 2015).
func KaimingUniformInPlace(t *torch.Tensor, options KaimingOptions) *torch.Tensor {
	bound := math.Sqrt(3) * options.std("KaimingUniformInPlace", t)
	return UniformInPlace(t, -bound, bound, options.Generator)
}

// KaimingNormalInPlace fills a weight [out, in, ...] with normally distributed random numbers with
// standard deviation gain / sqrt(fan) (He et al. 2015).
func KaimingNormalInPlace(t *torch.Tensor, options KaimingOptions) *torch.Tensor {
	return NormalInPlace(t, 0, options.std("KaimingNormalInPlace", t), options.Generator)
}

// OrthogonalInPlace fills a weight [rows, ...], taken as a matrix, with a random matrix whose rows
// or columns, whichever are fewer, are orthogonal with length gain (Saxe et al. 2013).
func OrthogonalInPlace(t *torch.Tensor, gain float64, generator ...*torch.Generator) *torch.Tensor {
	const operation = "OrthogonalInPlace"
	shape := t.Shape()
	require(len(shape) >= 2, operation, "a weight of 2 dimensions or more is wanted, got %v", shape)
	if t.NumElements() == 0 {
		return t
	}
	return inPlace(t, func() {
		torch.Scope(func(*torch.TensorScope) {
			rows, columns := shape[0], t.NumElements()/shape[0]
			drawn := torch.Empty(torch.Shape{rows, columns}, t.DType(), t.Device()).NormalInPlace(0, 1, generator...)
			if rows < columns {
				drawn = drawn.T()
			}
			q, r := drawn.QR()
			q = q.Mul(r.Diag(0).Sign()) // makes the distribution uniform
			if rows < columns {
				q = q.T()
			}
			t.CopyInPlace(q.Reshape(shape)).MulScalarInPlace(gain)
		})
	})
}

// EyeInPlace fills a matrix [out, in] with the identity, so that a linear layer returns its input.
func EyeInPlace(t *torch.Tensor) *torch.Tensor {
	shape := t.Shape()
	require(len(shape) == 2, "EyeInPlace", "a matrix is wanted, got %v", shape)
	return inPlace(t, func() {
		eye := torch.Eye(shape[0], shape[1])
		defer eye.Close()
		t.CopyInPlace(eye)
	})
}

// DiracInPlace fills a convolution's weight [out, in/groups, ...] so that it returns its input
// channels, as many as fit.
func DiracInPlace(t *torch.Tensor, groups int64) *torch.Tensor {
	const operation = "DiracInPlace"
	shape := t.Shape()
	require(len(shape) >= 3 && len(shape) <= 5, operation, "a weight of 3 to 5 dimensions is wanted, got %v", shape)
	require(groups > 0 && shape[0]%groups == 0, operation, "the number of outputs, %d, is not divisible by the number of groups, %d", shape[0], groups)
	perGroup := shape[0] / groups
	return inPlace(t, func() {
		t.ZeroInPlace()
		for group := range groups {
			for channel := range min(perGroup, shape[1]) {
				at := []any{group*perGroup + channel, channel}
				for _, size := range shape[2:] {
					at = append(at, size/2)
				}
				t.SetAt(1, at...)
			}
		}
	})
}
