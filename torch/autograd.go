package torch

// #include "ctorch/ctorch.h"
import "C"

import "runtime"

// RequiresGrad reports whether gradients reach the tensor.
func (t *Tensor) RequiresGrad() bool { return t.describe("RequiresGrad").requires_grad != 0 }

// IsLeaf reports whether the tensor is the result of no recorded operation.
func (t *Tensor) IsLeaf() bool { return t.describe("IsLeaf").is_leaf != 0 }

// SetRequiresGrad says whether [Backward] gathers a gradient in t, and hands back t.
func (t *Tensor) SetRequiresGrad(on bool) *Tensor {
	const operation = "SetRequiresGrad"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_set_requires_grad(self, cBool(on)))
	return t
}

// Grad is the gradient that [Backward] gathered in t, or nil.
func (t *Tensor) Grad() *Tensor {
	const operation = "Grad"
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_grad(self))
}

// SetGrad replaces t's gradient; nil removes it.
func (t *Tensor) SetGrad(gradient *Tensor) {
	const operation = "SetGrad"
	self := t.acquire(operation)
	defer t.release()
	given := gradient.acquireOptional(operation)
	defer gradient.release()
	check(operation, C.ctorch_tensor_set_grad(self, given))
}

// BackwardOptions are the choices that [Backward] and [Gradients] offer.
type BackwardOptions struct {
	// Gradients are what reaches each of the tensors; nil: ones, for tensors of one element.
	Gradients []*Tensor
	// RetainGraph keeps what the backward pass needs, for another one.
	RetainGraph bool
	// CreateGraph records the backward pass itself, for a second derivative. It retains the graph.
	CreateGraph bool
	// AllowUnused makes the gradient of an input that the outputs do not depend on nil instead of
	// a failure. [Backward] does not heed it.
	AllowUnused bool
}

func (o BackwardOptions) retain() C.int32_t { return cBool(o.RetainGraph || o.CreateGraph) }

func (o BackwardOptions) gradients(operation string, outputs int) handles {
	if o.Gradients == nil {
		return handles{}
	}
	if len(o.Gradients) != outputs {
		panic(invalid(operation, "%d gradients for %d tensors", len(o.Gradients), outputs))
	}
	return acquireAll(operation, o.Gradients)
}

// Backward adds to each leaf that requires it the gradient of t, a tensor of one element.
func (t *Tensor) Backward() { backward("Backward", []*Tensor{t}, BackwardOptions{}) }

// Backward adds to each leaf that requires it the gradient of the tensors' sum.
func Backward(tensors []*Tensor, options BackwardOptions) {
	backward("Backward", tensors, options)
}

func backward(operation string, tensors []*Tensor, options BackwardOptions) {
	all := acquireAll(operation, tensors)
	defer all.release()
	gradients := options.gradients(operation, len(tensors))
	defer gradients.release()
	check(operation, C.ctorch_backward(all.pointer(), all.count(), gradients.pointer(),
		options.retain(), cBool(options.CreateGraph)))
}

// Gradients is the gradient of the outputs' sum in each of the inputs. No leaf's own gradient
// changes.
func Gradients(outputs, inputs []*Tensor, options BackwardOptions) []*Tensor {
	const operation = "Gradients"
	from := acquireAll(operation, outputs)
	defer from.release()
	to := acquireAll(operation, inputs)
	defer to.release()
	gradients := options.gradients(operation, len(outputs))
	defer gradients.release()
	return madeList(operation, C.ctorch_grad(from.pointer(), from.count(), to.pointer(), to.count(),
		gradients.pointer(), options.retain(), cBool(options.CreateGraph),
		cBool(options.AllowUnused)))
}

// NoGrad runs f without recording operations for gradients. It holds its OS thread while f runs,
// and what f starts in other goroutines is not affected.
func NoGrad(f func()) { withGradMode(false, f) }

// EnableGrad runs f with operations recorded, inside [NoGrad].
func EnableGrad(f func()) { withGradMode(true, f) }

func withGradMode(enabled bool, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.ctorch_set_grad_mode(cBool(enabled))
	defer C.ctorch_set_grad_mode(before)
	f()
}

// GradEnabled reports whether operations are recorded. Outside [NoGrad] and [InferenceMode] they
// are.
func GradEnabled() bool { return C.ctorch_grad_mode() != 0 }

// InferenceMode runs f without recording operations, and without the bookkeeping that would let
// the tensors that f makes take part in a recorded operation later. It is a little faster than
// [NoGrad].
func InferenceMode(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	guard := C.ctorch_inference_enter(1)
	if guard == nil {
		panic(&Error{"InferenceMode", ErrOutOfMemory, "out of memory"})
	}
	defer C.ctorch_inference_leave(guard)
	f()
}
