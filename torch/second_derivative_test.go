package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// smooth are scalar functions of a float64 vector of 4, with a second derivative everywhere.
var smooth = map[string]func(x *torch.Tensor) *torch.Tensor{
	"polynomial": func(x *torch.Tensor) *torch.Tensor { return x.PowScalar(4).Sum().Add(x.Prod()) },
	"softmax":    func(x *torch.Tensor) *torch.Tensor { return x.Softmax(0).Square().Sum().Log() },
	"sines":      func(x *torch.Tensor) *torch.Tensor { return x.Sin().Mul(x.Flip([]int64{0}).Exp()).Sum() },
	"quadratic form": func(x *torch.Tensor) *torch.Tensor {
		m := torch.Arange(0, 16, 1, torch.Float64).Reshape(torch.Shape{4, 4}).DivScalar(10)
		return m.MatMul(x).Tanh().Dot(x)
	},
	"convolution": func(x *torch.Tensor) *torch.Tensor {
		weight := torch.FromSlice([]float64{0.5, -1}, torch.Shape{1, 1, 2})
		return x.Reshape(torch.Shape{1, 1, 4}).Conv1d(weight, nil, torch.ConvOptions{}).Sigmoid().Norm(2)
	},
	"custom function": func(x *torch.Tensor) *torch.Tensor { return cube.Apply(x.Sin())[0].Sum() },
}

func gradient(f func(*torch.Tensor) *torch.Tensor, at []float64) []float64 {
	x := torch.FromSlice(at, nil).SetRequiresGrad(true)
	return torch.ToSlice[float64](torch.Gradients([]*torch.Tensor{f(x)}, []*torch.Tensor{x}, torch.BackwardOptions{})[0])
}

// TestSecondDerivatives compares derivatives of recorded gradients with central differences of
// gradients, whose error is some 1e-9 here: the step's square, and 1e-16 over the step.
func TestSecondDerivatives(t *testing.T) {
	const step, bound = 1e-5, 1e-8
	at := []float64{0.3, -0.7, 1.1, 0.2}
	direction := []float64{1, 2, -1, 0.5}
	for name, f := range smooth {
		t.Run(name, func(t *testing.T) {
			var hessian [4][4]float64
			for j := range at {
				ahead, behind := append([]float64{}, at...), append([]float64{}, at...)
				ahead[j] += step
				behind[j] -= step
				up, down := gradient(f, ahead), gradient(f, behind)
				for i := range at {
					hessian[i][j] = (up[i] - down[i]) / (2 * step)
				}
			}
			x := torch.FromSlice(at, nil).SetRequiresGrad(true)
			first := torch.Gradients([]*torch.Tensor{f(x)}, []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})[0]
			require.True(t, first.RequiresGrad())
			for i := range at {
				row := torch.Gradients([]*torch.Tensor{first.Select(0, int64(i))}, []*torch.Tensor{x}, torch.BackwardOptions{RetainGraph: true})[0]
				assert.InDeltaSlice(t, hessian[i][:], torch.ToSlice[float64](row), bound)
			}

			// A Hessian-vector product without the Hessian, and by a given gradient.
			v := torch.FromSlice(direction, nil)
			byDot := torch.Gradients([]*torch.Tensor{first.Dot(v)}, []*torch.Tensor{x}, torch.BackwardOptions{RetainGraph: true})[0]
			byVector := torch.Gradients([]*torch.Tensor{first}, []*torch.Tensor{x}, torch.BackwardOptions{Gradients: []*torch.Tensor{v}})[0]
			product := make([]float64, 4)
			for i := range at {
				for j := range at {
					product[i] += hessian[i][j] * direction[j]
				}
			}
			assert.InDeltaSlice(t, product, torch.ToSlice[float64](byDot), 10*bound)
			assert.InDeltaSlice(t, product, torch.ToSlice[float64](byVector), 10*bound)
			assert.Nil(t, x.Grad())
		})
	}
}
