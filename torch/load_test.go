package torch_test

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// residentGrowth is by how many bytes the process grows while work is called rounds times. Before,
// it is called half as often: up to 32 MiB of tensors that nobody refers to lie between two
// collections, and the C library's reserve takes its size from that.
func residentGrowth(t *testing.T, rounds int, work func()) int64 {
	for range rounds / 2 {
		work()
	}
	before := testkit.ResidentBytes(t)
	for range rounds {
		work()
	}
	return testkit.ResidentBytes(t) - before
}

// flat is what may come and go between two looks at the process.
const flat = 128 << 20

func TestAMillionOperatorsWithoutClose(t *testing.T) {
	x, y := torch.Ones(torch.Shape{8}), torch.Ones(torch.Shape{8})
	assert.Less(t, residentGrowth(t, 1_000_000, func() { x.Add(y) }), int64(flat))
}

func TestALoopInOneScopeIsBounded(t *testing.T) {
	x, y := torch.Ones(torch.Shape{1 << 10}), torch.Ones(torch.Shape{1 << 10})
	torch.Scope(func(*torch.TensorScope) {
		// 1.6 GiB in all.
		assert.Less(t, residentGrowth(t, 400_000, func() { x.Add(y) }), int64(flat))
	})
}

func TestSixtyFourGoroutinesWithoutClose(t *testing.T) {
	const goroutines, rounds = 64, 1_000
	w := torch.RandN(torch.Shape{32, 32})
	x := torch.RandN(torch.Shape{32, 32})
	want := torch.ToSlice[float32](x.MatMul(w).Tanh().Sum())
	together := func() {
		var group sync.WaitGroup
		for i := range goroutines {
			group.Go(func() {
				for range rounds {
					y := x.MatMul(w)
					switch i % 3 {
					case 0: // left to the collector
						y = y.Tanh()
					case 1:
						before := y
						y = y.Tanh()
						before.Close()
					case 2:
						before := y
						torch.Scope(func(scope *torch.TensorScope) { y = scope.Keep(before.Tanh()) })
					}
					if got := torch.ToSlice[float32](y.Sum()); got[0] != want[0] {
						assert.Equal(t, want, got)
						return
					}
				}
			})
		}
		group.Wait()
	}
	// 7 GiB in all. The C library keeps a reserve for each of several threads.
	assert.Less(t, residentGrowth(t, 8, together), int64(3*flat))
}

// TestThreadsAreBounded: goroutines that run a model need no thread each.
func TestThreadsAreBounded(t *testing.T) {
	module := loadModule(t, "values.pt")
	x := torch.Ones(torch.Shape{1 << 18})
	testkit.CheckThreadsAreBounded(t, func() {
		for range 3 {
			y, err := module.Forward(x)
			if assert.NoError(t, err) {
				y.Close()
			}
		}
	})
}

// mustBeClosedOrFine runs f, which uses a tensor that is being closed.
func mustBeClosedOrFine(t *testing.T, f func()) {
	err := torch.Try(func() error {
		f()
		return nil
	})
	if err != nil {
		assert.ErrorIs(t, err, torch.ErrClosed)
	}
}

func TestCloseDuringUse(t *testing.T) {
	for range 2_000 {
		x := torch.Ones(torch.Shape{256})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				mustBeClosedOrFine(t, func() { assert.Equal(t, 256.0, x.Sum().Item()) })
				mustBeClosedOrFine(t, func() { torch.Cat([]*torch.Tensor{x, x}, 0) })
			})
		}
		group.Go(x.Close)
		group.Go(x.Close)
		group.Wait()
		err := torch.Try(func() error {
			x.Sum()
			return nil
		})
		var failure *torch.Error
		require.True(t, errors.As(err, &failure))
		require.ErrorIs(t, err, torch.ErrClosed)
	}
}

func TestKeepFromAScopeInside(t *testing.T) {
	var kept, lost *torch.Tensor
	torch.Scope(func(outer *torch.TensorScope) {
		torch.Scope(func(*torch.TensorScope) {
			lost = torch.Ones(torch.Shape{1})
			kept = outer.Keep(torch.Ones(torch.Shape{1}))
		})
		assert.True(t, closed(lost))
	})
	assert.False(t, closed(kept), "the outer scope kept it")
}

func TestKeepAfterManyOthers(t *testing.T) {
	var kept, forgotten *torch.Tensor
	torch.Scope(func(scope *torch.TensorScope) {
		first, second := torch.Ones(torch.Shape{1}), torch.Ones(torch.Shape{1})
		for range 2_000 {
			torch.Ones(torch.Shape{1})
		}
		kept, forgotten = scope.Keep(first), second
	})
	assert.False(t, closed(kept))
	assert.True(t, closed(forgotten))
}

// loadModule is one of the TorchScript modules that package jit is tested with.
func loadModule(t testing.TB, name string) *jit.Module {
	module, err := jit.Load(filepath.Join("jit", "testdata", "modules", name))
	require.NoError(t, err)
	return module
}
