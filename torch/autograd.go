package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"
	"slices"
)

// RequiresGrad reports whether gradients reach the tensor: it was asked for with
// [Tensor.SetRequiresGrad], or an operation that was recorded made t of such a tensor.
func (t *Tensor) RequiresGrad() bool { return t.describe("RequiresGrad").requires_grad != 0 }

// IsLeaf reports whether the tensor is the result of no recorded operation. Only leaves gather
// gradients, unless [Tensor.RetainGrad] asks for more.
func (t *Tensor) IsLeaf() bool { return t.describe("IsLeaf").is_leaf != 0 }

// SetRequiresGrad says whether [Backward] gathers a gradient in t, a leaf of floating-point or complex
// numbers, and hands back t.
func (t *Tensor) SetRequiresGrad(on bool) *Tensor {
	const operation = "SetRequiresGrad"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_set_requires_grad(self, cBool(on)))
	return t
}

// RetainGrad has [Backward] gather a gradient in t although it is no leaf, and hands back t.
func (t *Tensor) RetainGrad() *Tensor {
	const operation = "RetainGrad"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_retain_grad(self))
	return t
}

// RetainsGrad reports whether [Tensor.RetainGrad] asked for a gradient of t, which is no leaf.
func (t *Tensor) RetainsGrad() bool {
	self := t.acquire("RetainsGrad")
	defer t.release()
	return C.ctorch_tensor_retains_grad(self) != 0
}

// DetachInPlace takes t out of the graph that made it, so that it is a leaf which requires no
// gradient, and hands back t. It fails for views, which share their history; [Tensor.Detach] does
// not.
func (t *Tensor) DetachInPlace() *Tensor {
	const operation = "DetachInPlace"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_detach_in_place(self))
	return t
}

// GradFunction is the name of what the backward pass runs for the operation that made t, such as
// "MulBackward0", or "ClampBackward" for a [Function] named Clamp; "" where t is a leaf.
func (t *Tensor) GradFunction() string {
	const operation = "GradFunction"
	self := t.acquire(operation)
	defer t.release()
	info := C.ctorch_tensor_print_info(self)
	check(operation, info.error)
	defer C.ctorch_print_info_free(info)
	return C.GoString(info.grad_function)
}

// Grad is the gradient that [Backward] gathered in t, or nil. It shares t's gradient's memory.
func (t *Tensor) Grad() *Tensor {
	const operation = "Grad"
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_grad(self))
}

// Grads are the gradients of several tensors, in order, as [Tensor.Grad] has each.
func Grads(tensors []*Tensor) []*Tensor {
	const operation = "Grads"
	all := acquireAll(operation, tensors)
	defer all.release()
	if i := slices.Index(tensors, nil); i >= 0 {
		panic(invalid(operation, "tensor %d is nil", i))
	}
	return madeList(operation, C.ctorch_tensors_grads(all.pointer(), all.count()))
}

// SetGrad replaces t's gradient by one of t's shape, dtype and device; nil removes it.
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
	// Gradients are what reaches each of the tensors, of its shape, the vector in the
	// vector-Jacobian product; nil, for all or one of them: 1, for a tensor of one element.
	Gradients []*Tensor
	// RetainGraph keeps what the backward pass needs, for another one. Without it a second pass
	// through the same operations fails.
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

// Backward adds to each leaf that requires it the gradient of t, a tensor of one element. See
// [Backward].
func (t *Tensor) Backward() { backward("Backward", []*Tensor{t}, BackwardOptions{}) }

// Backward adds to each leaf that requires it (see [Tensor.Grad]) the gradient of the tensors' sum,
// each weighted with the gradient that options give for it.
//
// A failure in the graph panics with an [*Error]; one in Go code that is called back, a [Function]'s
// or a hook's, too, or with a [*CallbackPanic].
func Backward(tensors []*Tensor, options BackwardOptions) {
	backward("Backward", tensors, options)
}

func backward(operation string, tensors []*Tensor, options BackwardOptions) {
	defer callbacks.clean()
	all := acquireAll(operation, tensors)
	defer all.release()
	gradients := options.gradients(operation, len(tensors))
	defer gradients.release()
	check(operation, C.ctorch_backward(all.pointer(), all.count(), gradients.pointer(),
		options.retain(), cBool(options.CreateGraph)))
}

// Gradients is the gradient of the outputs' sum in each of the inputs, leaves or not: of its shape,
// or nil for those that the outputs do not depend on (AllowUnused). It is PyTorch's
// torch.autograd.grad: no leaf's own gradient changes. It fails as [Backward] does.
func Gradients(outputs, inputs []*Tensor, options BackwardOptions) []*Tensor {
	const operation = "Gradients"
	defer callbacks.clean()
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

// SetDetectAnomaly sets for the whole process whether backward passes fail at the first operation whose
// gradient is NaN, naming it, as torch.autograd.set_detect_anomaly does. It makes passes slower.
func SetDetectAnomaly(on bool) { C.ctorch_set_anomaly_mode(cBool(on)) }

// DetectAnomaly reports whether backward passes look for NaN.
func DetectAnomaly() bool { return C.ctorch_anomaly_mode() != 0 }

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
