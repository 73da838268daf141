package torch_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func closed(x *torch.Tensor) bool {
	return torch.Try(func() error {
		x.Shape()
		return nil
	}) != nil
}

func TestScopeClosesWhatItMadeButWhatItKeeps(t *testing.T) {
	outside := torch.Ones(torch.Shape{1})
	var made, kept, other *torch.Tensor
	torch.Scope(func(scope *torch.TensorScope) {
		made = torch.Ones(torch.Shape{1})
		kept = scope.Keep(torch.Ones(torch.Shape{1}))
		done := make(chan struct{})
		go func() {
			other = torch.Ones(torch.Shape{1})
			close(done)
		}()
		<-done
	})
	assert.True(t, closed(made))
	assert.False(t, closed(kept))
	assert.False(t, closed(outside))
	assert.False(t, closed(other), "another goroutine's tensors are its own")
	after := torch.Ones(torch.Shape{1})
	assert.False(t, closed(after))
}

func TestScopesNest(t *testing.T) {
	var inner, kept *torch.Tensor
	torch.Scope(func(*torch.TensorScope) {
		torch.Scope(func(scope *torch.TensorScope) {
			inner = torch.Ones(torch.Shape{1})
			kept = scope.Keep(torch.Ones(torch.Shape{1}))
		})
		assert.True(t, closed(inner))
		assert.False(t, closed(kept), "the inner scope kept it")
	})
	assert.True(t, closed(kept), "it belonged to the outer scope then")
}

func TestScopeEndsWithAPanic(t *testing.T) {
	var made *torch.Tensor
	assert.Panics(t, func() {
		torch.Scope(func(*torch.TensorScope) {
			made = torch.Ones(torch.Shape{1})
			panic("mine")
		})
	})
	assert.True(t, closed(made))
}

func TestComputeHandsBackErrorsAndWhatItKeeps(t *testing.T) {
	var made, kept *torch.Tensor
	ours := errors.New("ours")
	err := torch.Compute(context.Background(), func(scope *torch.TensorScope) error {
		made = torch.Ones(torch.Shape{1})
		kept = scope.Keep(torch.Ones(torch.Shape{1}))
		return ours
	})
	assert.Equal(t, ours, err)
	assert.True(t, closed(made))
	assert.False(t, closed(kept))
	err = torch.Compute(context.Background(), func(*torch.TensorScope) error {
		torch.Ones(torch.Shape{2, 3}).MatMul(torch.Ones(torch.Shape{2, 3}))
		return nil
	})
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.PanicsWithValue(t, "mine", func() {
		_ = torch.Compute(context.Background(), func(*torch.TensorScope) error { panic("mine") })
	})
}

func TestComputeWaitsForItsTurnNoLongerThanItsContext(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	never := func(*torch.TensorScope) error {
		t.Error("it ran although its context had ended")
		return nil
	}
	assert.ErrorIs(t, torch.Compute(ended, never), context.Canceled)

	// All processors are taken: a second one waits until its context ends.
	before := torch.NumThreads()
	require.NoError(t, torch.SetNumThreads(runtime.NumCPU()))
	defer func() { assert.NoError(t, torch.SetNumThreads(before)) }()
	waiting, giveUp := context.WithCancel(context.Background())
	err := torch.Compute(context.Background(), func(*torch.TensorScope) error {
		inside := torch.Compute(context.Background(), func(*torch.TensorScope) error { return nil })
		assert.NoError(t, inside, "one inside another waits for nothing")
		outcome := make(chan error)
		go func() { outcome <- torch.Compute(waiting, never) }()
		giveUp()
		assert.ErrorIs(t, <-outcome, context.Canceled)
		return nil
	})
	assert.NoError(t, err)
}
