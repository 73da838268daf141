package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// A Hook is a function that the backward pass calls with a tensor's gradient; see
// [Tensor.RegisterHook].
type Hook struct {
	handle *native.Handle
}

func freeHook(p unsafe.Pointer) { C.ctorch_hook_free((*C.ctorch_hook)(p)) }

// RegisterHook registers a function that each backward pass calls with the gradient with respect to
// t, before the gradient is stored in t and passed on. If f returns a tensor, it replaces the
// gradient; nil keeps it. f must not change the gradient in place. It may run on any thread, runs
// in a scope of its own, and its failures are handled as those of a [Function]'s Backward.
//
// The hook exists as long as t, or a graph that t is part of, or until [Hook.Remove]. If f refers
// to t, neither of them is ever freed.
func (t *Tensor) RegisterHook(f func(gradient *Tensor) *Tensor) *Hook {
	const operation = "RegisterHook"
	callbacks.clean()
	self := t.acquire(operation)
	defer t.release()
	mustBeGiven(operation, f == nil)
	number := callbacks.add(gradientHook(f))
	result := C.ctorch_tensor_register_hook(self, cCallback(), C.uint64_t(number))
	check(operation, result.error)
	hook := &Hook{native.New(unsafe.Pointer(result.hook), 0, freeHook)}
	native.CloseWhenUnreachable(hook, hook.handle)
	return hook
}

// Remove removes the hook. No backward pass through the tensor may be running, except that f may
// remove its own hook. Removing it again does nothing.
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
