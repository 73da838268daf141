package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestJacobiansAgreeWithPyTorch: the functions, inputs and vectors of scripts/reference/reference_autograd.py.
func TestJacobiansAgreeWithPyTorch(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.FromSlice([]float64{0.3, -0.7, 1.1, 0.2}, torch.Shape{2, 2}, device)
		y := torch.FromSlice([]float64{0.5, -1.5}, nil, device).SetRequiresGrad(true)
		inputs := []*torch.Tensor{x, y}
		vectors := []*torch.Tensor{
			torch.FromSlice([]float64{1, 2, -1, 0.5}, torch.Shape{2, 2}, device), torch.FromSlice([]float64{0.25, -2}, nil, device),
		}
		several := func(in []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{in[0].MatMul(in[1]).Tanh(), in[0].Exp().SumDim([]int64{0}, false).Mul(in[0].Prod())}
		}
		one := func(in []*torch.Tensor) *torch.Tensor {
			return in[0].MatMul(in[1]).Sin().Mul(in[1]).Sum().Add(in[0].PowScalar(3).Sum())
		}
		const rounding = 1e-14
		matrices := func(name string, got [][]*torch.Tensor) {
			var want [][][]float64
			autogradReference(t, name, &want)
			assert.Len(t, got, len(want))
			for i := range want {
				assert.Len(t, got[i], len(want[i]))
				for j := range want[i] {
					assert.InDeltaSlice(t, want[i][j], torch.ToSlice[float64](got[i][j]), rounding, "%s %d %d", name, i, j)
					assert.False(t, got[i][j].RequiresGrad())
				}
			}
		}
		vectorsAgree := func(name string, got []*torch.Tensor) {
			var want [][]float64
			autogradReference(t, name, &want)
			assert.Len(t, got, len(want))
			for i := range want {
				assert.InDeltaSlice(t, want[i], torch.ToSlice[float64](got[i]), rounding, "%s %d", name, i)
			}
		}
		jacobian := torch.Jacobian(several, inputs)
		matrices("jacobian", jacobian)
		assert.Equal(t, []int64{2, 2, 2}, jacobian[1][0].Shape())
		matrices("hessian", torch.Hessian(one, inputs))
		vectorsAgree("jvp", torch.JacobianVectorProduct(several, inputs, vectors))
		vectorsAgree("hvp", torch.HessianVectorProduct(one, inputs, vectors))
		assert.False(t, x.RequiresGrad())
		assert.Nil(t, y.Grad())
	})
}

func TestJacobianOfWhatDependsOnNothing(t *testing.T) {
	x := torch.Ones(torch.Shape{3})
	jacobian := torch.Jacobian(func([]*torch.Tensor) []*torch.Tensor {
		return []*torch.Tensor{torch.Ones(torch.Shape{2}), torch.Ones(torch.Shape{0})}
	}, []*torch.Tensor{x})
	assert.Equal(t, make([]float32, 6), jacobian[0][0].Float32s())
	assert.Equal(t, []int64{0, 3}, jacobian[1][0].Shape())
	linear := torch.Hessian(func(in []*torch.Tensor) *torch.Tensor { return in[0].Sum() }, []*torch.Tensor{x})
	assert.Equal(t, make([]float32, 9), linear[0][0].Float32s())
}
