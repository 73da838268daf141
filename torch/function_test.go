package torch_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

// noCallbacksLeft: once the garbage is collected, nothing is kept for C++.
func noCallbacksLeft(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		runtime.GC()
		return torch.LiveCallbacks() == 0
	}, 30*time.Second, 10*time.Millisecond)
}

// cube is x³, with a derivative made of differentiable operators.
var cube = torch.Function{
	Name: "Cube",
	Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
		ctx.SaveForBackward(inputs[0])
		return []*torch.Tensor{inputs[0].Mul(inputs[0]).Mul(inputs[0])}
	},
	Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
		x := ctx.SavedTensors()[0]
		return []*torch.Tensor{gradients[0].Mul(x.Square()).MulScalar(3)}
	},
}

// passing is the identity with the given Backward.
func passing(name string, backward func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor) torch.Function {
	return torch.Function{
		Name: name,
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{inputs[0].Clone()}
		},
		Backward: backward,
	}
}

func TestFunction(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := leaf(device, 1, 2, -3)
		y := cube.Apply(x)[0]
		assert.Equal(t, []float32{1, 8, -27}, y.Float32s())
		assert.Equal(t, "CubeBackward", y.GradFunction())
		assert.True(t, y.RequiresGrad())
		y.MulScalar(2).Sum().Backward()
		assert.Equal(t, []float32{6, 24, 54}, x.Grad().Float32s())
		assert.Equal(t, []float32{1, 8, -27}, y.Float32s(), "the output is the caller's")
	})
}

func TestFunctionHasASecondDerivative(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := leaf(device, 2)
		y := cube.Apply(x)[0]
		for _, want := range []float32{12, 12, 6} {
			y = torch.Gradients([]*torch.Tensor{y}, []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})[0]
			assert.Equal(t, []float32{want}, y.Float32s())
		}
	})
}

func TestGradModeInsideAFunction(t *testing.T) {
	x := leaf(torch.CPU, 1)
	var forward, backward bool
	f := torch.Function{
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			forward = torch.GradEnabled()
			return []*torch.Tensor{inputs[0].MulScalar(2)}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			backward = torch.GradEnabled()
			return []*torch.Tensor{gradients[0].MulScalar(2)}
		},
	}
	f.Apply(x)[0].Backward()
	assert.False(t, forward)
	assert.False(t, backward)
	torch.Gradients(f.Apply(x), []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})
	assert.False(t, forward)
	assert.True(t, backward, "as create_graph says")
	assert.True(t, torch.GradEnabled())
	torch.NoGrad(func() {
		y := f.Apply(x)[0]
		assert.False(t, y.RequiresGrad())
		assert.Empty(t, y.GradFunction())
	})
	torch.InferenceMode(func() { assert.Equal(t, []float32{2}, f.Apply(x)[0].Float32s()) })
}

func TestFunctionOfSeveral(t *testing.T) {
	// The product and the larger one's index of two inputs, with an absent third.
	f := torch.Function{
		Name: "Pair",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			a, b := inputs[0], inputs[1]
			assert.Nil(t, inputs[2])
			assert.True(t, ctx.NeedsInputGrad(0))
			assert.False(t, ctx.NeedsInputGrad(1))
			assert.False(t, ctx.NeedsInputGrad(2))
			larger := b.Gt(a)
			ctx.SaveForBackward(b, nil)
			ctx.MarkNonDifferentiable(larger)
			ctx.Data = "left by Forward"
			return []*torch.Tensor{a.Mul(b), larger, nil}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			assert.Equal(t, "left by Forward", ctx.Data)
			assert.True(t, ctx.NeedsInputGrad(0))
			assert.False(t, ctx.NeedsInputGrad(1))
			assert.Len(t, gradients, 3)
			assert.Equal(t, []int64{2}, gradients[1].Shape())
			assert.Nil(t, gradients[2])
			saved := ctx.SavedTensors()
			assert.Nil(t, saved[1])
			return []*torch.Tensor{gradients[0].Mul(saved[0]), nil, nil}
		},
	}
	a := leaf(torch.CPU, 2, 3)
	outputs := f.Apply(a, torch.FromSlice([]float32{5, 1}, nil), nil)
	require.Len(t, outputs, 3)
	assert.True(t, outputs[0].RequiresGrad())
	assert.False(t, outputs[1].RequiresGrad())
	assert.Nil(t, outputs[2])
	outputs[0].Sum().Backward()
	assert.Equal(t, []float32{5, 1}, a.Grad().Float32s())
}

func TestUnusedOutputsHaveZeroOrNilGradients(t *testing.T) {
	for _, materialize := range []bool{true, false} {
		x := leaf(torch.CPU, 1, 2)
		var second []float32
		f := torch.Function{
			Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
				ctx.SetMaterializeGrads(materialize)
				return []*torch.Tensor{inputs[0].Clone(), inputs[0].MulScalar(2)}
			},
			Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
				if gradients[1] != nil {
					second = gradients[1].Float32s()
				}
				return []*torch.Tensor{gradients[0]}
			},
		}
		f.Apply(x)[0].Sum().Backward()
		if materialize {
			assert.Equal(t, []float32{0, 0}, second)
		} else {
			assert.Nil(t, second)
		}
		assert.Equal(t, []float32{1, 1}, x.Grad().Float32s())
	}
}

func TestNilGradientIsNoGradient(t *testing.T) {
	x := leaf(torch.CPU, 1)
	stop := passing("Stop", func(*torch.FunctionContext, []*torch.Tensor) []*torch.Tensor { return []*torch.Tensor{nil} })
	stop.Apply(x)[0].Backward()
	assert.Nil(t, x.Grad())
	gradients := torch.Gradients(stop.Apply(x), []*torch.Tensor{x}, torch.BackwardOptions{AllowUnused: true})
	assert.Nil(t, gradients[0])
}

func TestBackwardIsAskedForWhatThePassNeeds(t *testing.T) {
	var needed [2]bool
	f := torch.Function{
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{inputs[0].Add(inputs[1])}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			needed = [2]bool{ctx.NeedsInputGrad(0), ctx.NeedsInputGrad(1)}
			return []*torch.Tensor{gradients[0], gradients[0]}
		},
	}
	a, b := leaf(torch.CPU, 1), leaf(torch.CPU, 2)
	torch.Gradients(f.Apply(a, b), []*torch.Tensor{b}, torch.BackwardOptions{})
	assert.Equal(t, [2]bool{false, true}, needed)
}

func TestFunctionOnAnInputInPlace(t *testing.T) {
	double := torch.Function{
		Name: "DoubleInPlace",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			ctx.MarkDirty(inputs[0])
			return []*torch.Tensor{inputs[0].MulScalarInPlace(2)}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{gradients[0].MulScalar(2)}
		},
	}
	x := leaf(torch.CPU, 1, 2)
	y := x.MulScalar(3)
	z := double.Apply(y)[0]
	assert.Equal(t, []float32{6, 12}, y.Float32s(), "y is z")
	assert.Equal(t, "DoubleInPlaceBackward", y.GradFunction())
	z.Sum().Backward()
	assert.Equal(t, []float32{6, 6}, x.Grad().Float32s())
	assert.ErrorIs(t, failure(t, func() { double.Apply(x) }), torch.ErrInvalid, "a leaf")
}

func TestInputAsOutput(t *testing.T) {
	identity := torch.Function{
		Name: "Identity",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			return inputs
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{gradients[0].Neg()}
		},
	}
	x := leaf(torch.CPU, 1)
	y := identity.Apply(x)[0]
	assert.True(t, x.IsLeaf())
	y.Backward()
	assert.Equal(t, []float32{-1}, x.Grad().Float32s())
	y.Close()
	assert.Equal(t, []float32{1}, x.Float32s())
	torch.NoGrad(func() { identity.Apply(x)[0].Close() })
	assert.Equal(t, []float32{1}, x.Float32s())
}

func TestSavedTensorsAreChecked(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	doubled := x.MulScalar(2)
	y := cube.Apply(doubled)[0]
	doubled.AddScalarInPlace(1)
	err := failure(t, func() { y.Sum().Backward() })
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, "the backward of Cube: SavedTensors")
	assert.ErrorContains(t, err, "modified by an inplace operation")

	y = cube.Apply(x)[0].Sum()
	y.Backward()
	assert.ErrorContains(t, failure(t, func() { y.Backward() }), "second time")
	y = cube.Apply(x)[0].Sum()
	torch.Backward([]*torch.Tensor{y}, torch.BackwardOptions{RetainGraph: true})
	y.Backward()
}

func TestSavedOutput(t *testing.T) {
	noCallbacksLeft(t)
	exp := torch.Function{
		Name: "Exp",
		Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
			y := inputs[0].Exp()
			ctx.SaveForBackward(y)
			return []*torch.Tensor{y}
		},
		Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{gradients[0].Mul(ctx.SavedTensors()[0])}
		},
	}
	x := leaf(torch.CPU, 0)
	torch.Scope(func(*torch.TensorScope) {
		y := exp.Apply(x)[0]
		for range 3 { // each derivative of e^x is e^x
			y = torch.Gradients([]*torch.Tensor{y}, []*torch.Tensor{x}, torch.BackwardOptions{CreateGraph: true})[0]
			assert.Equal(t, []float32{1}, y.Float32s())
		}
	})
	assert.Zero(t, torch.LiveCallbacks(), "saving an output makes no cycle")
}

func TestErrorsInBackwardNameTheFunction(t *testing.T) {
	x := leaf(torch.CPU, 1, 2)
	closed := torch.Ones(torch.Shape{2})
	closed.Close()
	for name, c := range map[string]struct {
		kind     error
		message  string
		backward func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor
	}{
		"operator": {torch.ErrInvalid, "the backward of Wrong: MatMul: ", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{g[0].MatMul(torch.Ones(torch.Shape{3, 4}))}
		}},
		"closed tensor": {torch.ErrClosed, "the backward of Wrong: Neg: ", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{closed.Neg()}
		}},
		"too few": {torch.ErrInvalid, "the backward of Wrong: it returned 0 gradients for 1 input", func(*torch.FunctionContext, []*torch.Tensor) []*torch.Tensor {
			return nil
		}},
		"wrong shape": {torch.ErrInvalid, "WrongBackward returned an invalid gradient at index 0", func(*torch.FunctionContext, []*torch.Tensor) []*torch.Tensor {
			return []*torch.Tensor{torch.Ones(torch.Shape{5})}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := failure(t, func() { passing("Wrong", c.backward).Apply(x)[0].Sum().Backward() })
			assert.ErrorIs(t, err, c.kind)
			assert.ErrorContains(t, err, "torch: Backward: ")
			assert.ErrorContains(t, err, c.message)
		})
	}
	assert.Nil(t, x.Grad())
}

func TestPanicInBackwardComesOutOfBackward(t *testing.T) {
	x := leaf(torch.CPU, 1)
	mine := errors.New("mine")
	for range 100 {
		y := passing("Bad", func(*torch.FunctionContext, []*torch.Tensor) []*torch.Tensor { panic(mine) }).Apply(x)[0]
		func() {
			defer func() {
				failure, ok := recover().(*torch.CallbackPanic)
				require.True(t, ok)
				assert.Equal(t, mine, failure.Value)
				assert.ErrorIs(t, failure, mine)
				assert.Equal(t, "the backward of Bad", failure.Name)
				assert.Contains(t, string(failure.Stack), "TestPanicInBackwardComesOutOfBackward")
				assert.Contains(t, failure.Error(), "torch: panic in the backward of Bad: mine")
			}()
			torch.Gradients([]*torch.Tensor{y}, []*torch.Tensor{x}, torch.BackwardOptions{})
		}()
		y.Close()
	}
	assert.Panics(t, func() {
		passing("Nil", func(*torch.FunctionContext, []*torch.Tensor) []*torch.Tensor {
			var none *torch.FunctionContext
			return none.SavedTensors()
		}).Apply(x)[0].Backward()
	})
	cube.Apply(x)[0].Backward() // the thread's state is in order
	assert.Equal(t, []float32{3}, x.Grad().Float32s())
	noCallbacksLeft(t)
}

func TestPanicInForward(t *testing.T) {
	f := cube
	f.Forward = func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor { panic("mine") }
	assert.PanicsWithValue(t, "mine", func() { f.Apply(leaf(torch.CPU, 1)) })
	assert.True(t, torch.GradEnabled())
}

func TestFunctionMisuse(t *testing.T) {
	x := leaf(torch.CPU, 1)
	kept := &torch.FunctionContext{}
	f := cube
	f.Forward = func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
		kept = ctx
		ctx.SavedTensors()
		return nil
	}
	for name, misuse := range map[string]func(){
		"no functions":            func() { torch.Function{}.Apply(x) },
		"saved tensors too early": func() { f.Apply(x) },
		"context after its end": func() {
			g := passing("Kept", func(ctx *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor { kept = ctx; return g })
			g.Apply(x)[0].Backward()
			kept.SavedTensors()
		},
		"save in backward": func() {
			passing("Saves", func(ctx *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
				ctx.SaveForBackward(g...)
				return g
			}).Apply(x)[0].Backward()
		},
		"dirty but no input": func() {
			g := cube
			g.Forward = func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
				ctx.MarkDirty(torch.Ones(torch.Shape{1}))
				return inputs
			}
			g.Apply(x)
		},
		"not differentiable but no output": func() {
			g := cube
			g.Forward = func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
				ctx.MarkNonDifferentiable(inputs[0])
				return nil
			}
			g.Apply(x)
		},
		"input number": func() {
			passing("Number", func(ctx *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
				ctx.NeedsInputGrad(1)
				return g
			}).Apply(x)[0].Backward()
		},
	} {
		t.Run(name, func(t *testing.T) { assert.ErrorIs(t, failure(t, misuse), torch.ErrInvalid) })
	}
}

// Backward passes nest: libtorch goes over to threads of its own where they are nested deeply, so
// this also calls Go on threads that Go did not make.
func TestBackwardInsideBackward(t *testing.T) {
	const depth = 150
	deepest := 0
	var nested func(level int) torch.Function
	nested = func(level int) torch.Function {
		return passing("Nested", func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
			deepest = max(deepest, level)
			if level == depth {
				return []*torch.Tensor{gradients[0].MulScalar(2)}
			}
			inner := leaf(torch.CPU, 5)
			torch.EnableGrad(func() { nested(level + 1).Apply(inner)[0].Backward() })
			return []*torch.Tensor{gradients[0].Mul(inner.Grad())}
		})
	}
	x := leaf(torch.CPU, 3)
	nested(1).Apply(x)[0].Backward()
	assert.Equal(t, depth, deepest)
	assert.Equal(t, []float32{2}, x.Grad().Float32s())
}

func TestFailureInsideNestedBackward(t *testing.T) {
	x := leaf(torch.CPU, 1)
	inner := passing("Inner", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
		return []*torch.Tensor{g[0].MatMul(torch.Ones(torch.Shape{3, 4}))}
	})
	outer := passing("Outer", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
		torch.EnableGrad(func() { inner.Apply(leaf(torch.CPU, 1))[0].Backward() })
		return g
	})
	err := failure(t, func() { outer.Apply(x)[0].Backward() })
	assert.ErrorContains(t, err, "torch: Backward: the backward of Outer: Backward: the backward of Inner: MatMul: ")
}

func TestFunctionsFromManyGoroutines(t *testing.T) {
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for range 20 {
				x := leaf(torch.CPU, 1, 2)
				cube.Apply(x)[0].Sum().Backward()
				assert.Equal(t, []float32{3, 12}, x.Grad().Float32s())
			}
		})
	}
	group.Wait()

	// The same graph, from several at once.
	x := leaf(torch.CPU, 2)
	y := cube.Apply(x)
	for range 16 {
		group.Go(func() {
			for range 20 {
				gradient := torch.Gradients(y, []*torch.Tensor{x}, torch.BackwardOptions{RetainGraph: true})[0]
				assert.Equal(t, []float32{12}, gradient.Float32s())
			}
		})
	}
	group.Wait()
}

func TestLongChainOfFunctions(t *testing.T) {
	noCallbacksLeft(t)
	x := leaf(torch.CPU, 1)
	torch.Scope(func(*torch.TensorScope) {
		y := x
		for range 20_000 {
			y = passing("Link", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor { return g }).Apply(y)[0]
		}
		y.Backward()
	})
	assert.Equal(t, []float32{1}, x.Grad().Float32s())
	assert.Zero(t, torch.LiveCallbacks())
}

// What a callback makes is closed at its end, whatever scope Backward was called in, and what it
// returns is not.
func TestBackwardRunsInAScopeOfItsOwn(t *testing.T) {
	var made, gradient *torch.Tensor
	f := passing("Makes", func(_ *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
		gradient = gradients[0]
		made = gradients[0].MulScalar(7)
		return []*torch.Tensor{made}
	})
	x := leaf(torch.CPU, 1)
	check := func() {
		assert.True(t, closed(made))
		assert.True(t, closed(gradient))
	}
	f.Apply(x)[0].Backward()
	check()
	torch.Scope(func(*torch.TensorScope) {
		y := f.Apply(x)[0]
		y.Backward()
		check()
		assert.False(t, closed(y), "the scope goes on")
	})
	assert.Equal(t, []float32{14}, x.Grad().Float32s())
}

func TestFunctionsLeaveNothingBehind(t *testing.T) {
	noCallbacksLeft(t)
	x := leaf(torch.CPU, make([]float32, 1000)...)
	var early int64
	rounds := 100_000
	if testing.Short() {
		rounds = 10_000
	}
	for i := range rounds {
		torch.Scope(func(*torch.TensorScope) {
			y := cube.Apply(x)[0]
			if i%10 == 0 {
				torch.Gradients([]*torch.Tensor{y.Sum()}, []*torch.Tensor{x}, torch.BackwardOptions{})
			}
		})
		if i == rounds/10 {
			early = testkit.ResidentBytes(t)
		}
	}
	assert.Zero(t, torch.LiveCallbacks())
	if testkit.Instrumented {
		return
	}
	// Each application has 4 KB of results, and 4 KB in the graph.
	assert.Less(t, testkit.ResidentBytes(t)-early, int64(32<<20))
}

// Without Close and scopes, what applications leave behind goes with the collections.
func TestFunctionsWithoutScopesAreCollected(t *testing.T) {
	noCallbacksLeft(t)
	x := leaf(torch.CPU, make([]float32, 1000)...)
	most := 0
	for range 20_000 {
		cube.Apply(x)
		most = max(most, torch.LiveCallbacks())
	}
	assert.Less(t, most, 20_000, "some were collected on the way")
	noCallbacksLeft(t)
}
