package torch_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

type encodedTensor struct {
	DType string
	Shape []int64
	Data  []float64
}

func (e encodedTensor) tensor(t *testing.T) *torch.Tensor {
	dtype, err := torch.ParseDType(e.DType)
	require.NoError(t, err)
	return torch.FromSlice(e.Data, e.Shape).To(dtype)
}

type indexingCase struct {
	Shape      []int64
	DType      string
	Transposed bool
	Index      []json.RawMessage
	Value      json.RawMessage
	Result     *encodedTensor
	Gradient   []float64
	View       bool
	Error      string
}

func indexFrom(t *testing.T, raw json.RawMessage) any {
	switch string(raw) {
	case `"ellipsis"`:
		return torch.Ellipsis
	case `"newaxis"`:
		return torch.NewAxis
	}
	var index struct {
		Int    *int
		Bool   *bool
		Range  []*int64
		List   []int
		Mask   []bool
		Tensor *encodedTensor
	}
	require.NoError(t, json.Unmarshal(raw, &index))
	switch {
	case index.Int != nil:
		return *index.Int
	case index.Bool != nil:
		return *index.Bool
	case index.Range != nil:
		ends := []int64{0, torch.End, 1}
		for i, given := range index.Range {
			if given != nil {
				ends[i] = *given
			}
		}
		if slices.Equal(ends, []int64{0, torch.End, 1}) {
			return torch.All
		}
		return torch.Range(ends[0], ends[1], ends[2])
	case index.Tensor != nil:
		return index.Tensor.tensor(t)
	case index.Mask != nil:
		return index.Mask
	}
	return index.List
}

func valueFrom(t *testing.T, raw json.RawMessage) any {
	var value any
	require.NoError(t, json.Unmarshal(raw, &value))
	switch v := value.(type) {
	case float64:
		if v == math.Trunc(v) {
			return int(v)
		}
	case map[string]any:
		var encoded encodedTensor
		require.NoError(t, json.Unmarshal(raw, &encoded))
		return encoded.tensor(t)
	}
	return value
}

func (c indexingCase) tensor(t *testing.T) *torch.Tensor {
	dtype, err := torch.ParseDType(c.DType)
	require.NoError(t, err)
	count := int64(1)
	for _, size := range c.Shape {
		count *= size
	}
	return torch.Arange(0, count, 1).View(c.Shape).To(dtype)
}

func (c indexingCase) String() string {
	return fmt.Sprintf("%s%v transposed=%t %s = %s", c.DType, c.Shape, c.Transposed, c.Index, c.Value)
}

// isView reports whether writing to what is read changes the tensor.
func (c indexingCase) isView(t *testing.T) bool {
	x := c.tensor(t)
	read := x
	if c.Transposed {
		read = x.Transpose(0, 1)
	}
	indices := make([]any, len(c.Index))
	for i, raw := range c.Index {
		indices[i] = indexFrom(t, raw)
	}
	before := x.Clone()
	read.At(indices...).FillInPlace(-1)
	return !x.Equal(before)
}

// run makes the result, and of what was read its gradient.
func (c indexingCase) run(t *testing.T) (result *torch.Tensor, gradient []float64) {
	x := c.tensor(t)
	leaf := x
	if c.Transposed {
		x = x.Transpose(0, 1)
	}
	indices := make([]any, len(c.Index))
	for i, raw := range c.Index {
		indices[i] = indexFrom(t, raw)
	}
	if c.Value != nil {
		return x.SetAt(valueFrom(t, c.Value), indices...), nil
	}
	if c.Gradient == nil {
		return x.At(indices...), nil
	}
	leaf.SetRequiresGrad(true)
	if c.Transposed {
		x = leaf.Transpose(0, 1)
	}
	result = x.At(indices...)
	weights := make([]float64, result.NumElements())
	for i := range weights {
		weights[i] = float64((5*i)%7-3) / 4
	}
	result.Mul(torch.FromSlice(weights, result.Shape()).To(result.DType())).Sum().Backward()
	given := leaf.Grad()
	if c.Transposed { // the reference's leaf is the transposed tensor
		given = given.Transpose(0, 1)
	}
	return result, torch.ToSlice[float64](given.To(torch.Float64))
}

// misplacesMasks reports whether libtorch takes a mask of several dimensions as an index of one where
// other indices follow, as 2.7 does.
func misplacesMasks() bool { return strings.HasPrefix(torch.Version(), "2.7.") }

func TestIndexesAsPython(t *testing.T) {
	file, err := os.Open("testdata/indexing.json.gz")
	require.NoError(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	var cases []indexingCase
	require.NoError(t, json.NewDecoder(unpacked).Decode(&cases))
	require.Greater(t, len(cases), 2000)

	for i, c := range cases {
		torch.Scope(func(*torch.TensorScope) {
			var result *torch.Tensor
			var gradient []float64
			err := torch.Try(func() error {
				result, gradient = c.run(t)
				return nil
			})
			if c.Error != "" {
				assert.ErrorIs(t, err, torch.ErrInvalid, "case %d: %v: Python raised %s", i, c, c.Error)
				return
			}
			if misplacesMasks() && err != nil && strings.Contains(err.Error(), "The shape of the mask") {
				return
			}
			if !assert.NoError(t, err, "case %d: %v", i, c) {
				return
			}
			assert.Equal(t, c.Result.DType, result.DType().String(), "case %d: %v", i, c)
			assert.Equal(t, c.Result.Shape, result.Shape(), "case %d: %v", i, c)
			assert.Equal(t, c.Result.Data, torch.ToSlice[float64](result.To(torch.Float64)), "case %d: %v", i, c)
			if c.Gradient != nil {
				assert.Equal(t, c.Gradient, gradient, "case %d: %v", i, c)
			}
			if c.Value == nil && result.NumElements() > 0 {
				assert.Equal(t, c.View, c.isView(t), "case %d: %v", i, c)
			}
		})
	}
}

func TestNumbersAndRangesMakeViews(t *testing.T) {
	x := torch.Zeros(torch.Shape{3, 4})
	x.At(1, torch.Range(0, torch.End, 2)).FillInPlace(5)
	assert.Equal(t, []float32{0, 0, 0, 0, 5, 0, 5, 0, 0, 0, 0, 0}, torch.ToSlice[float32](x))
	x.At().FillInPlace(1)
	assert.Equal(t, 12.0, x.Sum().Item(), "an empty index is all of it")

	x.At([]int{0}).FillInPlace(9)
	x.At(x.Gt(torch.Scalar(0))).FillInPlace(9)
	assert.Equal(t, 12.0, x.Sum().Item(), "tensors and slices make copies")
}

func TestAtTakesEveryWholeNumber(t *testing.T) {
	type named uint8
	x := torch.Arange(0, 5, 1)
	for _, index := range []any{
		3, int8(3), int16(3), int32(3), int64(3), uint(3), uint8(3), uint16(3), uint32(3), uint64(3), named(3), -2,
	} {
		assert.Equal(t, int64(3), x.At(index).ItemInt64(), "%T", index)
	}
}

func TestSetAtTakesEveryNumber(t *testing.T) {
	type named float32
	x := torch.Zeros(torch.Shape{2})
	for _, value := range []any{3, uint8(3), int64(3), 3.0, float32(3), named(3)} {
		assert.Equal(t, []float32{0, 3}, torch.ToSlice[float32](x.SetAt(value, 1)), "%T", value)
		x.SetAt(false)
	}
	z := torch.Zeros(torch.Shape{2}, torch.Complex64)
	assert.Equal(t, []complex64{0, 1 - 2i}, torch.ToSlice[complex64](z.SetAt(1-2i, 1)))
	assert.Equal(t, []bool{true, false}, torch.ToSlice[bool](torch.Zeros(torch.Shape{2}, torch.Bool).SetAt(true, 0)))
}

func TestSetAtIsDifferentiable(t *testing.T) {
	x := torch.Ones(torch.Shape{3}).SetRequiresGrad(true)
	value := torch.Scalar(4).SetRequiresGrad(true)
	x.MulScalar(2).SetAt(value, torch.Range(1, torch.End)).Square().Sum().Backward()
	assert.Equal(t, []float32{8, 0, 0}, x.Grad().Float32s())
	assert.Equal(t, 16.0, value.Grad().Item())

	failed := failure(t, func() { x.SetAt(1, 0) })
	assert.ErrorIs(t, failed, torch.ErrInvalid, "a leaf that requires a gradient is not written to")
}

func TestIndexingOnEachDevice(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Arange(0, 12, 1, device).View(torch.Shape{3, 4})
		mask := x.Gt(torch.FromSlice([]int64{6}, nil, device))
		assert.Equal(t, []int64{7, 8, 9, 10, 11}, torch.ToSlice[int64](x.At(mask)))
		assert.Equal(t, []int64{2, 10}, torch.ToSlice[int64](x.At([]int{0, -1}, 2)))
		x.SetAt(-1, mask).SetAt(torch.Arange(0, 4, 1, device), 0).SetAt(50, []bool{false, true, false}, 0)
		assert.Equal(t, []int64{0, 1, 2, 3, 50, 5, 6, -1, -1, -1, -1, -1}, torch.ToSlice[int64](x))
	})
}

func TestIndexingSaysWhatIsWrong(t *testing.T) {
	x := torch.Zeros(torch.Shape{3, 4})
	closed := torch.Zeros(torch.Shape{3})
	closed.Close()
	for want, f := range map[string]func(){
		"torch: At: index 1 is a string, wanted a whole number": func() { x.At(0, "1") },
		"torch: At: index 0 is a float64, wanted":               func() { x.At(1.0) },
		"torch: At: index 1 is nil: All stands for":             func() { x.At(0, nil) },
		"torch: At: index 0 is a nil tensor":                    func() { x.At((*torch.Tensor)(nil)) },
		"torch: At: index 0 is an empty Index":                  func() { x.At(torch.Index{}) },
		"torch: At: the tensor is closed":                       func() { x.At(0, closed) },
		"torch: At: there is more than one ellipsis":            func() { x.At(torch.Ellipsis, torch.Ellipsis, 0) },
		"torch: At: index 3 is out of bounds for dimension 0":   func() { x.At(3) },
		"torch: At: too many indices for tensor of dimension 2": func() { x.At(0, 0, 0) },
		"torch: Range: the step is -1, wanted 1 or more; Flip":  func() { torch.Range(0, 3, -1) },
		"torch: Range: there are 2 steps, wanted at most 1":     func() { torch.Range(0, 3, 1, 1) },
		"torch: SetAt: the value is a string, wanted a tensor":  func() { x.SetAt("1", 0) },
		"torch: SetAt: the value is nil, wanted a tensor":       func() { x.SetAt(nil, 0) },
		"torch: SetAt: the tensor is nil":                       func() { x.SetAt((*torch.Tensor)(nil), 0) },
	} {
		assert.ErrorContains(t, failure(t, f), want)
	}
	assert.Equal(t, 0.0, x.Sum().Item())
}
