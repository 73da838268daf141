package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func doubles(shape []int64, values ...float64) *torch.Tensor {
	return torch.FromSlice(values, shape).SetRequiresGrad(true)
}

func TestGradcheck(t *testing.T) {
	x := doubles([]int64{2, 2}, 0.3, -0.7, 1.1, 0.2)
	y := doubles([]int64{2}, 0.5, -1.5)
	plain := torch.FromSlice([]float32{2, 3}, nil)
	for name, function := range map[string]func(inputs []*torch.Tensor) []*torch.Tensor{
		"several outputs": func(in []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{in[0].MatMul(in[1]).Tanh(), in[0].Exp().Sum(), in[0].Gt(in[1])}
		},
		"custom function":   func(in []*torch.Tensor) []*torch.Tensor { return cube.Apply(in[0]) },
		"unused input":      func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[1].Sin()} },
		"an input":          func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[1]} },
		"no dimensions":     func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[1].Prod(), nil} },
		"other constants":   func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[1].Mul(in[2])} },
		"a zero beforehand": func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[0].MulScalar(0)} },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, torch.Gradcheck(function, []*torch.Tensor{x, y, plain}, torch.GradcheckOptions{}))
			require.NoError(t, torch.GradGradcheck(function, []*torch.Tensor{x, y, plain}, torch.GradcheckOptions{}))
		})
	}
	assert.Nil(t, x.Grad())
	torch.NoGrad(func() {
		assert.NoError(t, torch.Gradcheck(func(in []*torch.Tensor) []*torch.Tensor { return cube.Apply(in...) }, []*torch.Tensor{x}, torch.GradcheckOptions{}))
	})
}

func TestGradcheckCatchesAWrongBackward(t *testing.T) {
	x := doubles([]int64{2, 2}, 0.3, -0.7, 1.1, 0.2)
	y := doubles([]int64{2}, 0.5, -1.5)
	// x·y, with the gradient in y wrong at its last element.
	wrong := torch.Function{
		Name: "Wrong",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			ctx.SaveForBackward(inputs...)
			return []*torch.Tensor{inputs[0].Sum(), inputs[0].MatMul(inputs[1])}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			saved := ctx.SavedTensors()
			x, y := saved[0], saved[1]
			off := torch.FromSlice([]float64{1, 1.01}, nil)
			return []*torch.Tensor{
				gradients[1].Unsqueeze(1).MatMul(y.Unsqueeze(0)).Add(gradients[0]),
				x.T().MatMul(gradients[1]).Mul(off),
			}
		},
	}
	apply := func(in []*torch.Tensor) []*torch.Tensor { return wrong.Apply(in...) }
	err := torch.Gradcheck(apply, []*torch.Tensor{x, y}, torch.GradcheckOptions{})
	assert.EqualError(t, err, "torch: Gradcheck: output 1, element [0], in input 1, element [1]: "+
		"the derivative is -0.707 by the backward pass, and -0.7 by differences")
	assert.NoError(t, torch.Gradcheck(apply, []*torch.Tensor{x, y}, torch.GradcheckOptions{RelativeTolerance: new(0.1)}))
	assert.NoError(t, torch.Gradcheck(apply, []*torch.Tensor{x, y}, torch.GradcheckOptions{AbsoluteTolerance: new(0.1)}))
	constant := y.Detach()
	assert.NoError(t, torch.Gradcheck(apply, []*torch.Tensor{x, constant}, torch.GradcheckOptions{}))
}

func TestGradGradcheckCatchesAWrongSecondDerivative(t *testing.T) {
	x := doubles([]int64{2}, 0.5, -1.5)
	// The first derivative is right, but made of what is detached.
	detached := torch.Function{
		Name: "Detached",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			ctx.SaveForBackward(inputs[0])
			return []*torch.Tensor{inputs[0].Square()}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{gradients[0].Mul(ctx.SavedTensors()[0].Detach()).MulScalar(2)}
		},
	}
	apply := func(in []*torch.Tensor) []*torch.Tensor { return detached.Apply(in...) }
	assert.NoError(t, torch.Gradcheck(apply, []*torch.Tensor{x}, torch.GradcheckOptions{}))
	assert.ErrorContains(t, torch.GradGradcheck(apply, []*torch.Tensor{x}, torch.GradcheckOptions{}),
		"torch: GradGradcheck: output 0, element [0], in input 0, element [0]: the derivative is 0 by the backward pass")
}

func TestGradcheckOfWhatCannotBeChecked(t *testing.T) {
	x := doubles([]int64{2}, 0.5, -1.5)
	identity := func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[0].Clone()} }
	calls := 0.0
	for want, c := range map[string]struct {
		function func(in []*torch.Tensor) []*torch.Tensor
		input    *torch.Tensor
	}{
		"no input requires a gradient": {identity, torch.Ones(torch.Shape{1}, torch.Float64)},
		"input 0 is float32":           {identity, leaf(torch.CPU, 1)},
		"output 0 is float32":          {func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[0].To(torch.Float32)} }, x},
		"output 0, which requires no gradient, element 0, in input 0, element [0]: the derivative is 0 by": {
			func(in []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{in[0].Detach().Sin()} }, x},
		"MatMul": {func(in []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{in[0].MatMul(torch.Ones(torch.Shape{5}))}
		}, x},
		"and the same again": {func(in []*torch.Tensor) []*torch.Tensor {
			return passing("Drifting", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
				calls++
				return []*torch.Tensor{g[0].AddScalar(1e-9 * calls)}
			}).Apply(in[0])
		}, x},
	} {
		t.Run(want, func(t *testing.T) {
			assert.ErrorContains(t, torch.Gradcheck(c.function, []*torch.Tensor{c.input}, torch.GradcheckOptions{}), want)
		})
	}
}
