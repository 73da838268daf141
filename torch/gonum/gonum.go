// Package gonum converts between tensors and the matrices of gonum.org/v1/gonum/mat. All functions
// copy. As in package torch, misuse panics with a [*torch.Error].
package gonum

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/clipvqgan/clipvqgan/torch"
)

// FromMatrix copies any real matrix to a float64 tensor [rows, columns]. The only option is a
// [torch.Device].
func FromMatrix(m mat.Matrix, where ...torch.Option) *torch.Tensor {
	if m == nil {
		panic(failed("FromMatrix", "the matrix is nil"))
	}
	rows, columns := m.Dims()
	return torch.FromSlice(rowMajor(m, rows, columns), []int64{int64(rows), int64(columns)}, where...)
}

// rowMajor returns the elements row by row; for a contiguous [mat.Dense] it does not copy.
func rowMajor(m mat.Matrix, rows, columns int) []float64 {
	if dense, ok := m.(mat.RawMatrixer); ok {
		raw := dense.RawMatrix()
		if raw.Stride == columns || rows <= 1 {
			return raw.Data[:rows*columns]
		}
		data := make([]float64, 0, rows*columns)
		for i := range rows {
			data = append(data, raw.Data[i*raw.Stride:i*raw.Stride+columns]...)
		}
		return data
	}
	data := make([]float64, rows*columns)
	if transposed, ok := m.(mat.Untransposer); ok {
		if dense, ok := transposed.Untranspose().(mat.RawMatrixer); ok {
			raw := dense.RawMatrix()
			for j := range columns {
				for i, value := range raw.Data[j*raw.Stride : j*raw.Stride+rows] {
					data[i*columns+j] = value
				}
			}
			return data
		}
	}
	for i := range rows {
		for j := range columns {
			data[i*columns+j] = m.At(i, j)
		}
	}
	return data
}

// FromVector copies a vector to a float64 tensor [n]. The only option is a [torch.Device].
func FromVector(v mat.Vector, where ...torch.Option) *torch.Tensor {
	if v == nil {
		panic(failed("FromVector", "the vector is nil"))
	}
	data := make([]float64, v.Len())
	for i := range data {
		data[i] = v.AtVec(i)
	}
	return torch.FromSlice(data, nil, where...)
}

// FromCMatrix copies a complex matrix to a complex128 tensor [rows, columns]. The only option is a
// [torch.Device].
func FromCMatrix(m mat.CMatrix, where ...torch.Option) *torch.Tensor {
	if m == nil {
		panic(failed("FromCMatrix", "the matrix is nil"))
	}
	rows, columns := m.Dims()
	data := make([]complex128, 0, rows*columns)
	for i := range rows {
		for j := range columns {
			data = append(data, m.At(i, j))
		}
	}
	return torch.FromSlice(data, []int64{int64(rows), int64(columns)}, where...)
}

// ToDense copies a tensor [rows, columns], on any device and of any real dtype, to a matrix. gonum
// has no matrices with rows but no columns, or the reverse: these panic. [0, 0] gives an empty
// matrix.
func ToDense(t *torch.Tensor) *mat.Dense {
	const operation = "ToDense"
	rows, columns := matrixSize(operation, t)
	data := reals(operation, t)
	if rows == 0 {
		return &mat.Dense{}
	}
	return mat.NewDense(rows, columns, data)
}

// ToVecDense copies a tensor [n], on any device and of any real dtype, to a vector.
func ToVecDense(t *torch.Tensor) *mat.VecDense {
	const operation = "ToVecDense"
	if shape := t.Shape(); len(shape) != 1 {
		panic(failed(operation, "the tensor is %v, wanted [n]", shape))
	}
	data := reals(operation, t)
	if len(data) == 0 {
		return &mat.VecDense{}
	}
	return mat.NewVecDense(len(data), data)
}

// ToSymDense copies a tensor [n, n], on any device and of any real dtype, to a symmetric matrix. It
// panics if the tensor is not exactly symmetric.
func ToSymDense(t *torch.Tensor) *mat.SymDense {
	const operation = "ToSymDense"
	rows, columns := matrixSize(operation, t)
	if rows != columns {
		panic(failed(operation, "the tensor is [%d %d], wanted [n, n]", rows, columns))
	}
	data := reals(operation, t)
	for i := range rows {
		for j := range i {
			if above, below := data[j*rows+i], data[i*rows+j]; above != below && (above == above || below == below) {
				panic(failed(operation, "the tensor is not symmetric: [%d, %d] is %v and [%d, %d] is %v", j, i, above, i, j, below))
			}
		}
	}
	if rows == 0 {
		return &mat.SymDense{}
	}
	return mat.NewSymDense(rows, data)
}

// ToCDense copies a tensor [rows, columns], on any device and of any dtype, to a complex matrix.
func ToCDense(t *torch.Tensor) *mat.CDense {
	const operation = "ToCDense"
	rows, columns := matrixSize(operation, t)
	data := converted[complex128](t, torch.Complex128)
	if rows == 0 {
		return &mat.CDense{}
	}
	return mat.NewCDense(rows, columns, data)
}

func matrixSize(operation string, t *torch.Tensor) (rows, columns int) {
	shape := t.Shape()
	if len(shape) != 2 {
		panic(failed(operation, "the tensor is %v, wanted [rows, columns]", shape))
	}
	if (shape[0] == 0) != (shape[1] == 0) {
		panic(failed(operation, "the tensor is %v, which no matrix of gonum can be", shape))
	}
	return int(shape[0]), int(shape[1])
}

// reals returns a tensor's elements as float64.
func reals(operation string, t *torch.Tensor) []float64 {
	if dtype := t.DType(); dtype == torch.Complex64 || dtype == torch.Complex128 {
		panic(failed(operation, "the elements are %s, wanted real ones; ToCDense takes complex ones", dtype))
	}
	return converted[float64](t, torch.Float64)
}

func converted[T torch.Element](t *torch.Tensor, dtype torch.DType) []T {
	wide := t.To(dtype)
	defer wide.Close()
	return torch.ToSlice[T](wide)
}

func failed(operation, format string, arguments ...any) *torch.Error {
	return &torch.Error{Operation: "gonum." + operation, Kind: torch.ErrInvalid, Message: fmt.Sprintf(format, arguments...)}
}
