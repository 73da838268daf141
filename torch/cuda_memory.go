package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// noticeGPU makes garbage collections more frequent once a GPU is in use: waiting until memory has
// grown by half would exhaust a GPU first.
var noticeGPU = sync.OnceFunc(func() {
	const share = 8
	for index := range cudaDeviceCount() {
		p := C.ctorch_cuda_describe(C.int32_t(index))
		if takeError("counting GPU memory", p.error) == nil {
			native.GPUBytes.LimitGarbage(int64(p.total_memory) / share)
		}
	}
})

// RetryOutOfMemory runs f as [Try] does. If it fails with [ErrOutOfMemory], it has unreachable
// tensors freed and libtorch's cached GPU memory released, and runs f once more. f must be safe to
// run twice.
//
// Tensors that f made before it failed can be freed only if nothing refers to them. A [Scope]
// around the call refers to all of them; a scope inside f does not.
func RetryOutOfMemory(f func() error) error {
	if f == nil {
		return noFunction("RetryOutOfMemory")
	}
	err := Try(f)
	if !errors.Is(err, ErrOutOfMemory) {
		return err
	}
	native.CollectNow()
	if cudaDeviceCount() > 0 {
		// libtorch itself empties its cache before it fails; this is for what was freed just now.
		_ = emptyCUDACache()
	}
	return Try(f)
}
