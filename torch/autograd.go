package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// RequiresGrad reports whether operations on t are recorded for the backward pass: because
// [Tensor.SetRequiresGrad] asked for it, or because t is the result of a recorded operation.
func (t *Tensor) RequiresGrad() bool { return t.describe("RequiresGrad").requires_grad != 0 }

// IsLeaf reports whether t is not the result of a recorded operation. The backward pass stores
// gradients only in leaves, and in tensors with [Tensor.RetainGrad].
func (t *Tensor) IsLeaf() bool { return t.describe("IsLeaf").is_leaf != 0 }

// SetRequiresGrad sets whether [Backward] stores a gradient in t, and returns t. t must be a leaf
// with a floating-point or complex dtype.
func (t *Tensor) SetRequiresGrad(on bool) *Tensor {
	const operation = "SetRequiresGrad"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_set_requires_grad(self, cBool(on)))
	return t
}

// RetainGrad makes [Backward] store a gradient in t even though t is not a leaf, and returns t.
func (t *Tensor) RetainGrad() *Tensor {
	const operation = "RetainGrad"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_retain_grad(self))
	return t
}

// RetainsGrad reports whether t is not a leaf and [Tensor.RetainGrad] was called on it.
func (t *Tensor) RetainsGrad() bool {
	self := t.acquire("RetainsGrad")
	defer t.release()
	return C.ctorch_tensor_retains_grad(self) != 0
}

// DetachInPlace removes t from the graph that produced it and returns t, which is then a leaf that
// requires no gradient. It panics for a view, which shares its history with its base;
// [Tensor.Detach] works for views too.
func (t *Tensor) DetachInPlace() *Tensor {
	const operation = "DetachInPlace"
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_detach_in_place(self))
	return t
}

// GradFunction returns the name of the node that the backward pass runs for the operation that
// produced t, such as "MulBackward0", or "ClampBackward" for a [Function] named Clamp. It is "" for
// a leaf.
func (t *Tensor) GradFunction() string {
	const operation = "GradFunction"
	self := t.acquire(operation)
	defer t.release()
	info := C.ctorch_tensor_print_info(self)
	check(operation, info.error)
	defer C.ctorch_print_info_free(info)
	return C.GoString(info.grad_function)
}

// Grad returns the gradient that [Backward] stored in t, or nil. The result is another handle to
// t's gradient: changing it in place changes t's gradient.
func (t *Tensor) Grad() *Tensor {
	const operation = "Grad"
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_grad(self))
}

// Grads returns the gradient of each tensor, as [Tensor.Grad] does.
func Grads(tensors []*Tensor) []*Tensor {
	const operation = "Grads"
	all := acquireList(operation, tensors)
	defer all.release()
	return madeList(operation, C.ctorch_tensors_grads(all.pointer(), all.count()))
}

// SetGrad replaces t's gradient with gradient, which must have t's shape, dtype and device, and
// returns t. A nil gradient removes it.
func (t *Tensor) SetGrad(gradient *Tensor) *Tensor {
	const operation = "SetGrad"
	self := t.acquire(operation)
	defer t.release()
	given := gradient.acquireOptional(operation)
	defer gradient.release()
	check(operation, C.ctorch_tensor_set_grad(self, given))
	return t
}

// BackwardOptions are the options of [Backward] and [Gradients].
type BackwardOptions struct {
	// Gradients holds the gradient with respect to each output, of that output's shape: the vector
	// of the vector-Jacobian product. A nil slice, or a nil element, stands for 1 and requires an
	// output of one element.
	Gradients []*Tensor
	// RetainGraph keeps the buffers of the graph, so that another backward pass can run through it.
	// Without it a second pass panics.
	RetainGraph bool
	// CreateGraph records the backward pass itself, which makes second derivatives possible. It
	// implies RetainGraph.
	CreateGraph bool
	// AllowUnused makes the gradient nil for an input that the outputs do not depend on. Otherwise
	// such an input is an error. [Backward] ignores it.
	AllowUnused bool
}

func (o BackwardOptions) retain() C.int32_t { return cBool(o.RetainGraph || o.CreateGraph) }

func (o BackwardOptions) gradients(operation string, outputs int) handles {
	if o.Gradients == nil {
		return handles{}
	}
	if len(o.Gradients) != outputs {
		panic(invalid(operation, "%s for %s", words.Count(len(o.Gradients), "gradient"), words.Count(outputs, "tensor")))
	}
	return acquireAll(operation, o.Gradients)
}

// Backward computes the gradient of t, a tensor of one element, and adds it to the gradients of the
// leaves. See the function [Backward].
func (t *Tensor) Backward() { backward("Backward", []*Tensor{t}, BackwardOptions{}) }

// Backward computes the gradient of the sum of the tensors, each multiplied by its gradient in
// options, and adds it to the gradient ([Tensor.Grad]) of every leaf that requires one.
//
// Failures in the graph panic with an [*Error]. So does an [*Error] in Go code that the pass calls,
// a [Function]'s Backward or a hook; any other panic there becomes a [*CallbackPanic].
func Backward(tensors []*Tensor, options BackwardOptions) {
	backward("Backward", tensors, options)
}

func backward(operation string, tensors []*Tensor, options BackwardOptions) {
	defer callbacks.clean()
	all := acquireList(operation, tensors)
	defer all.release()
	gradients := options.gradients(operation, len(tensors))
	defer gradients.release()
	check(operation, C.ctorch_backward(all.pointer(), all.count(), gradients.pointer(),
		options.retain(), cBool(options.CreateGraph)))
}

// Gradients returns the gradient of the sum of the outputs with respect to each input, of that
// input's shape. The inputs need not be leaves, and no leaf's own gradient changes. With
// AllowUnused, the gradient of an input that the outputs do not depend on is nil. It panics as
// [Backward] does. It is PyTorch's torch.autograd.grad.
func Gradients(outputs, inputs []*Tensor, options BackwardOptions) []*Tensor {
	const operation = "Gradients"
	defer callbacks.clean()
	from := acquireList(operation, outputs)
	defer from.release()
	to := acquireList(operation, inputs)
	defer to.release()
	gradients := options.gradients(operation, len(outputs))
	defer gradients.release()
	return madeList(operation, C.ctorch_grad(from.pointer(), from.count(), to.pointer(), to.count(),
		gradients.pointer(), options.retain(), cBool(options.CreateGraph),
		cBool(options.AllowUnused)))
}

// NoGrad runs f without recording operations for the backward pass. The setting holds for f's
// goroutine alone, which stays on its OS thread while f runs.
func NoGrad(f func()) { withGradMode("NoGrad", false, f) }

// EnableGrad runs f with operations recorded, even inside [NoGrad].
func EnableGrad(f func()) { withGradMode("EnableGrad", true, f) }

// SetDetectAnomaly sets, for the whole process, whether a backward pass fails at the first
// operation that returns NaN as a gradient; the error names the operation. It makes backward passes
// slower. It is PyTorch's torch.autograd.set_detect_anomaly.
func SetDetectAnomaly(on bool) error {
	if err := library(); err != nil {
		return err
	}
	C.ctorch_set_anomaly_mode(cBool(on))
	return nil
}

// DetectAnomaly reports whether backward passes check for NaN.
func DetectAnomaly() bool { return C.ctorch_anomaly_mode() != 0 }

func withGradMode(operation string, enabled bool, f func()) {
	mustBeGiven(operation, f == nil)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.ctorch_set_grad_mode(cBool(enabled))
	defer C.ctorch_set_grad_mode(before)
	f()
}

// GradEnabled reports whether operations are recorded for the backward pass. They are by default.
func GradEnabled() bool { return C.ctorch_grad_mode() != 0 }

// InferenceMode runs f without recording operations, as [NoGrad] does, and also without version
// counters and view tracking. Tensors made in f can never take part in a recorded operation. It is
// a little faster than NoGrad.
func InferenceMode(f func()) {
	mustBeGiven("InferenceMode", f == nil)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	guard := C.ctorch_inference_enter(1)
	if guard == nil {
		panic(&Error{"InferenceMode", ErrOutOfMemory, "out of memory"})
	}
	defer C.ctorch_inference_leave(guard)
	f()
}
