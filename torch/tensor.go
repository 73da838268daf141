package torch

// #cgo noescape ctorch_tensors_free
// #cgo nocallback ctorch_tensors_free
// #cgo nocallback ctorch_tensor_free
// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Tensor is a multi-dimensional array of elements of one [DType] on one [Device]. The package
// comment says when its memory is freed.
type Tensor struct {
	handle native.Handle
}

func freeTensor(p unsafe.Pointer) {
	C.ctorch_tensor_free((*C.ctorch_tensor)(p))
	callbacks.clean() // the graph may have been freed with it
}

// made returns the tensor that a call made, and panics if the call failed.
func made(operation string, result C.ctorch_tensor_result) *Tensor {
	check(operation, result.error)
	return adopt(result)
}

// madeOrError is made that returns an error.
func madeOrError(operation string, result C.ctorch_tensor_result) (*Tensor, error) {
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	return adopt(result), nil
}

// adopt wraps a tensor that a call made; nil if the result is absent.
func adopt(result C.ctorch_tensor_result) *Tensor {
	if result.tensor == nil {
		return nil
	}
	bytes := int64(result.bytes) + native.HandleBytes
	t := &Tensor{}
	count, onGPU := native.CPUBytes, result.memory == C.CTORCH_CUDA
	if onGPU {
		count = native.GPUBytes
	}
	t.handle.Open(unsafe.Pointer(result.tensor), bytes, onGPU, freeTensor)
	openScopes.find(uint64(result.scope)).adopt(t)
	count.Added(bytes)
	return t
}

// madeList is made for a list.
func madeList(operation string, list C.ctorch_tensor_list) []*Tensor {
	check(operation, list.error)
	results := unsafe.Slice(list.items, int(list.count))
	tensors := make([]*Tensor, len(results))
	for i, result := range results {
		tensors[i] = adopt(result)
	}
	C.ctorch_tensor_list_free(list.items)
	return tensors
}

// acquire marks t as in use for a call; release must follow.
func (t *Tensor) acquire(operation string) *C.ctorch_tensor {
	if t == nil {
		panic(invalid(operation, "the tensor is nil"))
	}
	return (*C.ctorch_tensor)(acquire(&t.handle, operation, "tensor"))
}

// acquireOptional is acquire for a tensor that may be nil.
func (t *Tensor) acquireOptional(operation string) *C.ctorch_tensor {
	if t == nil {
		return nil
	}
	return t.acquire(operation)
}

func (t *Tensor) release() {
	if t != nil {
		t.handle.Leave()
	}
}

// handles are tensors in use by a call.
type handles struct {
	tensors  []*Tensor
	pointers **C.ctorch_tensor
}

// acquireList is acquireAll for tensors of which none may be nil.
func acquireList(operation string, tensors []*Tensor) handles {
	if i := slices.Index(tensors, nil); i >= 0 {
		panic(invalid(operation, "tensor %d of the list is nil", i))
	}
	return acquireAll(operation, tensors)
}

// acquireAll marks tensors, which may be nil, as in use for a call. The array is in C's memory: C
// must not get Go memory that contains Go pointers.
func acquireAll(operation string, tensors []*Tensor) handles {
	size := C.size_t(len(tensors)+1) * C.size_t(unsafe.Sizeof((*C.ctorch_tensor)(nil)))
	all := handles{pointers: (**C.ctorch_tensor)(C.malloc(size))}
	pointers := unsafe.Slice(all.pointers, len(tensors))
	defer func() {
		if len(all.tensors) < len(tensors) { // one of them panicked
			all.release()
		}
	}()
	for i, t := range tensors {
		pointers[i] = t.acquireOptional(operation)
		all.tensors = tensors[:i+1]
	}
	return all
}

func (h handles) pointer() **C.ctorch_tensor { return h.pointers }

func (h handles) count() C.int64_t { return C.int64_t(len(h.tensors)) }

func (h handles) release() {
	for _, t := range h.tensors {
		t.release()
	}
	C.free(unsafe.Pointer(h.pointers))
}

// Close frees the tensor. Closing it again does nothing. Using it afterwards panics with an
// [*Error] of kind [ErrClosed]. It is safe while another goroutine is in a call with the tensor:
// the memory is freed when that call ends.
func (t *Tensor) Close() {
	if t == nil {
		return
	}
	t.handle.Close()
	runtime.KeepAlive(t)
}

// closeAll closes tensors, which may be nil, with one call into C for many of them: calls are half
// of the cost of closing.
func closeAll(tensors []*Tensor) {
	var pointers [64]*C.ctorch_tensor
	var onCPU, onGPU int64
	count := 0
	free := func() {
		C.ctorch_tensors_free(&pointers[0], C.int64_t(count))
		native.CPUBytes.Removed(onCPU)
		native.GPUBytes.Removed(onGPU)
		callbacks.clean() // graphs may have been freed with them
		count, onCPU, onGPU = 0, 0, 0
	}
	for _, t := range tensors {
		if t == nil || !t.handle.GiveUp() {
			continue
		}
		pointers[count] = (*C.ctorch_tensor)(t.handle.Pointer())
		if t.handle.OnGPU() {
			onGPU += t.handle.Bytes()
		} else {
			onCPU += t.handle.Bytes()
		}
		if count++; count == len(pointers) {
			free()
		}
	}
	if count > 0 {
		free()
	}
}

func (t *Tensor) describe(operation string) C.ctorch_tensor_info {
	self := t.acquire(operation)
	defer t.release()
	info := C.ctorch_tensor_describe(self)
	check(operation, info.error)
	return info
}

// Dim returns the number of dimensions.
func (t *Tensor) Dim() int64 { return int64(t.describe("Dim").dimensions) }

// NumElements returns the number of elements.
func (t *Tensor) NumElements() int64 { return int64(t.describe("NumElements").elements) }

// DType returns the type of the elements.
func (t *Tensor) DType() DType { return DType(t.describe("DType").dtype) }

// Device returns the device that holds the tensor.
func (t *Tensor) Device() Device { return deviceFrom(t.describe("Device").device) }

// IsContiguous reports whether the elements are stored in row-major order without gaps.
func (t *Tensor) IsContiguous() bool { return t.describe("IsContiguous").is_contiguous != 0 }

// A Shape holds the size of each dimension. Functions take a shape as one slice:
// x.Reshape(torch.Shape{2, -1}).
type Shape = []int64

// Shape returns the size of each dimension.
func (t *Tensor) Shape() Shape {
	const operation = "Shape"
	self := t.acquire(operation)
	defer t.release()
	info := C.ctorch_tensor_describe(self)
	check(operation, info.error)
	shape := make([]int64, info.dimensions)
	check(operation, C.ctorch_tensor_shape(self, int64s(shape), nil, info.dimensions))
	return shape
}

// Size returns the size of one dimension. Negative numbers count from the last one.
func (t *Tensor) Size(dim int64) int64 {
	shape := t.Shape()
	at := dim
	if at < 0 {
		at += int64(len(shape))
	}
	if at < 0 || at >= int64(len(shape)) {
		panic(invalid("Size", "dimension %d of a tensor with %d", dim, len(shape)))
	}
	return shape[at]
}

// To converts the tensor to another dtype, device, or both. If nothing changes, the result is
// another handle to the same memory. With [NonBlocking], To may return before a copy to or from a
// GPU is done.
//
//	x.To(torch.Float16, torch.CUDA(0))
func (t *Tensor) To(where ...Option) *Tensor {
	const operation = "To"
	wanted, device := destination(where)
	if wanted.pinned {
		panic(invalid(operation, "a copy cannot be asked to be pinned; use PinMemory"))
	}
	wanted.mustBePossible(operation)
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_to(self, C.int32_t(wanted.dtype), device, cBool(wanted.nonBlocking)))
}

// Item returns the element of a tensor of one element, as a float64. It panics with an [*Error] if
// there are more elements, or if the element has an imaginary part.
func (t *Tensor) Item() float64 {
	if t != nil && t.DType() == Uint64 { // libtorch takes it for a whole number with a sign
		real := t.To(Float64)
		defer real.Close()
		return real.Item()
	}
	const operation = "Item"
	item := t.item(operation)
	if item.imaginary != 0 {
		panic(invalid(operation, "the element is no real number; use ItemComplex128"))
	}
	return float64(item.number)
}

// ItemComplex128 returns the element of a tensor of one element, as a complex128.
func (t *Tensor) ItemComplex128() complex128 {
	item := t.item("ItemComplex128")
	return complex(float64(item.number), float64(item.imaginary))
}

// ItemInt64 returns the element of an integer tensor of one element. It panics with an [*Error] for
// other dtypes.
func (t *Tensor) ItemInt64() int64 {
	const operation = "ItemInt64"
	item := t.item(operation)
	if item.is_integer == 0 {
		panic(invalid(operation, "the element is a %s, no whole number", t.DType()))
	}
	return int64(item.integer)
}

func (t *Tensor) item(operation string) C.ctorch_item {
	self := t.acquire(operation)
	defer t.release()
	item := C.ctorch_tensor_item(self)
	check(operation, item.error)
	return item
}

// Alias returns a second handle to the same tensor, which is freed when both are closed.
func (t *Tensor) Alias() *Tensor {
	const operation = "Alias"
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_alias(self))
}

// Index returns the elements at the indices, as x[i, j, ...] in PyTorch: one index tensor
// (integers, or a bool mask) for each leading dimension; nil means the whole dimension. [Tensor.At]
// also takes numbers and ranges.
func (t *Tensor) Index(indices ...*Tensor) *Tensor {
	const operation = "Index"
	if t.selectsAll(operation, indices) {
		return t.Clone()
	}
	self := t.acquire(operation)
	defer t.release()
	all := acquireAll(operation, indices)
	defer all.release()
	return made(operation, C.ctorch_tensor_index(self, all.pointer(), all.count()))
}

// IndexPutInPlace writes values to where [Tensor.Index] would read, and returns t. [Tensor.SetAt]
// also takes numbers and ranges.
func (t *Tensor) IndexPutInPlace(values *Tensor, indices ...*Tensor) *Tensor {
	return t.indexPut("IndexPutInPlace", values, indices, false)
}

// IndexPutAddInPlace adds values to the elements that [Tensor.Index] would read, and returns t. An
// element that is selected twice is added to twice.
func (t *Tensor) IndexPutAddInPlace(values *Tensor, indices ...*Tensor) *Tensor {
	return t.indexPut("IndexPutAddInPlace", values, indices, true)
}

// selectsAll reports whether no dimension has an index, which libtorch does not take.
func (t *Tensor) selectsAll(operation string, indices []*Tensor) bool {
	if slices.ContainsFunc(indices, func(index *Tensor) bool { return index != nil }) {
		return false
	}
	if dimensions := t.Dim(); int64(len(indices)) > dimensions {
		panic(invalid(operation, "%d indices for %s", len(indices), words.Count(dimensions, "dimension")))
	}
	return true
}

func (t *Tensor) indexPut(operation string, values *Tensor, indices []*Tensor, add bool) *Tensor {
	if t.selectsAll(operation, indices) {
		if add {
			return t.AddInPlace(values)
		}
		return t.CopyInPlace(values)
	}
	self := t.acquire(operation)
	defer t.release()
	given := values.acquire(operation)
	defer values.release()
	all := acquireAll(operation, indices)
	defer all.release()
	check(operation, C.ctorch_tensor_index_put(self, all.pointer(), all.count(), given, cBool(add)))
	return t
}
