package jit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// BenchmarkCall is what a call of a method costs: a method of next to no computation.
func BenchmarkCall(b *testing.B) {
	module := loadModule(b, "tiny.pt")
	x := torch.Ones(torch.Shape{1, 2})
	for b.Loop() {
		y, err := module.Forward(x)
		require.NoError(b, err)
		y.Close()
	}
}
