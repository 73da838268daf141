package torch_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestZeroTensors: a tensor that nobody made is a failure like any other, and no crash in C.
func TestZeroTensors(t *testing.T) {
	x := torch.Ones(torch.Shape{2})
	for name, use := range map[string]func(zero *torch.Tensor){
		"shape":  func(zero *torch.Tensor) { zero.Shape() },
		"add":    func(zero *torch.Tensor) { x.Add(zero) },
		"method": func(zero *torch.Tensor) { zero.Add(x) },
		"list":   func(zero *torch.Tensor) { torch.Cat([]*torch.Tensor{x, zero}, 0) },
	} {
		assert.ErrorIs(t, failure(t, func() { use(new(torch.Tensor)) }), torch.ErrClosed, name)
	}
	new(torch.Tensor).Close()
	assert.Equal(t, "tensor(closed)", fmt.Sprint(new(torch.Tensor)))
	assert.ErrorIs(t, failure(t, func() { torch.Rand(torch.Shape{2}, new(torch.Generator)) }), torch.ErrInvalid)
}

func TestArangeOfFloats(t *testing.T) {
	assert.Equal(t, torch.Int64, torch.Arange(0, 3, 1).DType())
	for _, c := range []struct {
		start, end, step torch.Number
		want             []float32
	}{
		{0.5, 3.0, 1, []float32{0.5, 1.5, 2.5}},
		{0, 5, 1.5, []float32{0, 1.5, 3, 4.5}},
		{5, 0, -1.5, []float32{5, 3.5, 2, 0.5}},
		{0, 1, 0.25, []float32{0, 0.25, 0.5, 0.75}},
	} {
		assert.Equal(t, c.want, torch.ToSlice[float32](torch.Arange(c.start, c.end, c.step)))
	}
}

func TestFromSliceConverts(t *testing.T) {
	x := torch.FromSlice([]float32{1.5, -2}, nil, torch.Int64)
	assert.Equal(t, []int64{1, -2}, torch.ToSlice[int64](x))
	assert.Equal(t, torch.Float8E4M3FN, torch.FromSlice([]float32{1}, nil, torch.Float8E4M3FN).DType())
}

func TestFailuresInOurWords(t *testing.T) {
	x := torch.Ones(torch.Shape{1}, torch.Uint16)
	failed := failure(t, func() { x.Add(x) })
	assert.Contains(t, failed.Message, "libtorch does not have it for uint16: convert the tensor first")
	failed = failure(t, func() { torch.Zeros(torch.Shape{1}, torch.Uint8).ViewDType(torch.QUint8) })
	assert.ErrorIs(t, failed, torch.ErrNotImplemented)
	assert.Equal(t, "Zeros", failure(t, func() { torch.Zeros(torch.Shape{-2}) }).Operation)
	assert.Equal(t, float64(1<<63), torch.FromSlice([]uint64{1 << 63}, nil).Item())
}
