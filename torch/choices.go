package torch

// Arguments that are one of a fixed set in PyTorch, a string or a number, have a type with
// constants here. Its method text or number returns PyTorch's value, and panics for a value that is
// none of the constants.

// choice returns the item with index value.
func choice[T ~int | ~int64, P any](operation, what string, value T, items ...P) P {
	if value < 0 || int64(value) >= int64(len(items)) {
		panic(invalid(operation, "there is no %s %d", what, value))
	}
	return items[value]
}

// A MeshgridIndexing is the order of the dimensions of the grids that [Meshgrid] returns.
type MeshgridIndexing int

// The indexing modes of [Meshgrid].
const (
	MeshgridIJ MeshgridIndexing = iota // "ij": the first vector varies along the first dimension, as in matrices
	MeshgridXY                         // "xy": the first vector varies along the second dimension, as in images
)

func (m MeshgridIndexing) text(operation string) string {
	return choice(operation, "indexing", m, "ij", "xy")
}

// A ScatterReduction is how [Tensor.ScatterReduce], [Tensor.ScatterReduceInPlace] and
// [Tensor.IndexReduce] combine elements that go to the same place.
type ScatterReduction int

// The reductions of scatter operations.
const (
	ScatterSum     ScatterReduction = iota // the sum; not for IndexReduce
	ScatterProduct                         // the product
	ScatterMean                            // the mean
	ScatterMax                             // the maximum
	ScatterMin                             // the minimum
)

func (r ScatterReduction) text(operation string) string {
	return choice(operation, "reduction", r, "sum", "prod", "mean", "amax", "amin")
}

// A MatrixNormOrder is a matrix norm with a name; see [Tensor.MatrixNormOrd] for those with a
// number.
type MatrixNormOrder int

// The norms of [Tensor.MatrixNorm].
const (
	NormFrobenius MatrixNormOrder = iota // the square root of the sum of squares
	NormNuclear                          // the sum of the singular values
)

func (o MatrixNormOrder) text(operation string) string {
	return choice(operation, "norm", o, "fro", "nuc")
}
