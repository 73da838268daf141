package torch

// What is one of a fixed set in PyTorch, a text or a number, is a type with constants here. Its method
// text or number gives PyTorch's, and panics where the value is none of the constants.

// choice is the item that value stands for.
func choice[T ~int | ~int64, P any](operation, what string, value T, items ...P) P {
	if value < 0 || int64(value) >= int64(len(items)) {
		panic(invalid(operation, "there is no %s %d", what, value))
	}
	return items[value]
}

// A MeshgridIndexing is the order in which the grids of [Meshgrid] are laid out.
type MeshgridIndexing int

// The orders of [Meshgrid].
const (
	MeshgridIJ MeshgridIndexing = iota // the first vector varies along the first dimension, as in matrices
	MeshgridXY                         // the first vector varies along the second dimension, as in images
)

func (m MeshgridIndexing) text(operation string) string {
	return choice(operation, "indexing", m, "ij", "xy")
}

// A ScatterReduction is how [Tensor.ScatterReduce], [Tensor.ScatterReduceInPlace] and
// [Tensor.IndexReduce] merge elements that meet.
type ScatterReduction int

// The reductions of scattering.
const (
	ScatterSum     ScatterReduction = iota // their sum, not for IndexReduce
	ScatterProduct                         // their product
	ScatterMean                            // their mean
	ScatterMax                             // the largest
	ScatterMin                             // the smallest
)

func (r ScatterReduction) text(operation string) string {
	return choice(operation, "reduction", r, "sum", "prod", "mean", "amax", "amin")
}

// A MatrixNormOrder is a norm of matrices that has a name and no number; see [Tensor.MatrixNormOrd] for
// the others.
type MatrixNormOrder int

// The orders of [Tensor.MatrixNorm].
const (
	NormFrobenius MatrixNormOrder = iota // the root of the sum of squares
	NormNuclear                          // the sum of the singular values
)

func (o MatrixNormOrder) text(operation string) string {
	return choice(operation, "norm", o, "fro", "nuc")
}
