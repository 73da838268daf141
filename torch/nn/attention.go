package nn

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// MultiheadAttention is the multi-head attention of Vaswani et al. 2017.
type MultiheadAttention struct {
	Mode

	InProjWeight *torch.Tensor // weights of query, key and value, [3 E, E], if all have size E; else nil
	QProjWeight  *torch.Tensor // [E, E], in place of InProjWeight; else nil
	KProjWeight  *torch.Tensor // [E, key size]
	VProjWeight  *torch.Tensor // [E, value size]
	InProjBias   *torch.Tensor // [3 E], or nil
	BiasK, BiasV *torch.Tensor // [1, 1, E]: a learned key and value that are added to every sequence, or nil
	OutProj      *Linear       // output projection, E to E

	Dropout float64 // the probability of zeroing an attention weight in training

	size, heads int64
	batchFirst  bool
	zeroItem    bool
}

// MultiheadAttentionOptions are the options of [NewMultiheadAttention]. The zero value is PyTorch's
// default.
type MultiheadAttentionOptions struct {
	Dropout    float64 // the probability of zeroing an attention weight in training
	NoBias     bool
	AddBiasKV  bool  // add a learned key and value to every sequence
	AddZero    bool  // add a key and a value of zeros to every sequence: add_zero_attn
	KeySize    int64 // size of a key, kdim; 0 means that of a query
	ValueSize  int64 // size of a value, vdim; 0 means that of a query
	BatchFirst bool  // sequences are [N, L, E] instead of [L, N, E]
}

// NewMultiheadAttention returns a layer for queries of the given size, which must be divisible by
// heads. Input projections are initialized by [XavierUniformInPlace], the output projection as that
// of [NewLinear]; biases are zero.
func NewMultiheadAttention(size, heads int64, options MultiheadAttentionOptions, how ...torch.Option) *MultiheadAttention {
	const operation = "NewMultiheadAttention"
	require(size > 0 && heads > 0 && size%heads == 0, operation, "the size %d is not divisible by the number of heads, %d", size, heads)
	f := newFactory(operation, how)
	a := &MultiheadAttention{Dropout: options.Dropout, size: size, heads: heads,
		batchFirst: options.BatchFirst, zeroItem: options.AddZero}
	a.OutProj = NewLinear(size, size, LinearOptions{NoBias: options.NoBias}, how...)
	keySize, valueSize := options.KeySize, options.ValueSize
	if keySize == 0 {
		keySize = size
	}
	if valueSize == 0 {
		valueSize = size
	}
	projections := []*torch.Tensor{}
	if keySize == size && valueSize == size {
		a.InProjWeight = f.parameter(3*size, size)
		projections = append(projections, a.InProjWeight)
	} else {
		a.QProjWeight = f.parameter(size, size)
		a.KProjWeight = f.parameter(size, keySize)
		a.VProjWeight = f.parameter(size, valueSize)
		projections = append(projections, a.QProjWeight, a.KProjWeight, a.VProjWeight)
	}
	for _, weight := range projections {
		XavierUniformInPlace(weight, 1, f.generator)
	}
	if !options.NoBias {
		a.InProjBias = f.parameter(3 * size)
		ConstantInPlace(a.OutProj.Bias, 0)
	}
	if options.AddBiasKV {
		a.BiasK, a.BiasV = f.parameter(1, 1, size), f.parameter(1, 1, size)
		XavierNormalInPlace(a.BiasK, 1, f.generator)
		XavierNormalInPlace(a.BiasV, 1, f.generator)
	}
	return a
}

// AttentionOptions are the options of [MultiheadAttention.Attend]. A mask is either bool, where
// true means that a query must not attend to a key, or numbers that are added to the scores. As in
// PyTorch, this is the opposite of [torch.ScaledDotProductAttention], where true means attend.
type AttentionOptions struct {
	Mask           *torch.Tensor // attn_mask, [L, S] or [N heads, L, S], or nil
	KeyPaddingMask *torch.Tensor // [N, S], true for keys to ignore, or nil
	Causal         bool          // each query attends only to keys at its own position and before
	Weights        bool          // return the attention weights: need_weights
	PerHead        bool          // return the weights of each head instead of their mean
}

// Forward returns the self-attention of x: [MultiheadAttention.Attend] with x as query, key and
// value.
func (a *MultiheadAttention) Forward(x *torch.Tensor) *torch.Tensor {
	output, _ := a.Attend(x, x, x, AttentionOptions{})
	return output
}

// Attend returns the attention output [L, N, E] for queries [L, N, E], keys [S, N, key size] and
// values [S, N, value size]. With BatchFirst, N is the first dimension of all of them. Sequences
// without a batch have no N, and then the key padding mask is [S]. The weights are [N, L, S], or
// [N, heads, L, S] with PerHead; they are nil unless options ask for them.
func (a *MultiheadAttention) Attend(query, key, value *torch.Tensor, options AttentionOptions) (output, weights *torch.Tensor) {
	torch.Scope(func(scope *torch.TensorScope) {
		output, weights = a.attend(query, key, value, options)
		scope.Keep(output)
		if weights != nil {
			scope.Keep(weights)
		}
	})
	return output, weights
}

func (a *MultiheadAttention) attend(query, key, value *torch.Tensor, o AttentionOptions) (output, weights *torch.Tensor) {
	const operation = "MultiheadAttention.Attend"
	dim := query.Dim()
	require((dim == 2 || dim == 3) && key.Dim() == dim && value.Dim() == dim, operation,
		"query, key and value of 3 dimensions, or of 2 without a batch, are wanted, got %v, %v and %v",
		query.Shape(), key.Shape(), value.Shape())
	require(query.Size(-1) == a.size, operation, "queries of size %d are wanted, got %v", a.size, query.Shape())
	q, k, v := a.project(query, key, value)
	// From here on sequences are [N, L, E].
	for _, sequence := range []**torch.Tensor{&q, &k, &v} {
		switch {
		case dim == 2:
			*sequence = (*sequence).Unsqueeze(0)
		case !a.batchFirst:
			*sequence = (*sequence).Transpose(0, 1)
		}
	}
	n, l, s := q.Size(0), q.Size(1), k.Size(1)
	require(k.Size(0) == n && v.Size(0) == n && v.Size(1) == s, operation,
		"batches or lengths do not fit: query %v, key %v, value %v", query.Shape(), key.Shape(), value.Shape())
	added := int64(0) // keys that the layer adds
	if a.BiasK != nil {
		k = torch.Cat([]*torch.Tensor{k, a.BiasK.Expand(torch.Shape{n, 1, a.size})}, 1)
		v = torch.Cat([]*torch.Tensor{v, a.BiasV.Expand(torch.Shape{n, 1, a.size})}, 1)
		added++
	}
	if a.zeroItem {
		zeros := torch.Zeros(torch.Shape{n, 1, a.size}, k.DType(), k.Device())
		k, v = torch.Cat([]*torch.Tensor{k, zeros}, 1), torch.Cat([]*torch.Tensor{v, zeros}, 1)
		added++
	}
	causal := o.Causal && o.Mask == nil && o.KeyPaddingMask == nil && added == 0 && !o.Weights
	var mask *torch.Tensor
	if !causal {
		mask = a.mask(operation, o, n, l, s, added, q)
	}
	q, k, v = a.split(q), a.split(k), a.split(v)
	dropout := 0.0
	if a.Training() {
		dropout = a.Dropout
	}
	var found *torch.Tensor // [N, heads, L, E/heads]
	if o.Weights {
		scores := q.MulScalar(math.Sqrt(1 / float64(a.size/a.heads))).MatMul(k.Transpose(-2, -1))
		if mask != nil {
			scores = scores.Add(mask)
		}
		weights = scores.Softmax(-1)
		if dropout > 0 {
			weights = weights.Dropout(dropout, true)
		}
		found = weights.MatMul(v)
		if !o.PerHead {
			weights = weights.MeanDim([]int64{1}, false)
		}
	} else {
		found = torch.ScaledDotProductAttention(q, k, v, torch.AttentionOptions{Mask: mask, Causal: causal, Dropout: dropout})
	}
	output = a.OutProj.Forward(found.Transpose(1, 2).Flatten(2, -1))
	switch {
	case dim == 2:
		output = output.SqueezeDim(0)
		if weights != nil {
			weights = weights.SqueezeDim(0)
		}
	case !a.batchFirst:
		output = output.Transpose(0, 1)
	}
	return output, weights
}

// project returns query, key and value times their input projections.
func (a *MultiheadAttention) project(query, key, value *torch.Tensor) (q, k, v *torch.Tensor) {
	if a.InProjWeight != nil && query == key && key == value {
		all := query.Linear(a.InProjWeight, a.InProjBias).Chunk(3, -1)
		return all[0], all[1], all[2]
	}
	weights := []*torch.Tensor{a.QProjWeight, a.KProjWeight, a.VProjWeight}
	if a.InProjWeight != nil {
		weights = a.InProjWeight.Chunk(3, 0)
	}
	biases := []*torch.Tensor{nil, nil, nil}
	if a.InProjBias != nil {
		biases = a.InProjBias.Chunk(3, 0)
	}
	return query.Linear(weights[0], biases[0]), key.Linear(weights[1], biases[1]), value.Linear(weights[2], biases[2])
}

// split divides a sequence [N, L, E] into heads: [N, heads, L, E/heads].
func (a *MultiheadAttention) split(sequence *torch.Tensor) *torch.Tensor {
	return sequence.Unflatten(2, []int64{a.heads, a.size / a.heads}).Transpose(1, 2)
}

// mask returns the sum of all masks, to be added to the scores, broadcast to [N, heads, L, S +
// added]; nil if there is none.
func (a *MultiheadAttention) mask(operation string, o AttentionOptions, n, l, s, added int64, like *torch.Tensor) *torch.Tensor {
	var sum *torch.Tensor
	add := func(mask *torch.Tensor) {
		if mask.DType() == torch.Bool {
			mask = torch.Zeros(mask.Shape(), like.DType(), like.Device()).MaskedFill(mask, math.Inf(-1))
		}
		if sum == nil {
			sum = mask
		} else {
			sum = sum.Add(mask)
		}
	}
	if o.Mask != nil {
		shape := o.Mask.Shape()
		switch {
		case len(shape) == 2 && shape[0] == l && shape[1] == s:
			add(o.Mask)
		case len(shape) == 3 && shape[0] == n*a.heads && shape[1] == l && shape[2] == s:
			add(o.Mask.Reshape(torch.Shape{n, a.heads, l, s}))
		default:
			panic(invalid(operation, "a mask [%d, %d] or [%d, %d, %d] is wanted, got %v", l, s, n*a.heads, l, s, shape))
		}
	}
	if o.KeyPaddingMask != nil {
		elements := o.KeyPaddingMask.NumElements()
		shape := o.KeyPaddingMask.Shape()
		require(elements == n*s && len(shape) <= 2 && len(shape) > 0 && shape[len(shape)-1] == s, operation,
			"a key padding mask [%d, %d] is wanted, got %v", n, s, shape)
		add(o.KeyPaddingMask.Reshape(torch.Shape{n, 1, 1, s}))
	}
	if o.Causal {
		add(torch.Ones(torch.Shape{l, s}, like.Device(), torch.Bool).Triu(1))
	}
	if sum != nil && added > 0 {
		sum = sum.Pad([]int64{0, added}, torch.PadConstant, 0)
	}
	return sum
}
