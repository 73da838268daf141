package torch

// #include "ctorch/ctorch.h"
import "C"

import "slices"

// A Function is an operation with a derivative of its own: both are written in Go, and the rest of
// the graph does not know the difference. It is PyTorch's torch.autograd.Function.
//
//	// clampPassingGradients is Clamp with the gradient of the identity.
//	func clampPassingGradients(x *torch.Tensor, low, high float64) *torch.Tensor {
//		return torch.Function{
//			Name: "Clamp",
//			Forward: func(ctx *torch.FunctionContext, inputs []*torch.Tensor) []*torch.Tensor {
//				return []*torch.Tensor{inputs[0].Clamp(low, high)}
//			},
//			Backward: func(ctx *torch.FunctionContext, gradients []*torch.Tensor) []*torch.Tensor {
//				return gradients
//			},
//		}.Apply(x)[0]
//	}
//
// Both functions run in a scope of their own: what they make and do not return or save is freed at
// their end, and the tensors that they are given by [FunctionContext] are valid inside only. Inputs
// and what Forward saves belong in [FunctionContext.SaveForBackward]. A Backward that holds on to
// an output by itself, in a variable, keeps the graph from ever being freed.
//
// An [*Error] in Backward becomes the error of the call that began the backward pass, and names
// this function; any other panic comes out of that call as a [*CallbackPanic].
type Function struct {
	// Name is what errors and [Tensor.GradFunction] call the function.
	Name string
	// Forward computes the outputs. Nothing that it does is recorded for gradients.
	Forward func(ctx *FunctionContext, inputs []*Tensor) []*Tensor
	// Backward computes the gradient in each input from those in the outputs, each of its tensor's
	// shape; nil stands for no gradient. It may run on any thread, and on several at once. Where
	// the backward pass is itself recorded (CreateGraph), so is what Backward does: it is
	// differentiated in turn, as long as it is made of differentiable operators.
	//
	// It should return or panic: [runtime.Goexit], which testing's FailNow calls, ends the goroutine
	// that began the backward pass, and what the pass held is never freed.
	Backward func(ctx *FunctionContext, gradients []*Tensor) []*Tensor
}

// A FunctionContext goes from a [Function]'s Forward to its Backward. Each application has its own.
type FunctionContext struct {
	// Data is for what is no tensor: Backward finds here what Forward left.
	Data any

	// These are Forward's alone.
	inputs            []*Tensor
	saved             []*Tensor
	nonDifferentiable []*Tensor
	dirty             []*Tensor
	undefined         bool

	// needed says which inputs need a gradient.
	needed []bool
	// call is there while Backward runs.
	call *C.ctorch_call
}

// SaveForBackward keeps tensors for [FunctionContext.SavedTensors]: inputs, outputs, or what
// Forward made on the way; nil ones among them come back as nil. Only Forward may call it; a second
// call replaces the first one's.
func (ctx *FunctionContext) SaveForBackward(tensors ...*Tensor) {
	ctx.inForward("SaveForBackward")
	ctx.saved = slices.Clone(tensors)
}

// SavedTensors are the tensors that Forward saved, with their history. It fails where one of them
// was changed in place since, or where an earlier backward pass did not retain the graph. Only
// Backward may call it.
func (ctx *FunctionContext) SavedTensors() []*Tensor {
	const operation = "SavedTensors"
	if ctx.call == nil {
		panic(invalid(operation, "only Backward has saved tensors, while it runs"))
	}
	return madeList(operation, C.ctorch_call_saved(ctx.call))
}

// NeedsInputGrad says for each input whether its gradient is wanted. What Backward returns for the
// others is ignored.
func (ctx *FunctionContext) NeedsInputGrad(input int) bool {
	if input < 0 || input >= len(ctx.needed) {
		panic(invalid("NeedsInputGrad", "input %d of %d", input, len(ctx.needed)))
	}
	return ctx.needed[input]
}

// MarkNonDifferentiable says that outputs have no gradient, such as indices. Backward is given zeros
// for them. Only Forward may call it.
func (ctx *FunctionContext) MarkNonDifferentiable(outputs ...*Tensor) {
	ctx.inForward("MarkNonDifferentiable")
	ctx.nonDifferentiable = slices.Clone(outputs)
}

// MarkDirty says that Forward changed inputs in place. They must be outputs too. Only Forward may
// call it.
func (ctx *FunctionContext) MarkDirty(inputs ...*Tensor) {
	const operation = "MarkDirty"
	ctx.inForward(operation)
	for _, input := range inputs {
		if input == nil || !slices.Contains(ctx.inputs, input) {
			panic(invalid(operation, "a tensor that is no input"))
		}
	}
	ctx.dirty = slices.Clone(inputs)
}

// SetMaterializeGrads says whether Backward is given zeros for the gradient of an output that
// nothing depends on (the default), or nil. Only Forward may call it.
func (ctx *FunctionContext) SetMaterializeGrads(on bool) {
	ctx.inForward("SetMaterializeGrads")
	ctx.undefined = !on
}

func (ctx *FunctionContext) inForward(operation string) {
	if ctx.inputs == nil {
		panic(invalid(operation, "only Forward may call it, while it runs"))
	}
}

// Apply computes the function's outputs from inputs, nil ones among them, and records how for the
// backward pass, if an input requires gradients.
func (f Function) Apply(inputs ...*Tensor) []*Tensor {
	callbacks.clean()
	applied := &application{function: f.Name, backward: f.Backward, inputs: len(inputs)}
	if applied.function == "" {
		applied.function = "Function"
	}
	if f.Forward == nil || f.Backward == nil {
		panic(invalid(applied.function, "the function needs a Forward and a Backward"))
	}
	ctx := &FunctionContext{inputs: append([]*Tensor{}, inputs...), needed: make([]bool, len(inputs))}
	for i, input := range inputs {
		ctx.needed[i] = input != nil && input.RequiresGrad() && GradEnabled()
	}
	var results []*Tensor
	runScope(callbackScope, func(scope *TensorScope) {
		var outputs []*Tensor
		NoGrad(func() { outputs = f.Forward(ctx, slices.Clone(inputs)) })
		results = applied.record(ctx, outputs)
		for _, result := range results {
			if result != nil {
				scope.Keep(result)
			}
		}
	})
	return results
}

// An application of a function is what C++ knows it by, for its backward.
type application struct {
	function string
	backward func(ctx *FunctionContext, gradients []*Tensor) []*Tensor
	data     any
	inputs   int
}

// record gives the outputs their history, if there is to be one.
func (a *application) record(ctx *FunctionContext, outputs []*Tensor) []*Tensor {
	for _, output := range ctx.nonDifferentiable {
		if output == nil || !slices.Contains(outputs, output) {
			panic(invalid(a.function, "what is marked as not differentiable is no output"))
		}
	}
	all := acquireAll(a.function, slices.Concat(ctx.inputs, outputs, ctx.saved, ctx.nonDifferentiable, ctx.dirty))
	defer all.release()
	counts := C.ctorch_function_counts{
		inputs: C.int64_t(len(ctx.inputs)), outputs: C.int64_t(len(outputs)), saved: C.int64_t(len(ctx.saved)),
		non_differentiable: C.int64_t(len(ctx.nonDifferentiable)), dirty: C.int64_t(len(ctx.dirty)),
	}
	name, free := cText(a.function)
	defer free()
	a.data = ctx.Data
	number := uint64(0)
	if slices.Contains(ctx.needed, true) {
		number = callbacks.add(a)
	}
	// What is kept of ctx from here on is of no use any more.
	undefined := ctx.undefined
	*ctx = FunctionContext{Data: ctx.Data, needed: ctx.needed}
	return madeList(a.function, C.ctorch_function_apply(name, cCallback(), C.uint64_t(number),
		all.pointer(), counts, cBool(!undefined)))
}

func (a *application) name() string { return "the backward of " + a.function }

func (a *application) run(call *C.ctorch_call) {
	gradients := madeList(a.name(), C.ctorch_call_gradients(call))
	ctx := &FunctionContext{Data: a.data, needed: make([]bool, a.inputs), call: call}
	defer func() { ctx.call = nil }()
	needed := make([]C.int32_t, a.inputs+1)
	check(a.name(), C.ctorch_call_needed(call, &needed[0], C.int64_t(a.inputs)))
	for i := range ctx.needed {
		ctx.needed[i] = needed[i] != 0
	}
	results := a.backward(ctx, gradients)
	if len(results) != a.inputs {
		panic(invalid(a.name(), "it returned %d gradients for %d inputs", len(results), a.inputs))
	}
	giveBack(a.name(), call, results)
}

// giveBack hands a callback's results to C++, which keeps them beyond the callback.
func giveBack(operation string, call *C.ctorch_call, results []*Tensor) {
	all := acquireAll(operation, results)
	defer all.release()
	check(operation, C.ctorch_call_return(call, all.pointer(), all.count()))
}
