package optim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// TestLBFGSFindsAMinimum: of a quadratic of two tensors and a valley, to the tolerance.
func TestLBFGSFindsAMinimum(t *testing.T) {
	x := torch.FromSlice([]float32{3, -2, 1, 7}, torch.Shape{2, 2}).SetRequiresGrad(true)
	y := torch.FromSlice([]float32{4}, nil).SetRequiresGrad(true)
	unused := torch.FromSlice([]float32{5}, nil).SetRequiresGrad(true)
	optimizer, err := optim.LBFGS([]*torch.Tensor{x, y, unused}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) { o.StrongWolfe = true }))
	require.NoError(t, err)
	defer optimizer.Close()
	weights := torch.FromSlice([]float32{1, 10, 0.1, 3}, torch.Shape{2, 2})
	calls := 0
	closure := func() *torch.Tensor {
		calls++
		assert.True(t, torch.GradEnabled())
		optimizer.ZeroGrad()
		loss := x.SubScalar(1).Square().Mul(weights).Sum().Add(y.Mul(y).Sum())
		loss.Backward()
		return loss
	}
	first := optimizer.Step(closure)
	assert.InDelta(t, 4+90+0+108+16, first, 1e-3, "the loss before the step")
	for range 3 {
		optimizer.Step(closure)
	}
	assert.Less(t, closure().Item(), 1e-8)
	assert.Equal(t, 5.0, unused.Item())
	state := optimizer.StateDict().Get("state").(*torch.Dict).Get(0).(*torch.Dict)
	assert.EqualValues(t, calls-1, state.Get("func_evals"))
}

// TestLBFGSClosureThatFails: its panic goes on through Step as it was, the parameters are where
// they were tried from, and the optimizer works on.
func TestLBFGSClosureThatFails(t *testing.T) {
	for _, wolfe := range []bool{false, true} {
		x := parameter(3)
		optimizer, err := optim.LBFGS([]*torch.Tensor{x}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) { o.LearningRate = 0.1; o.StrongWolfe = wolfe }))
		require.NoError(t, err)
		defer optimizer.Close()
		good := func() *torch.Tensor {
			optimizer.ZeroGrad()
			loss := x.Square().Sum()
			loss.Backward()
			return loss
		}
		failAt := 2
		fail := errors.New("no loss today")
		assert.PanicsWithError(t, fail.Error(), func() {
			optimizer.Step(func() *torch.Tensor {
				if failAt--; failAt == 0 {
					panic(fail)
				}
				return good()
			})
		})
		assert.True(t, torch.GradEnabled())
		if wolfe {
			assert.Equal(t, 3.0, x.Item())
		}
		assert.Zero(t, optimizer.StateDict().Get("state").(*torch.Dict).Len())
		for range 5 {
			optimizer.Step(good)
		}
		assert.Less(t, good().Item(), 1.0)
	}
}

// TestLBFGSTensorsOfTheClosure belong to the caller, as those of any function do.
func TestLBFGSTensorsOfTheClosure(t *testing.T) {
	x := parameter(3)
	optimizer, err := optim.LBFGS([]*torch.Tensor{x}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) { o.LearningRate = 0.1 }))
	require.NoError(t, err)
	defer optimizer.Close()
	var losses []*torch.Tensor
	closure := func() *torch.Tensor {
		optimizer.ZeroGrad()
		loss := x.Square().Sum()
		loss.Backward()
		losses = append(losses, loss)
		return loss
	}
	optimizer.Step(closure)
	require.NotEmpty(t, losses)
	assert.Equal(t, 9.0, losses[0].Item())
	losses = nil
	torch.Scope(func(*torch.TensorScope) { optimizer.Step(closure) })
	require.NotEmpty(t, losses)
	assert.ErrorIs(t, failure(t, func() { losses[0].Item() }), torch.ErrClosed)
}

// TestLBFGSHoldsNoMoreThanItsHistory: what a step made and does not keep is freed at its end.
func TestLBFGSHoldsNoMoreThanItsHistory(t *testing.T) {
	const elements = 1 << 16
	x := torch.Ones(torch.Shape{elements}, torch.Float64).SetRequiresGrad(true)
	optimizer, err := optim.LBFGS([]*torch.Tensor{x}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) { o.LearningRate = 0.01; o.HistorySize = 3; o.ToleranceChange = 1e-30 }))
	require.NoError(t, err)
	step := func() {
		torch.Scope(func(*torch.TensorScope) {
			optimizer.Step(func() *torch.Tensor {
				optimizer.ZeroGrad()
				loss := x.Square().Mul(x.Square()).Sum()
				loss.Backward()
				return loss
			})
		})
	}
	before := torch.NativeBytes()
	for range 5 {
		step()
	}
	// A direction, a gradient, and two tensors for each of the history's three.
	const largest = 8*8*elements + 1<<16
	assert.LessOrEqual(t, torch.NativeBytes()-before, int64(largest))
	optimizer.Close()
	assert.LessOrEqual(t, torch.NativeBytes()-before, int64(1<<16))
}

func TestLBFGSMisuse(t *testing.T) {
	x := parameter(1.5)
	_, err := optim.LBFGS(nil, optim.DefaultLBFGS())
	assert.ErrorContains(t, err, "group 0 has no parameters")
	_, err = optim.LBFGS([]*torch.Tensor{x, x.Alias()}, optim.DefaultLBFGS())
	assert.ErrorContains(t, err, "parameter 1 of group 0 is the same tensor")
	_, err = optim.LBFGS([]*torch.Tensor{x}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) { o.LearningRate = -1 }))
	assert.ErrorContains(t, err, "the learning rate is -1")
	_, err = optim.LBFGS([]*torch.Tensor{torch.Zeros(torch.Shape{1}, torch.Complex64).SetRequiresGrad(true)}, optim.DefaultLBFGS())
	assert.ErrorContains(t, err, "complex64, and LBFGS is for real ones")

	optimizer, err := optim.LBFGS([]*torch.Tensor{x}, optim.DefaultLBFGS())
	require.NoError(t, err)
	assert.ErrorIs(t, failure(t, func() { optimizer.Step(nil) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { optimizer.Step(func() *torch.Tensor { return nil }) }), torch.ErrInvalid)
	within := func() *torch.Tensor {
		optimizer.Step(func() *torch.Tensor { return x })
		return x
	}
	assert.ErrorContains(t, failure(t, func() { optimizer.Step(within) }), "the optimizer is in a step")
	closing := func() *torch.Tensor {
		optimizer.Close()
		return x
	}
	assert.ErrorContains(t, failure(t, func() { optimizer.Step(closing) }), "the optimizer is in a step")

	for range 2 {
		optimizer.Step(func() *torch.Tensor {
			optimizer.ZeroGrad()
			loss := x.Square().Square().Sum()
			loss.Backward()
			return loss
		})
	}
	before := optimizer.StateDict()
	change := func(key string, value any) *torch.Dict {
		state := optimizer.StateDict()
		state.Get("state").(*torch.Dict).Get(0).(*torch.Dict).Set(key, value)
		return state
	}
	for with, state := range map[string]*torch.Dict{
		"prev_flat_grad is missing or None": change("prev_flat_grad", nil),
		`"prev_flat_grad" of the state`:     change("prev_flat_grad", torch.Ones(torch.Shape{2})),
		"old_dirs has 0 items":              change("old_dirs", []any{}),
		"ro is 3, no list":                  change("ro", int64(3)),
		"n_iter is 1.5, no whole number":    change("n_iter", 1.5),
		"no list \"param_groups\"":          torch.NewDict(),
		"group 0 of the state: lr is fast":  fast(optimizer.StateDict()),
	} {
		assert.ErrorContains(t, optimizer.LoadStateDict(state), with)
		sameState(t, with, before, optimizer.StateDict(), 1e-15)
	}
	optimizer.Close()
	optimizer.Close()
	assert.ErrorIs(t, failure(t, func() { optimizer.Step(func() *torch.Tensor { return x }) }), torch.ErrClosed)
	assert.ErrorIs(t, failure(t, optimizer.ZeroGrad), torch.ErrClosed)
	assert.ErrorIs(t, optimizer.LoadStateDict(before), torch.ErrClosed)
}

func fast(state *torch.Dict) *torch.Dict {
	state.Get("param_groups").([]any)[0].(*torch.Dict).Set("lr", "fast")
	return state
}
