package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// withoutArithmetic are held, moved and converted.
var withoutArithmetic = []torch.DType{torch.Uint16, torch.Uint32, torch.Uint64, torch.Float8E5M2, torch.Float8E4M3FN,
	torch.Float8E5M2FNUZ, torch.Float8E4M3FNUZ, torch.Float8E8M0FNU}

func TestTypesWithoutArithmetic(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, dtype := range withoutArithmetic {
			t.Run(dtype.String(), func(t *testing.T) {
				x := torch.FromSlice([]float32{1, 2, 4, 8}, nil, device).To(dtype)
				assert.Equal(t, dtype, x.DType())
				assert.Equal(t, []float32{1, 2, 4, 8}, x.Float32s())
				assert.Equal(t, []float32{4, 8}, x.At(torch.Range(2, torch.End)).Clone().Float32s())
				assert.Equal(t, []float32{1, 1}, torch.Ones(torch.Shape{2}, dtype, device).Float32s())
				assert.Equal(t, []float32{1, 2, 4, 8, 1, 2, 4, 8}, torch.Cat([]*torch.Tensor{x, x}, 0).Float32s())
				err := torch.Try(func() error { x.Add(x); return nil })
				require.ErrorIs(t, err, torch.ErrNotImplemented)
				assert.NotContains(t, err.Error(), "\n")
			})
		}
	})
}

func TestTypesThatAreOnlyHeld(t *testing.T) {
	bytes := torch.FromSlice([]uint8{1, 2, 3, 4}, torch.Shape{2, 2})
	for _, dtype := range []torch.DType{torch.Float4E2M1FNX2, torch.Bits1x8, torch.Bits2x4, torch.Bits4x2, torch.Bits8,
		torch.Bits16, torch.Uint1, torch.Uint2, torch.Uint3, torch.Uint4, torch.Uint5, torch.Uint6, torch.Uint7,
		torch.Int1, torch.Int2, torch.Int3, torch.Int4, torch.Int5, torch.Int6, torch.Int7} {
		if !dtype.IsAvailable() {
			continue // an older libtorch
		}
		x := bytes.ViewDType(dtype)
		assert.Equal(t, dtype, x.DType())
		assert.Equal(t, bytes.NumElements(), x.NumElements()*dtype.ItemSize(), dtype)
		assert.Equal(t, []uint8{1, 2, 3, 4}, torch.ToSlice[uint8](x.ViewDType(torch.Uint8)), dtype)
		assert.NotContains(t, x.String(), "cannot", dtype)
		err := torch.Try(func() error { x.To(torch.Float32); return nil })
		assert.ErrorIs(t, err, torch.ErrNotImplemented, dtype)
	}
	assert.Equal(t, "tensor([[ 513],\n        [1027]], dtype=torch.bits16)", bytes.ViewDType(torch.Bits16).String())
}

func TestNoQuantizedTensors(t *testing.T) {
	for _, dtype := range []torch.DType{torch.QInt8, torch.QUint8, torch.QInt32, torch.QUint4x2, torch.QUint2x4} {
		failed := failure(t, func() { torch.Empty(torch.Shape{2}, dtype) })
		assert.ErrorIs(t, failed, torch.ErrNotImplemented)
		assert.Contains(t, failed.Message, dtype.String())
		failed = failure(t, func() { torch.Ones(torch.Shape{2}).To(dtype) })
		assert.ErrorIs(t, failed, torch.ErrNotImplemented)
	}
}

func TestUnsignedSlices(t *testing.T) {
	roundTrip(t, []uint16{0, 1, 1 << 15, 1<<16 - 1})
	roundTrip(t, []uint32{0, 1, 1 << 31, 1<<32 - 1})
	roundTrip(t, []uint64{0, 1, 1 << 63, 1<<64 - 1})
}

// TestViewDType: bytes stay where they are.
func TestViewDType(t *testing.T) {
	x := torch.FromSlice([]float32{1, 2}, nil)
	bits := x.ViewDType(torch.Int32)
	assert.Equal(t, []int32{0x3f800000, 0x40000000}, torch.ToSlice[int32](bits))
	bits.FillInPlace(0)
	assert.Equal(t, []float32{0, 0}, torch.ToSlice[float32](x))
	assert.Equal(t, torch.Shape{8}, x.ViewDType(torch.Uint8).Shape())
	failed := failure(t, func() { torch.Zeros(torch.Shape{3}, torch.Uint8).ViewDType(torch.Float32) })
	assert.ErrorIs(t, failed, torch.ErrInvalid)
}
