package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestHook(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := leaf(device, 1, 2)
		y := x.MulScalar(3)
		var seen []float32
		y.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor {
			seen = gradient.Float32s()
			return nil
		})
		y.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor { return gradient.MulScalar(10) })
		x.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor { return gradient.AddScalar(1) })
		y.Square().Sum().Backward()
		assert.Equal(t, []float32{6, 12}, seen)
		assert.Equal(t, []float32{181, 361}, x.Grad().Float32s())
	})
}

func TestHookRemoved(t *testing.T) {
	x := leaf(torch.CPU, 1)
	calls := 0
	hook := x.RegisterHook(func(*torch.Tensor) *torch.Tensor { calls++; return nil })
	x.Sum().Backward()
	hook.Remove()
	hook.Remove()
	x.Sum().Backward()
	assert.Equal(t, 1, calls)

	// A hook on what is gone lives on in the graph.
	y := x.MulScalar(2)
	hook = y.RegisterHook(func(*torch.Tensor) *torch.Tensor { calls++; return nil })
	z := y.Sum()
	y.Close()
	torch.Backward([]*torch.Tensor{z}, torch.BackwardOptions{RetainGraph: true})
	assert.Equal(t, 2, calls)
	hook.Remove()
	z.Backward()
	assert.Equal(t, 2, calls)
}

func TestHookRemovesItself(t *testing.T) {
	noCallbacksLeft(t)
	x := leaf(torch.CPU, 1)
	calls := 0
	var hook *torch.Hook
	hook = x.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor {
		calls++
		hook.Remove()
		return gradient.MulScalar(2)
	})
	x.Sum().Backward()
	x.Sum().Backward()
	assert.Equal(t, 1, calls)
	assert.Equal(t, []float32{3}, x.Grad().Float32s())
	assert.Zero(t, torch.LiveCallbacks())
}

func TestHooksLeaveNothingBehind(t *testing.T) {
	noCallbacksLeft(t)
	torch.Scope(func(*torch.TensorScope) {
		x := leaf(torch.CPU, 1)
		for range 1000 {
			y := x.MulScalar(2)
			y.RegisterHook(func(*torch.Tensor) *torch.Tensor { return nil })
			y.Backward()
		}
		x.RegisterHook(func(*torch.Tensor) *torch.Tensor { return nil })
	})
	assert.Zero(t, torch.LiveCallbacks())
}

func TestHookFailures(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	assert.ErrorIs(t, failure(t, func() { x.RegisterHook(nil) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() {
		torch.Ones(torch.Shape{1}).RegisterHook(func(g *torch.Tensor) *torch.Tensor { return g })
	}), torch.ErrInvalid, "needs no gradient")
	for want, hook := range map[string]func(*torch.Tensor) *torch.Tensor{
		"torch: Backward: a hook: MatMul: ": func(g *torch.Tensor) *torch.Tensor { return g.MatMul(torch.Ones(torch.Shape{3, 4})) },
		"changed the size":                  func(g *torch.Tensor) *torch.Tensor { return torch.Ones(torch.Shape{3}) },
	} {
		registered := x.RegisterHook(hook)
		assert.ErrorContains(t, failure(t, func() { x.Sum().Backward() }), want)
		registered.Remove()
	}
	panics := x.RegisterHook(func(g *torch.Tensor) *torch.Tensor { panic("mine") })
	assert.Panics(t, func() { x.Sum().Backward() })
	panics.Remove()
	x.Sum().Backward()
	assert.Equal(t, []float32{1, 1}, x.Grad().Float32s())
}

func TestHooksAgreeWithPyTorch(t *testing.T) {
	var want map[string][]float32
	autogradReference(t, "hooks", &want)
	x := leaf(torch.CPU, 1, 2, 3)
	y := x.MulScalar(3)
	y.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor { return gradient.MulScalar(10) })
	y.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor { return gradient.AddScalar(1) })
	x.RegisterHook(func(gradient *torch.Tensor) *torch.Tensor { return gradient.Square() })
	y.RetainGrad()
	y.Square().Sum().Backward()
	assert.Equal(t, want["x"], x.Grad().Float32s())
	assert.Equal(t, want["y"], y.Grad().Float32s())
}
