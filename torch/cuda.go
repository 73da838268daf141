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

// check is why the device cannot be used, or nil. Whatever makes the first tensor, module or
// generator asks it, and so has libtorch prepared.
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

// checkCUDA is why no GPU can be used, or nil.
func checkCUDA(operation string) error { return CUDA(0).check(operation) }

// mustBePossible panics where the machine has not what is asked for.
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

// Synchronize waits until the device has done all that was asked of it. The CPU always has.
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

// emptyCUDACache gives the memory that libtorch holds unused back to the GPUs. libtorch before 2.9
// cannot: the error is of kind [ErrNotImplemented].
func emptyCUDACache() error {
	const operation = "cuda.EmptyCache"
	if err := checkCUDA(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_empty_cache())
}
