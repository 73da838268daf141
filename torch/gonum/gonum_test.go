package gonum_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/gonum"
)

func counted(rows, columns int) *mat.Dense {
	data := make([]float64, rows*columns)
	for i := range data {
		data[i] = float64(i) + 0.5
	}
	return mat.NewDense(rows, columns, data)
}

// onlyAt hides a matrix's type.
type onlyAt struct{ mat.Matrix }

func TestEveryMatrixBecomesItsElements(t *testing.T) {
	dense := counted(4, 5)
	part := dense.Slice(1, 3, 2, 5)
	vector := mat.NewVecDense(3, []float64{1, 2, 3})
	for name, m := range map[string]mat.Matrix{
		"dense": dense, "one row": dense.Slice(2, 3, 1, 4), "one column": dense.Slice(0, 4, 4, 5),
		"part": part, "transposed": dense.T(), "part transposed": part.T(), "twice transposed": dense.T().T(),
		"vector": vector, "vector transposed": vector.T(), "column": dense.ColView(2), "row": dense.RowView(1),
		"symmetric": mat.NewSymDense(2, []float64{1, 2, math.NaN(), 3}), "empty": &mat.Dense{},
		"triangular":  mat.NewTriDense(3, mat.Upper, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}),
		"lower":       mat.NewTriDense(3, mat.Upper, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}).T(),
		"diagonal":    mat.NewDiagDense(3, []float64{1, 2, 3}),
		"banded":      mat.NewBandDense(3, 3, 1, 0, []float64{1, 2, 3, 4, 5, 6}),
		"another's":   onlyAt{dense},
		"another's T": mat.Transpose{Matrix: onlyAt{dense}},
	} {
		rows, columns := m.Dims()
		want := make([]float64, 0, rows*columns)
		for i := range rows {
			for j := range columns {
				want = append(want, m.At(i, j))
			}
		}
		x := gonum.FromMatrix(m)
		assert.Equal(t, torch.Float64, x.DType(), name)
		assert.Equal(t, []int64{int64(rows), int64(columns)}, x.Shape(), name)
		assert.Equal(t, want, torch.ToSlice[float64](x), name)
		assert.True(t, mat.Equal(m, gonum.ToDense(x)), name)
	}
}

func TestTheTensorIsACopy(t *testing.T) {
	dense := counted(2, 2)
	x := gonum.FromMatrix(dense)
	dense.Set(0, 0, 99)
	assert.Equal(t, 0.5, x.At(0, 0).Item())
	back := gonum.ToDense(x)
	back.Set(0, 0, 77)
	assert.Equal(t, 0.5, x.At(0, 0).Item())
}

func TestVectors(t *testing.T) {
	x := gonum.FromVector(counted(3, 4).ColView(1)) // which has gaps
	assert.Equal(t, []int64{3}, x.Shape())
	assert.Equal(t, []float64{1.5, 5.5, 9.5}, torch.ToSlice[float64](x))
	assert.True(t, mat.Equal(counted(3, 4).ColView(1), gonum.ToVecDense(x)))
	assert.True(t, gonum.ToVecDense(torch.Zeros(torch.Shape{0})).IsEmpty())
}

func TestFromEachDTypeDeviceAndLayout(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		want := mat.NewDense(3, 2, []float64{0, 3, 1, 4, 2, 5})
		for _, dtype := range []torch.DType{
			torch.Float64, torch.Float32, torch.Float16, torch.BFloat16, torch.Int64, torch.Int32, torch.Int16, torch.Int8, torch.Uint8,
		} {
			x := torch.Arange(0, 6, 1, device).View(torch.Shape{2, 3}).To(dtype).T()
			assert.True(t, mat.Equal(want, gonum.ToDense(x)), "%s", dtype)
			assert.True(t, mat.Equal(want.RowView(1), gonum.ToVecDense(x.At(1))), "%s", dtype)
		}
		assert.Equal(t, device, gonum.FromMatrix(want, device).Device())
		mask := torch.FromSlice([]bool{true, false}, torch.Shape{1, 2}, device)
		assert.True(t, mat.Equal(mat.NewDense(1, 2, []float64{1, 0}), gonum.ToDense(mask)))
		tracked := torch.Ones(torch.Shape{1, 1}, device).SetRequiresGrad(true)
		assert.Equal(t, 2.0, gonum.ToDense(tracked.MulScalar(2)).At(0, 0))
	})
}

func TestSymmetric(t *testing.T) {
	nan := math.NaN()
	symmetric := mat.NewSymDense(3, []float64{1, 2, nan, 2, 5, 6, nan, 6, 9})
	back := gonum.ToSymDense(gonum.FromMatrix(symmetric))
	assert.Equal(t, 6.0, back.At(2, 1))
	assert.True(t, math.IsNaN(back.At(2, 0)))
	assert.True(t, gonum.ToSymDense(torch.Zeros(torch.Shape{0, 0})).IsEmpty())
}

func TestComplex(t *testing.T) {
	m := mat.NewCDense(2, 3, []complex128{1 + 2i, 3, 4i, 5, 6, -7 - 1i})
	for _, m := range []mat.CMatrix{m, m.H(), m.T()} {
		x := gonum.FromCMatrix(m)
		assert.Equal(t, torch.Complex128, x.DType())
		rows, columns := m.Dims()
		require.Equal(t, []int64{int64(rows), int64(columns)}, x.Shape())
		assert.True(t, mat.CEqual(m, gonum.ToCDense(x)))
		assert.True(t, mat.CEqual(m, gonum.ToCDense(x.To(torch.Complex64))))
	}
	assert.Equal(t, 3+0i, gonum.ToCDense(torch.Full(torch.Shape{1, 1}, 3)).At(0, 0))
}

func TestWhatIsNoMatrix(t *testing.T) {
	closed := torch.Zeros(torch.Shape{2, 2})
	closed.Close()
	square := func(dtype torch.DType) *torch.Tensor { return torch.Zeros(torch.Shape{2, 2}, dtype) }
	for want, f := range map[string]func(){
		"gonum.ToDense: the tensor is [3], wanted [rows, columns]":                   func() { gonum.ToDense(torch.Zeros(torch.Shape{3})) },
		"gonum.ToDense: the tensor is [], wanted [rows, columns]":                    func() { gonum.ToDense(torch.Zeros(nil)) },
		"gonum.ToDense: the tensor is [0 3], which no matrix":                        func() { gonum.ToDense(torch.Zeros(torch.Shape{0, 3})) },
		"gonum.ToDense: the elements are complex64, wanted real ones":                func() { gonum.ToDense(square(torch.Complex64)) },
		"gonum.ToVecDense: the tensor is [2 2], wanted [n]":                          func() { gonum.ToVecDense(square(torch.Float32)) },
		"gonum.ToVecDense: the elements are complex128":                              func() { gonum.ToVecDense(torch.Zeros(torch.Shape{2}, torch.Complex128)) },
		"gonum.ToSymDense: the tensor is [2 3], wanted [n, n]":                       func() { gonum.ToSymDense(torch.Zeros(torch.Shape{2, 3})) },
		"gonum.ToSymDense: the tensor is not symmetric: [0, 1] is 1 and [1, 0] is 2": func() { gonum.ToSymDense(torch.Arange(0, 4, 1).View(torch.Shape{2, 2})) },
		"gonum.ToCDense: the tensor is [1 2 2]":                                      func() { gonum.ToCDense(torch.Zeros(torch.Shape{1, 2, 2})) },
		"gonum.FromMatrix: the matrix is nil":                                        func() { gonum.FromMatrix(nil) },
		"gonum.FromVector: the vector is nil":                                        func() { gonum.FromVector(nil) },
		"gonum.FromCMatrix: the matrix is nil":                                       func() { gonum.FromCMatrix(nil) },
	} {
		err := torch.Try(func() error { f(); return nil })
		assert.ErrorContains(t, err, want)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	err := torch.Try(func() error { gonum.ToDense(closed); return nil })
	assert.ErrorIs(t, err, torch.ErrClosed)
}

func ExampleFromMatrix() {
	m := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	fmt.Println(gonum.FromMatrix(m.T()))
	// Output:
	// tensor([[1., 4.],
	//         [2., 5.],
	//         [3., 6.]], dtype=torch.float64)
}

func ExampleToDense() {
	var inverse mat.Dense
	if err := inverse.Inverse(gonum.ToDense(torch.FromSlice([]float32{2, 0, 0, 4}, torch.Shape{2, 2}))); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mat.Formatted(&inverse))
	// Output:
	// ⎡ 0.5    -0⎤
	// ⎣   0  0.25⎦
}
