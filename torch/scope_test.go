package torch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func closed(x *torch.Tensor) bool {
	return torch.Try(func() error {
		x.Shape()
		return nil
	}) != nil
}

func TestScopeClosesWhatItMadeButWhatItKeeps(t *testing.T) {
	outside := torch.Ones([]int64{1})
	var made, kept, other *torch.Tensor
	torch.Scope(func(scope *torch.TensorScope) {
		made = torch.Ones([]int64{1})
		kept = scope.Keep(torch.Ones([]int64{1}))
		done := make(chan struct{})
		go func() {
			other = torch.Ones([]int64{1})
			close(done)
		}()
		<-done
	})
	assert.True(t, closed(made))
	assert.False(t, closed(kept))
	assert.False(t, closed(outside))
	assert.False(t, closed(other), "another goroutine's tensors are its own")
	after := torch.Ones([]int64{1})
	assert.False(t, closed(after))
}

func TestScopesNest(t *testing.T) {
	var inner, kept *torch.Tensor
	torch.Scope(func(*torch.TensorScope) {
		torch.Scope(func(scope *torch.TensorScope) {
			inner = torch.Ones([]int64{1})
			kept = scope.Keep(torch.Ones([]int64{1}))
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
			made = torch.Ones([]int64{1})
			panic("mine")
		})
	})
	assert.True(t, closed(made))
}
