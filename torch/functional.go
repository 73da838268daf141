package torch

import (
	"math"
	"slices"
)

// Normalize returns t divided by its Euclidean norm along dim. Norms below 1e-12 count as 1e-12. It
// is torch.nn.functional.normalize.
func (t *Tensor) Normalize(dim int64) *Tensor {
	norm := t.NormDim(2, []int64{dim}, true)
	defer norm.Close()
	held := norm.ClampMin(1e-12)
	defer held.Close()
	return t.Div(held)
}

// MatrixPower returns square matrices to the power of n; a negative n is a power of the inverse. It
// is torch.linalg.matrix_power.
func (t *Tensor) MatrixPower(n int64) *Tensor {
	if n == math.MinInt64 { // libtorch negates it, and then never ends
		panic(invalid("MatrixPower", "the power is %d, wanted %d or more", n, math.MinInt64+1))
	}
	return t.matrixPower(n)
}

// AttentionOptions are the options of [ScaledDotProductAttention]. The zero value is PyTorch's
// default.
type AttentionOptions struct {
	Mask    *Tensor  // bool (true means attend) or added to the scores; broadcast to [N, heads, L, S]
	Causal  bool     // each query sees only keys at its own position and before
	Dropout float64  // the probability of zeroing an attention weight
	Scale   *float64 // multiplies the scores; nil means 1/sqrt(D)

	// GroupedQueries allows query to have a multiple of the heads of key and value.
	GroupedQueries bool
}

// ScaledDotProductAttention returns softmax(query keyᵀ * scale + mask) value: [N, heads, L, V], for
// query [N, heads, L, D], key [N, heads, S, D] and value [N, heads, S, V].
func ScaledDotProductAttention(query, key, value *Tensor, options AttentionOptions) *Tensor {
	return scaledDotProductAttention(query, key, value, options.Mask, options.Dropout,
		options.Causal, options.Scale, options.GroupedQueries)
}

// Tanhshrink returns t - tanh(t).
func (t *Tensor) Tanhshrink() *Tensor {
	squashed := t.Tanh()
	defer squashed.Close()
	return t.Sub(squashed)
}

// Softsign returns t / (1 + |t|).
func (t *Tensor) Softsign() *Tensor {
	size := t.Abs()
	defer size.Close()
	divisor := size.AddScalar(1)
	defer divisor.Close()
	return t.Div(divisor)
}

// Softmin returns the softmax of -t along dim.
func (t *Tensor) Softmin(dim int64) *Tensor {
	negative := t.Neg()
	defer negative.Close()
	return negative.Softmax(dim)
}

// GumbelSoftmaxOptions are the options of [Tensor.GumbelSoftmax]. The zero value is PyTorch's
// default.
type GumbelSoftmaxOptions struct {
	Temperature float64    // lower is closer to one-hot; 0 means 1
	Hard        bool       // return one-hot samples, with the gradient of the soft ones
	Generator   *Generator // nil means the default generator
}

// GumbelSoftmax returns differentiable samples from the categorical distributions with the logits t
// along dim. It is torch.nn.functional.gumbel_softmax.
func (t *Tensor) GumbelSoftmax(dim int64, options GumbelSoftmaxOptions) *Tensor {
	temperature := options.Temperature
	if temperature == 0 {
		temperature = 1
	}
	noise := t.EmptyLike()
	defer noise.Close()
	noise.ExponentialInPlace(1, options.Generator).LogInPlace().NegInPlace()
	noisy := t.Add(noise)
	defer noisy.Close()
	scaled := noisy.DivScalar(temperature)
	defer scaled.Close()
	soft := scaled.Softmax(dim)
	if !options.Hard {
		return soft
	}
	defer soft.Close()
	largest := soft.ArgMax(dim, true)
	defer largest.Close()
	zeros := soft.ZerosLike()
	defer zeros.Close()
	hard := zeros.ScatterScalar(dim, largest, 1)
	defer hard.Close()
	constant := soft.Detach()
	defer constant.Close()
	difference := hard.Sub(constant)
	defer difference.Close()
	return difference.Add(soft)
}

// orDefault returns *value, or otherwise if value is nil.
func orDefault(value *float64, otherwise float64) float64 {
	if value == nil {
		return otherwise
	}
	return *value
}

// LocalResponseNormOptions are the options of [Tensor.LocalResponseNorm]. The zero value is
// PyTorch's default.
type LocalResponseNormOptions struct {
	Alpha *float64 // nil means 1e-4
	Beta  *float64 // nil means 0.75
	K     *float64 // nil means 1
}

// LocalResponseNorm returns t / (K + Alpha * m)^Beta for t [N, C, ...], where m is the mean of the
// squares over size neighboring channels. It is torch.nn.functional.local_response_norm.
func (t *Tensor) LocalResponseNorm(size int64, options LocalResponseNormOptions) *Tensor {
	shape := t.Shape()
	if len(shape) < 3 || size < 1 {
		panic(invalid("LocalResponseNorm", "a tensor [N, C, ...] of 3 dimensions or more and a size "+
			"of 1 or more are wanted, got %v and %d", shape, size))
	}
	squares := t.Square()
	defer squares.Close()
	flat := squares.Flatten(2, -1) // [N, C, positions]
	defer flat.Close()
	planes := flat.Unsqueeze(1)
	defer planes.Close()
	padded := planes.Pad([]int64{0, 0, size / 2, (size - 1) / 2}, PadConstant, 0)
	defer padded.Close()
	means := padded.AvgPool2d([]int64{size, 1}, AvgPoolOptions{Stride: listOfOne})
	defer means.Close()
	shaped := means.ReshapeAs(t)
	defer shaped.Close()
	scaled := shaped.MulScalar(orDefault(options.Alpha, 1e-4))
	defer scaled.Close()
	above := scaled.AddScalar(orDefault(options.K, 1))
	defer above.Close()
	divisor := above.PowScalar(orDefault(options.Beta, 0.75))
	defer divisor.Close()
	return t.Div(divisor)
}

// A BagMode is how [EmbeddingBag] combines the rows of a bag.
type BagMode int

// The modes of [EmbeddingBag].
const (
	BagMean BagMode = iota // the mean
	BagSum                 // the sum
	BagMax                 // the maximum of each column
)

func (m BagMode) number(operation string) int64 {
	return choice[BagMode, int64](operation, "mode", m, 1, 0, 2)
}

// EmbeddingBagOptions are the options of [EmbeddingBag]. The zero value is PyTorch's default.
type EmbeddingBagOptions struct {
	Mode    BagMode
	Weights *Tensor // one weight for each index, for BagSum only; nil means 1
}

// EmbeddingBag looks up rows of weight [N, D] for bags of indices and combines each bag's rows:
// [bags, D]. With nil offsets, each row of indices [bags, L] is a bag. Otherwise indices is [L],
// and offsets [bags] says where in it each bag starts. It is torch.nn.functional.embedding_bag.
func EmbeddingBag(weight, indices, offsets *Tensor, options EmbeddingBagOptions) *Tensor {
	const operation = "EmbeddingBag"
	weights := options.Weights
	if offsets == nil {
		shape := indices.Shape()
		if len(shape) != 2 {
			panic(invalid(operation, "without offsets, indices [bags, L] are wanted, got %v", shape))
		}
		offsets = Arange(0, shape[0], 1, indices.Device(), indices.DType())
		defer offsets.Close()
		offsets.MulScalarInPlace(shape[1])
		indices = indices.Flatten(0, -1)
		defer indices.Close()
		if weights != nil {
			weights = weights.Flatten(0, -1)
			defer weights.Close()
		}
	}
	// On the CPU libtorch reads at the offsets before it checks them.
	if at := offsets.Device(); !at.IsCUDA() {
		wide := offsets.To(Int64)
		defer wide.Close()
		if list := ToSlice[int64](wide); !slices.IsSorted(list) || (len(list) > 0 && list[0] != 0) {
			panic(invalid(operation, "the offsets do not ascend from 0"))
		}
	}
	bags, offsetOf, sizes, most := embeddingBag(weight, indices, offsets, options.Mode, weights)
	offsetOf.Close()
	sizes.Close()
	most.Close()
	return bags
}
