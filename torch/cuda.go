package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"sync"
)

var cudaDeviceCount = sync.OnceValue(func() int {
	if library() != nil {
		return 0
	}
	return int(C.ctorch_cuda_device_count())
})

// check returns why the device cannot be used, or nil. It prepares libtorch first: every function
// that makes the first tensor, module or generator calls it.
func (d Device) check(operation string) error {
	if err := library(); err != nil || !d.cuda {
		return err
	}
	count := cudaDeviceCount()
	if d.index < 0 || d.index >= count {
		return &Error{operation, ErrDevice, noCUDA(d.String(), count)}
	}
	noticeGPU()
	return nil
}

func noCUDA(name string, count int) string {
	switch {
	case cudaError != nil:
		return fmt.Sprintf("%s cannot be used: %v", name, cudaError)
	case count == 0:
		return fmt.Sprintf("%s is not there: this machine has no NVIDIA GPU that libtorch can use; use the CPU", name)
	default:
		return fmt.Sprintf("%s is not there: this machine has %d GPU(s), from cuda:0", name, count)
	}
}

// checkCUDA returns why no GPU can be used, or nil.
func checkCUDA(operation string) error { return CUDA(0).check(operation) }

// mustBePossible panics if the machine lacks the device, or cannot pin memory.
func (o options) mustBePossible(operation string) {
	o.dtype.mustBeMade(operation)
	if err := o.device.check(operation); err != nil {
		panic(err)
	}
	if o.pinned {
		if err := checkCUDA(operation); err != nil {
			panic(err)
		}
	}
}

// Synchronize waits until all work that was queued on the device is done. For the CPU it returns at
// once.
func (d Device) Synchronize() error {
	const operation = "Synchronize"
	if !d.cuda {
		return nil
	}
	if err := d.check(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_synchronize(C.int32_t(d.index)))
}

// emptyCUDACache returns the memory that libtorch caches to the GPUs. With libtorch before 2.9 the
// error is of kind [ErrNotImplemented].
func emptyCUDACache() error {
	const operation = "cuda.EmptyCache"
	if err := checkCUDA(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_empty_cache())
}
