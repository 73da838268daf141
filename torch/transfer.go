package torch

// #include "ctorch/ctorch.h"
import "C"

type pinnedOption struct{}

func (pinnedOption) apply(o *options) { o.pinned = true }

// Pinned makes a tensor on the CPU in page-locked memory, as pin_memory=True does. Copies between
// it and a GPU are faster, and asynchronous with [NonBlocking]. Such memory is scarce and slow to
// allocate, so reuse it; libtorch keeps freed memory for the next tensor. It requires a GPU.
var Pinned Option = pinnedOption{}

type nonBlockingOption struct{}

func (nonBlockingOption) apply(o *options) { o.nonBlocking = true }

// NonBlocking makes [Tensor.To] and [Tensor.CopyInPlace] return before a copy between page-locked
// memory and a GPU is done. The copy is queued in the current stream, and later work in that stream
// sees it done. It has no effect on other copies. Wait, with [Device.Synchronize] or an event of
// package torch/cuda, before you read what was copied to the CPU or write to what is being copied
// to the GPU. Closing either tensor is safe at any time.
var NonBlocking Option = nonBlockingOption{}

// PinMemory returns a copy of a CPU tensor in page-locked memory, or another handle to t if it is
// there already; see [Pinned].
func (t *Tensor) PinMemory() *Tensor {
	const operation = "PinMemory"
	if err := checkCUDA(operation); err != nil {
		panic(err)
	}
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_pin_memory(self))
}

// IsPinned reports whether the tensor is in page-locked memory.
func (t *Tensor) IsPinned() bool {
	const operation = "IsPinned"
	self := t.acquire(operation)
	defer t.release()
	answer := C.ctorch_tensor_is_pinned(self)
	check(operation, answer.error)
	return answer.yes != 0
}

// CopyInPlace copies source's elements to t, converting device and dtype, and returns t. source's
// shape must be broadcastable to t's. The only option is [NonBlocking].
func (t *Tensor) CopyInPlace(source *Tensor, how ...Option) *Tensor {
	const operation = "CopyInPlace"
	self := t.acquire(operation)
	defer t.release()
	from := source.acquire(operation)
	defer source.release()
	check(operation, C.ctorch_tensor_copy(self, from, cBool(gather(NoDType, how).nonBlocking)))
	return t
}
