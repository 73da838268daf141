package torch_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func leaf(device torch.Device, values ...float32) *torch.Tensor {
	return torch.FromSlice(values, nil, device).SetRequiresGrad(true)
}

func TestBackward(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := leaf(device, 1, 2, 3)
		assert.True(t, x.IsLeaf() && x.RequiresGrad())
		assert.Nil(t, x.Grad())
		y := x.Square().Sum()
		assert.False(t, y.IsLeaf())
		y.Backward()
		assert.Equal(t, []float32{2, 4, 6}, x.Grad().Float32s())
		x.Square().Sum().Backward()
		assert.Equal(t, []float32{4, 8, 12}, x.Grad().Float32s(), "gradients add up")
		x.SetGrad(nil)
		assert.Nil(t, x.Grad())
		x.SetGrad(torch.Ones(torch.Shape{3}, device))
		assert.Equal(t, []float32{1, 1, 1}, x.Grad().Float32s())
	})
}

func TestBackwardWithGradients(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	y := x.Square()
	torch.Backward([]*torch.Tensor{y}, torch.BackwardOptions{
		Gradients: []*torch.Tensor{torch.FromSlice([]float32{10, 1}, nil)}, RetainGraph: true,
	})
	assert.Equal(t, []float32{20, 4}, x.Grad().Float32s())
	y.Sum().Backward()
	assert.Equal(t, []float32{22, 8}, x.Grad().Float32s())
}

func TestGradientsLeaveLeavesAlone(t *testing.T) {
	x, unused := leaf(torch.CPU, 3), leaf(torch.CPU, 1)
	cube := x.PowScalar(3).Sum()
	first := torch.Gradients([]*torch.Tensor{cube}, []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})
	assert.Equal(t, []float32{27}, first[0].Float32s())
	second := torch.Gradients([]*torch.Tensor{first[0].Sum()}, []*torch.Tensor{x, unused},
		torch.BackwardOptions{AllowUnused: true})
	assert.Equal(t, []float32{18}, second[0].Float32s())
	assert.Nil(t, second[1])
	assert.Nil(t, x.Grad())
}

func TestAutogradMisuse(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	assert.ErrorIs(t, failure(t, func() { x.Square().Backward() }), torch.ErrInvalid, "not one element")
	assert.ErrorIs(t, failure(t, func() { torch.Ones(torch.Shape{1}).Backward() }), torch.ErrInvalid, "nothing recorded")
	assert.ErrorContains(t, failure(t, func() { x.SetGrad(torch.Ones(torch.Shape{5})) }), "shape")
	assert.ErrorContains(t, failure(t, func() { x.SetGrad(torch.Ones(torch.Shape{2}, torch.Float64)) }), "dtype")
	assert.ErrorIs(t, failure(t, func() { torch.Ones(torch.Shape{1}, torch.Int64).SetRequiresGrad(true) }), torch.ErrInvalid)
	loss := x.Square().Sum()
	loss.Backward()
	assert.ErrorIs(t, failure(t, func() { loss.Backward() }), torch.ErrInvalid, "the graph is gone")
	assert.ErrorIs(t, failure(t, func() {
		torch.Backward([]*torch.Tensor{x.Sum()}, torch.BackwardOptions{Gradients: []*torch.Tensor{nil, nil}})
	}), torch.ErrInvalid)
}

func TestModesHoldForTheirFunctionAndGoroutine(t *testing.T) {
	x := leaf(torch.CPU, 1)
	assert.True(t, torch.GradEnabled())
	torch.NoGrad(func() {
		assert.False(t, torch.GradEnabled())
		assert.False(t, x.Square().RequiresGrad())
		torch.EnableGrad(func() { assert.True(t, x.Square().RequiresGrad()) })
		assert.False(t, torch.GradEnabled())
		done := make(chan bool)
		go func() { done <- torch.GradEnabled() }()
		assert.True(t, <-done, "another goroutine has its own mode")
	})
	torch.InferenceMode(func() { assert.False(t, x.Square().RequiresGrad()) })
	assert.Panics(t, func() { torch.NoGrad(func() { panic("mine") }) })
	assert.True(t, torch.GradEnabled())

	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			torch.NoGrad(func() { assert.False(t, x.Square().RequiresGrad()) })
			assert.True(t, x.Square().RequiresGrad())
		})
	}
	group.Wait()
}

func TestDetach(t *testing.T) {
	x := leaf(torch.CPU, 2)
	assert.False(t, x.Square().Detach().RequiresGrad())

	y := x.Square()
	assert.Equal(t, "PowBackward0", y.GradFunction())
	assert.Same(t, y, y.DetachInPlace())
	assert.True(t, y.IsLeaf())
	assert.False(t, y.RequiresGrad())
	assert.Empty(t, y.GradFunction())
	assert.ErrorIs(t, failure(t, func() { x.MulScalar(2).View(torch.Shape{1, 1}).DetachInPlace() }), torch.ErrInvalid, "a view")
}

func TestRetainGrad(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	y := x.MulScalar(3)
	assert.False(t, y.RetainsGrad())
	assert.Same(t, y, y.RetainGrad())
	assert.True(t, y.RetainsGrad())
	y.Square().Sum().Backward()
	assert.Equal(t, []float32{6, 12}, y.Grad().Float32s())
	assert.Equal(t, []float32{18, 36}, x.Grad().Float32s())
	assert.ErrorIs(t, failure(t, func() { torch.Ones(torch.Shape{1}).RetainGrad() }), torch.ErrInvalid)
}

func TestGradientsOfSeveralOutputs(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	middle := x.MulScalar(2)
	gradients := torch.Gradients([]*torch.Tensor{middle.Sum(), middle.Square()}, []*torch.Tensor{middle, x},
		torch.BackwardOptions{Gradients: []*torch.Tensor{nil, torch.FromSlice([]float32{1, 10}, nil)}})
	assert.Equal(t, []float32{5, 81}, gradients[0].Float32s(), "an input that is no leaf")
	assert.Equal(t, []float32{10, 162}, gradients[1].Float32s())
}

func TestUnusedInputs(t *testing.T) {
	x, unused := leaf(torch.CPU, 1), leaf(torch.CPU, 1)
	err := failure(t, func() {
		torch.Gradients([]*torch.Tensor{x.Square()}, []*torch.Tensor{unused}, torch.BackwardOptions{})
	})
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() {
		torch.Gradients([]*torch.Tensor{x.Square()}, []*torch.Tensor{torch.Ones(torch.Shape{1})}, torch.BackwardOptions{AllowUnused: true})
	}), torch.ErrInvalid, "an input without gradient")
}

func TestDetectAnomaly(t *testing.T) {
	assert.False(t, torch.DetectAnomaly(), "off at start")
	require.NoError(t, torch.SetDetectAnomaly(true))
	defer func() { assert.NoError(t, torch.SetDetectAnomaly(false)) }()
	assert.True(t, torch.DetectAnomaly())
	x := leaf(torch.CPU, -1)
	assert.ErrorContains(t, failure(t, func() { x.Sqrt().Backward() }), "SqrtBackward0")
	nan := passing("Careless", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
		return []*torch.Tensor{g[0].MulScalar(-1).Log()}
	})
	assert.ErrorContains(t, failure(t, func() { nan.Apply(x)[0].Backward() }), "CarelessBackward")
	require.NoError(t, torch.SetDetectAnomaly(false))
	x.Sqrt().Backward()
}
