package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

// foreachCase is a function over lists and what it does with each tensor.
type foreachCase struct {
	list func(x, y, z []*torch.Tensor) []*torch.Tensor
	one  func(x, y, z *torch.Tensor) *torch.Tensor
}

// inPlace is a function that hands nothing back, as one that hands back its first list.
func inPlace(f func(x, y, z []*torch.Tensor)) func(x, y, z []*torch.Tensor) []*torch.Tensor {
	return func(x, y, z []*torch.Tensor) []*torch.Tensor {
		f(x, y, z)
		return x
	}
}

type list = []*torch.Tensor

var foreachCases = map[string]foreachCase{
	"ForeachNorm": {func(x, _, _ list) list { return torch.ForeachNorm(x, 2) },
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.VectorNorm(2, nil, false) }},
	"ForeachAbs": {func(x, _, _ list) list { return torch.ForeachAbs(x) },
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.Abs() }},
	"ForeachNeg": {func(x, _, _ list) list { return torch.ForeachNeg(x) },
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.Neg() }},
	"ForeachSqrt": {func(_, _, z list) list { return torch.ForeachSqrt(z) },
		func(_, _, z *torch.Tensor) *torch.Tensor { return z.Sqrt() }},
	"ForeachAdd": {func(x, y, _ list) list { return torch.ForeachAdd(x, y, 0.5) },
		func(x, y, _ *torch.Tensor) *torch.Tensor { return x.AddScaled(y, 0.5) }},
	"ForeachAddCMul": {func(x, y, z list) list { return torch.ForeachAddCMul(x, y, z, -2) },
		func(x, y, z *torch.Tensor) *torch.Tensor { return x.AddCMul(y, z, -2) }},
	"ForeachNegInPlace": {inPlace(func(x, _, _ list) { torch.ForeachNegInPlace(x) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.Neg() }},
	"ForeachSqrtInPlace": {func(_, _, z list) list { torch.ForeachSqrtInPlace(z); return z },
		func(_, _, z *torch.Tensor) *torch.Tensor { return z.Sqrt() }},
	"ForeachReciprocalInPlace": {func(_, _, z list) list { torch.ForeachReciprocalInPlace(z); return z },
		func(_, _, z *torch.Tensor) *torch.Tensor { return z.Reciprocal() }},
	"ForeachZeroInPlace": {inPlace(func(x, _, _ list) { torch.ForeachZeroInPlace(x) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.ZerosLike() }},
	"ForeachCopyInPlace": {inPlace(func(x, y, _ list) { torch.ForeachCopyInPlace(x, y, false) }),
		func(_, y, _ *torch.Tensor) *torch.Tensor { return y.Clone() }},
	"FlattenDenseTensors": {func(x, y, _ list) list { return torch.UnflattenDenseTensors(torch.FlattenDenseTensors(x), y) },
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.Clone() }},
	"ForeachAddInPlace": {inPlace(func(x, y, _ list) { torch.ForeachAddInPlace(x, y, 0.5) }),
		func(x, y, _ *torch.Tensor) *torch.Tensor { return x.AddScaled(y, 0.5) }},
	"ForeachAddScalarInPlace": {inPlace(func(x, _, _ list) { torch.ForeachAddScalarInPlace(x, 3) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.AddScalar(3) }},
	"ForeachAddTensorInPlace": {inPlace(func(x, _, _ list) {
		torch.ForeachAddTensorInPlace(x, torch.Scalar(3, x[0].Device()), 2)
	}), func(x, _, _ *torch.Tensor) *torch.Tensor { return x.AddScalar(6) }},
	"ForeachMulScalarInPlace": {inPlace(func(x, _, _ list) { torch.ForeachMulScalarInPlace(x, -2) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.MulScalar(-2) }},
	"ForeachMulTensorInPlace": {inPlace(func(x, _, _ list) {
		torch.ForeachMulTensorInPlace(x, torch.Scalar(-2, x[0].Device()))
	}), func(x, _, _ *torch.Tensor) *torch.Tensor { return x.MulScalar(-2) }},
	"ForeachLerpInPlace": {inPlace(func(x, y, _ list) { torch.ForeachLerpInPlace(x, y, 0.25) }),
		func(x, y, _ *torch.Tensor) *torch.Tensor { return x.Lerp(y, 0.25) }},
	"ForeachMaximumInPlace": {inPlace(func(x, y, _ list) { torch.ForeachMaximumInPlace(x, y) }),
		func(x, y, _ *torch.Tensor) *torch.Tensor { return x.Maximum(y) }},
	"ForeachClampMinInPlace": {inPlace(func(x, _, _ list) { torch.ForeachClampMinInPlace(x, -0.5) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.ClampMin(-0.5) }},
	"ForeachClampMaxInPlace": {inPlace(func(x, _, _ list) { torch.ForeachClampMaxInPlace(x, 0.5) }),
		func(x, _, _ *torch.Tensor) *torch.Tensor { return x.ClampMax(0.5) }},
	"ForeachAddCMulInPlace": {inPlace(func(x, y, z list) { torch.ForeachAddCMulInPlace(x, y, z, -2) }),
		func(x, y, z *torch.Tensor) *torch.Tensor { return x.AddCMul(y, z, -2) }},
	"ForeachAddCDivInPlace": {inPlace(func(x, y, z list) { torch.ForeachAddCDivInPlace(x, y, z, -2) }),
		func(x, y, z *torch.Tensor) *torch.Tensor { return x.AddCDiv(y, z, -2) }},
}

// TestForeach: a function over a list does with each tensor what the method of one tensor does.
func TestForeach(t *testing.T) {
	shapes := []torch.Shape{{3, 2}, {}, {4}}
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		generator, err := torch.NewGenerator(torch.CPU, 1)
		assert.NoError(t, err)
		for name, c := range foreachCases {
			t.Run(name, func(t *testing.T) {
				var x, y, z, want list
				for _, shape := range shapes {
					x = append(x, torch.RandN(shape, generator).To(device))
					y = append(y, torch.RandN(shape, generator).To(device))
					z = append(z, torch.Rand(shape, generator).AddScalar(0.5).To(device))
					want = append(want, c.one(x[len(x)-1], y[len(y)-1], z[len(z)-1]))
				}
				got := c.list(x, y, z)
				for i := range want {
					assert.Equal(t, want[i].Shape(), got[i].Shape())
					assert.InDeltaSlice(t, torch.ToSlice[float32](want[i]), torch.ToSlice[float32](got[i]), 1e-6)
				}
			})
		}
	})
}
