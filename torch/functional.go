package torch

// Normalize returns t divided by its Euclidean norm along dim; norms below 1e-12 are taken for
// that. It is torch.nn.functional.normalize.
func (t *Tensor) Normalize(dim int64) *Tensor {
	norm := t.NormDim(2, []int64{dim}, true)
	defer norm.Close()
	held := norm.ClampMin(1e-12)
	defer held.Close()
	return t.Div(held)
}

// AttentionOptions are the options of [ScaledDotProductAttention]. The zero value is PyTorch's
// default.
type AttentionOptions struct {
	Mask    *Tensor // bool (true: attend) or added to the scores, broadcast to [N, heads, L, S]
	Causal  bool    // each query sees the keys up to its own position
	Dropout float64 // the probability with which a weight is zeroed
	Scale   float64 // 0: 1/sqrt(D)
}

// ScaledDotProductAttention returns softmax(query keyᵀ scale + mask) value, for query [N, heads,
// L, D], key [N, heads, S, D] and value [N, heads, S, V]: [N, heads, L, V].
func ScaledDotProductAttention(query, key, value *Tensor, options AttentionOptions) *Tensor {
	var scale *float64
	if options.Scale != 0 {
		scale = &options.Scale
	}
	return scaledDotProductAttention(query, key, value, options.Mask, options.Dropout,
		options.Causal, scale)
}
