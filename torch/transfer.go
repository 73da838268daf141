package torch

// #include "ctorch/ctorch.h"
import "C"

type pinnedOption struct{}

func (pinnedOption) apply(o *options) { o.pinned = true }

// Pinned makes a tensor on the CPU in page-locked memory, as pin_memory=True does: copies between it
// and a GPU are faster, and with [NonBlocking] they go on beside the program. Such memory is scarce
// and slow to make: use it again rather than make it anew. libtorch keeps what was freed for the next
// tensor. It takes a GPU.
var Pinned Option = pinnedOption{}

type nonBlockingOption struct{}

func (nonBlockingOption) apply(o *options) { o.nonBlocking = true }

// NonBlocking has [Tensor.To] and [Tensor.CopyInPlace] only ask for a copy between page-locked memory
// and a GPU, in the current stream, and not wait for it; all other copies are as without. What is
// asked of the same stream afterwards sees the copy done. The program must wait (with
// [Device.Synchronize] or a [CUDAEvent]) before it reads what was copied to the CPU, and before it
// writes to what is copied to the GPU; freeing either is safe at any time.
var NonBlocking Option = nonBlockingOption{}

// PinMemory is a copy of a tensor on the CPU in page-locked memory, or t itself where it is there
// already; see [Pinned].
func (t *Tensor) PinMemory() *Tensor {
	const operation = "PinMemory"
	if err := checkCUDA(operation); err != nil {
		panic(err)
	}
	self := t.acquire(operation)
	defer t.release()
	return made(operation, C.ctorch_tensor_pin_memory(self))
}

// IsPinned reports whether the tensor is in page-locked memory of the CPU; without a GPU none is.
func (t *Tensor) IsPinned() bool {
	const operation = "IsPinned"
	self := t.acquire(operation)
	defer t.release()
	answer := C.ctorch_tensor_is_pinned(self)
	check(operation, answer.error)
	return answer.yes != 0
}

// CopyInPlace writes source's elements to t, from whatever device and dtype, and hands back t.
// source's shape must be t's or one that broadcasts to it. Of the options, [NonBlocking] is heeded.
func (t *Tensor) CopyInPlace(source *Tensor, how ...Option) *Tensor {
	const operation = "CopyInPlace"
	self := t.acquire(operation)
	defer t.release()
	from := source.acquire(operation)
	defer source.release()
	check(operation, C.ctorch_tensor_copy(self, from, cBool(gather(NoDType, how).nonBlocking)))
	return t
}
