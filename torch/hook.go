package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// A Hook is a function that is called with a tensor's gradient; see [Tensor.RegisterHook].
type Hook struct {
	handle *native.Handle
}

func freeHook(p unsafe.Pointer) { C.ctorch_hook_free((*C.ctorch_hook)(p)) }

// RegisterHook has f called in each backward pass with the gradient of t, before that goes on and
// before it is added to t's own. What f returns takes the gradient's place; nil leaves it as it is.
// f must not change the gradient in place. It may run on any thread, in a scope of its own, and
// fails as the Backward of a [Function] does.
//
// The hook lasts as long as t or a graph that t is part of, or until [Hook.Remove]. An f that holds
// on to t keeps both from ever being freed.
func (t *Tensor) RegisterHook(f func(gradient *Tensor) *Tensor) *Hook {
	const operation = "RegisterHook"
	callbacks.clean()
	self := t.acquire(operation)
	defer t.release()
	if f == nil {
		panic(invalid(operation, "the function is nil"))
	}
	number := callbacks.add(gradientHook(f))
	result := C.ctorch_tensor_register_hook(self, cCallback(), C.uint64_t(number))
	check(operation, result.error)
	hook := &Hook{native.New(unsafe.Pointer(result.hook), 0, freeHook)}
	native.CloseWhenUnreachable(hook, hook.handle)
	return hook
}

// Remove ends the calls. The function may remove its own hook; apart from that, no backward pass
// through the tensor may be under way. Removing it again does nothing.
func (h *Hook) Remove() {
	const operation = "Remove"
	if h == nil {
		return
	}
	self := acquire(h.handle, operation, "hook")
	defer h.handle.Leave()
	check(operation, C.ctorch_hook_remove((*C.ctorch_hook)(self)))
}

type gradientHook func(gradient *Tensor) *Tensor

func (gradientHook) name() string { return "a hook" }

func (f gradientHook) run(call *C.ctorch_call) {
	gradients := madeList(f.name(), C.ctorch_call_gradients(call))
	if result := f(gradients[0]); result != nil {
		giveBack(f.name(), call, []*Tensor{result})
	}
}
