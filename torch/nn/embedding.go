package nn

import "github.com/clipvqgan/clipvqgan/torch"

// Embedding is a lookup table with a vector for each index.
type Embedding struct {
	Weight *torch.Tensor // [count, size]

	options EmbeddingOptions
	padding int64
}

// EmbeddingOptions are the options of [NewEmbedding]. The zero value is PyTorch's default.
type EmbeddingOptions struct {
	// PaddingIndex is a row that is initialized to zeros and gets no gradient. Negative numbers
	// count from the end. nil means none.
	PaddingIndex *int64
	// MaxNorm is the norm to which longer vectors are scaled down, in the table itself, when they
	// are looked up. 0 means no limit.
	MaxNorm float64
	// NormType is the p of the p-norm for MaxNorm. nil means 2.
	NormType *float64
}

// NewEmbedding returns a table of count vectors of the given size, initialized from the standard
// normal distribution.
func NewEmbedding(count, size int64, options EmbeddingOptions, how ...torch.Option) *Embedding {
	const operation = "NewEmbedding"
	require(count > 0 && size > 0, operation, "the table is %d by %d, wanted 1 or more of both", count, size)
	f := newFactory(operation, how)
	e := &Embedding{Weight: f.parameter(count, size), options: options}
	NormalInPlace(e.Weight, 0, 1, f.generator)
	if at := options.PaddingIndex; at != nil {
		require(*at >= -count && *at < count, operation, "a PaddingIndex %d for %d vectors", *at, count)
		e.padding = (*at + count) % count
		inPlace(e.Weight, func() {
			row := e.Weight.Select(0, e.padding)
			defer row.Close()
			row.ZeroInPlace()
		})
	}
	return e
}

// Forward returns the vectors [..., size] for indices [...] of int64 or int32.
func (e *Embedding) Forward(indices *torch.Tensor) *torch.Tensor {
	if e.options.MaxNorm > 0 {
		e.bound(indices)
	}
	if e.options.PaddingIndex != nil {
		return torch.EmbeddingWithPadding(e.Weight, indices, e.padding)
	}
	return torch.Embedding(e.Weight, indices)
}

// bound scales the rows that are looked up and longer than MaxNorm down to it.
func (e *Embedding) bound(indices *torch.Tensor) {
	torch.NoGrad(func() {
		flat := indices.Flatten(0, -1)
		defer flat.Close()
		wide := flat.To(torch.Int64)
		defer wide.Close()
		rows := e.Weight.IndexSelect(0, wide)
		defer rows.Close()
		scaled := rows.ReNorm(orDefault(e.options.NormType, 2), 0, e.options.MaxNorm)
		defer scaled.Close()
		e.Weight.IndexCopyInPlace(0, wide, scaled) // rows that occur twice get the same values
	})
}
