package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Function is a differentiable operation whose forward and backward are written in Go. It is
// PyTorch's torch.autograd.Function.
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
// Forward and Backward each run in a scope of their own. Tensors that they make are freed at its
// end, unless they return or save them. Tensors that they get from the [FunctionContext] are valid
// only while they run. Keep inputs and outputs for Backward with [FunctionContext.SaveForBackward]:
// a Backward that refers to an output in a variable of its own keeps the graph from being freed.
//
// An [*Error] in Backward becomes the error of the call that began the backward pass, and names
// this function. Any other panic leaves that call as a [*CallbackPanic].
type Function struct {
	// Name is the name of the function in errors and in [Tensor.GradFunction].
	Name string
	// Forward computes the outputs. Its operations are not recorded.
	Forward func(ctx *FunctionContext, inputs []*Tensor) []*Tensor
	// Backward computes the gradient with respect to each input from the gradients with respect to
	// the outputs. Each has the shape of its tensor; nil means no gradient. It may run on any
	// thread, and on several at once. If the backward pass is itself recorded (CreateGraph),
	// Backward's operations are recorded too, so that it can be differentiated as long as it uses
	// differentiable operators.
	//
	// It must return or panic. [runtime.Goexit], which FailNow of package testing calls, ends the
	// goroutine that began the backward pass, and leaks the memory of the pass.
	Backward func(ctx *FunctionContext, gradients []*Tensor) []*Tensor
}

// A FunctionContext carries data from a [Function]'s Forward to its Backward. Each call of Apply
// has its own.
type FunctionContext struct {
	// Data is for values that are not tensors: Forward sets it, Backward reads it.
	Data any

	// These are used in Forward only.
	inputs            []*Tensor
	saved             []*Tensor
	nonDifferentiable []*Tensor
	dirty             []*Tensor
	undefined         bool

	// needed says which inputs need a gradient.
	needed []bool
	// call is set while Backward runs.
	call *C.ctorch_call
}

// SaveForBackward saves tensors for [FunctionContext.SavedTensors]: inputs, outputs or intermediate
// results. nil is allowed and comes back as nil. It may be called in Forward only; a second call
// replaces the tensors of the first.
func (ctx *FunctionContext) SaveForBackward(tensors ...*Tensor) {
	ctx.inForward("SaveForBackward")
	ctx.saved = slices.Clone(tensors)
}

// SavedTensors returns the tensors that Forward saved. It panics with an [*Error] if one of them
// was changed in place since, or if an earlier backward pass did not retain the graph. It may be
// called in Backward only.
func (ctx *FunctionContext) SavedTensors() []*Tensor {
	const operation = "SavedTensors"
	if ctx.call == nil {
		panic(invalid(operation, "only Backward has saved tensors, while it runs"))
	}
	return madeList(operation, C.ctorch_call_saved(ctx.call))
}

// NeedsInputGrad reports whether the gradient with respect to the input with the given index is
// needed. What Backward returns for other inputs is ignored.
func (ctx *FunctionContext) NeedsInputGrad(input int) bool {
	if input < 0 || input >= len(ctx.needed) {
		panic(invalid("NeedsInputGrad", "input %d of %d", input, len(ctx.needed)))
	}
	return ctx.needed[input]
}

// MarkNonDifferentiable marks outputs that have no gradient, such as indices. Backward gets zeros
// for them. It may be called in Forward only.
func (ctx *FunctionContext) MarkNonDifferentiable(outputs ...*Tensor) {
	ctx.inForward("MarkNonDifferentiable")
	ctx.nonDifferentiable = slices.Clone(outputs)
}

// MarkDirty marks inputs that Forward changed in place. They must be outputs too. It may be called
// in Forward only.
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

// SetMaterializeGrads sets what Backward gets for an output that nothing depends on: zeros (the
// default) or nil. It may be called in Forward only.
func (ctx *FunctionContext) SetMaterializeGrads(on bool) {
	ctx.inForward("SetMaterializeGrads")
	ctx.undefined = !on
}

func (ctx *FunctionContext) inForward(operation string) {
	if ctx.inputs == nil {
		panic(invalid(operation, "only Forward may call it, while it runs"))
	}
}

// Apply runs Forward on the inputs, which may be nil, and returns its outputs. It records the
// function for the backward pass if an input requires gradients.
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

// An application is one call of a function. C++ knows it by its number, for the backward pass.
type application struct {
	function string
	backward func(ctx *FunctionContext, gradients []*Tensor) []*Tensor
	data     any
	inputs   int
}

// record connects the outputs to the graph, if gradients are recorded.
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
	// The context that is kept from here on needs no more of Forward's fields.
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
		panic(invalid(a.name(), "it returned %s for %s", words.Count(len(results), "gradient"), words.Count(a.inputs, "input")))
	}
	giveBack(a.name(), call, results)
}

// giveBack passes a callback's results to C++, which holds references of its own to them.
func giveBack(operation string, call *C.ctorch_call, results []*Tensor) {
	all := acquireAll(operation, results)
	defer all.release()
	check(operation, C.ctorch_call_return(call, all.pointer(), all.count()))
}
