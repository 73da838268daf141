package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestCopyInPlace(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Zeros(torch.Shape{2, 3}, device)
		assert.Same(t, x, x.CopyInPlace(torch.FromSlice([]float32{1, 2, 3, 4, 5, 6}, torch.Shape{2, 3})))
		assert.Equal(t, []float32{1, 2, 3, 4, 5, 6}, x.Float32s())
		x.CopyInPlace(torch.FromSlice([]int64{7, 8, 9}, nil, device), torch.NonBlocking)
		assert.Equal(t, []float32{7, 8, 9, 7, 8, 9}, x.Float32s(), "broadcast and converted")
		failed := failure(t, func() { x.CopyInPlace(torch.Zeros(torch.Shape{4}, device)) })
		assert.ErrorIs(t, failed, torch.ErrInvalid)
		assert.Equal(t, "CopyInPlace", failed.Operation)
	})
}

func TestCopyFrom(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Zeros(torch.Shape{3, 2}, device)
		assert.Same(t, x, torch.CopyFromSlice(x, []float32{1, 2, 3, 4, 5, 6}))
		assert.Equal(t, []float32{1, 2, 3, 4, 5, 6}, x.Float32s())
		torch.CopyFromSlice(x.T(), []float32{1, 2, 3, 4, 5, 6})
		assert.Equal(t, []float32{1, 4, 2, 5, 3, 6}, x.Float32s(), "through a view")
		torch.CopyFromSlice(torch.Empty(torch.Shape{0}, device), []float32{})
		assert.ErrorIs(t, failure(t, func() { torch.CopyFromSlice(x, []float32{1}) }), torch.ErrInvalid)
		assert.ErrorIs(t, failure(t, func() { torch.CopyFromSlice(x, []int32{1, 2, 3, 4, 5, 6}) }), torch.ErrInvalid)
		leaf := torch.Zeros(torch.Shape{1}, device).SetRequiresGrad(true)
		assert.ErrorIs(t, failure(t, func() { torch.CopyFromSlice(leaf, []float32{1}) }), torch.ErrInvalid)
	})
}

func TestNonBlockingCopiesOnTheCPUAreOrdinary(t *testing.T) {
	x := torch.FromSlice([]float32{1, 2}, nil)
	assert.Equal(t, []float64{1, 2}, torch.ToSlice[float64](x.To(torch.Float64, torch.CPU, torch.NonBlocking)))
	assert.ErrorIs(t, failure(t, func() { x.To(torch.Pinned) }), torch.ErrInvalid)
	assert.False(t, x.IsPinned())
}
