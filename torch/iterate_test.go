package torch_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestRowsAreViews(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Arange(0, 6, 1, device).View(torch.Shape{3, 2})
		var kept []*torch.Tensor
		for i, row := range x.Rows() {
			assert.Equal(t, []int64{2 * i, 2*i + 1}, torch.ToSlice[int64](row))
			kept = append(kept, row)
		}
		assert.Len(t, kept, 3)
		kept[1].FillInPlace(9)
		assert.Equal(t, []int64{0, 1, 9, 9, 4, 5}, torch.ToSlice[int64](x))

		for i, row := range x.Rows() {
			row.Close()
			if i == 1 {
				break
			}
			assert.Zero(t, i)
		}
	})
	for range torch.Zeros(torch.Shape{0, 2}).Rows() {
		t.Error("there is no row")
	}
	x := torch.Ones(torch.Shape{2}).SetRequiresGrad(true)
	for i, element := range x.Rows() {
		element.MulScalar(float64(i + 2)).Backward()
	}
	assert.Equal(t, []float32{2, 3}, x.Grad().Float32s())
	assert.ErrorContains(t, failure(t, func() { torch.Scalar(1).Rows() }), "torch: Rows: the tensor has no dimensions")
}

func TestElements(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		const count = 150_000 // more than are copied at a time
		x := torch.Arange(0, count, 1, torch.Int32, device)
		next := int64(0)
		for i, value := range torch.Elements[int32](x) {
			if i != next || int64(value) != i {
				t.Fatalf("element %d is %d, after element %d", i, value, next-1)
			}
			next++
		}
		assert.Equal(t, int64(count), next)

		var transposed []int32
		for _, value := range torch.Elements[int32](x.Narrow(0, 0, 6).View(torch.Shape{2, 3}).T()) {
			transposed = append(transposed, value)
		}
		assert.Equal(t, []int32{0, 3, 1, 4, 2, 5}, transposed)
	})
	for range torch.Elements[float32](torch.Zeros(torch.Shape{0})) {
		t.Error("there is no element")
	}
	for i, value := range torch.Elements[float32](torch.Scalar(3).SetRequiresGrad(true)) {
		assert.Zero(t, i)
		assert.Equal(t, float32(3), value)
	}
	assert.ErrorContains(t, failure(t, func() { torch.Elements[int64](torch.Scalar(1)) }),
		"torch: Elements: the tensor's elements are float32, not int64")
}

func TestRowsOfSlices(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		rows := [][]float64{{1, 2, 3}, {4, 5, 6}}
		x := torch.FromRows(rows, device)
		assert.Equal(t, device, x.Device())
		assert.Equal(t, torch.Float64, x.DType())
		assert.Equal(t, []int64{2, 3}, x.Shape())
		assert.Equal(t, rows, torch.ToRows[float64](x))
		assert.Equal(t, [][]float64{{1, 4}, {2, 5}, {3, 6}}, torch.ToRows[float64](x.T()))
	})
	assert.Equal(t, []int64{0, 0}, torch.FromRows[float32](nil).Shape())
	assert.Equal(t, []int64{2, 0}, torch.FromRows([][]bool{{}, {}}).Shape())
	assert.Equal(t, [][]bool{{}, {}}, torch.ToRows[bool](torch.Zeros(torch.Shape{2, 0}, torch.Bool)))

	row := torch.ToRows[float32](torch.Zeros(torch.Shape{2, 2}))
	_ = append(row[0], 9)
	assert.Equal(t, []float32{0, 0}, row[1], "appending to a row leaves the next one alone")

	assert.ErrorContains(t, failure(t, func() { torch.FromRows([][]int64{{1, 2}, {3}}) }),
		"torch: FromRows: row 1 has 1 element and row 0 has 2")
	assert.ErrorContains(t, failure(t, func() { torch.ToRows[float32](torch.Zeros(torch.Shape{3})) }),
		"torch: ToRows: the tensor is [3], wanted [rows, columns]")
}

func ExampleTensor_Rows() {
	x := torch.FromRows([][]float32{{1, 2}, {3, 4}})
	for i, row := range x.Rows() {
		fmt.Println(i, row, row.Sum().Item())
	}
	// Output:
	// 0 tensor([1., 2.]) 3
	// 1 tensor([3., 4.]) 7
}

func ExampleElements() {
	x := torch.FromSlice([]float32{0.5, -1, 2}, nil)
	for i, value := range torch.Elements[float32](x) {
		if value < 0 {
			fmt.Println("element", i, "is", value)
			break
		}
	}
	// Output: element 1 is -1
}

func ExampleFromRows() {
	x := torch.FromRows([][]float32{{1, 2, 3}, {4, 5, 6}})
	fmt.Println(x)
	fmt.Println(torch.ToRows[float32](x.T()))
	// Output:
	// tensor([[1., 2., 3.],
	//         [4., 5., 6.]])
	// [[1 4] [2 5] [3 6]]
}
