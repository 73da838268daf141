package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// noticeGPU has garbage collected more often where there is a GPU that is in use: a collection that
// waits for half as much again as is in use would come after a GPU's memory had run out.
var noticeGPU = sync.OnceFunc(func() {
	const share = 8
	for index := range cudaDeviceCount() {
		p := C.ctorch_cuda_describe(C.int32_t(index))
		if takeError("counting GPU memory", p.error) == nil {
			native.GPUBytes.LimitGarbage(int64(p.total_memory) / share)
		}
	}
})

// RetryOutOfMemory runs f as [Try] does, and once more where it failed with [ErrOutOfMemory]: in
// between it has the garbage collector free the tensors that nobody refers to, and gives libtorch's
// unused memory back to the GPUs. f must be fit to run twice.
//
// What f made before it failed is garbage only where nothing refers to it, and a [Scope] around the
// call refers to all of it; one inside f does not.
func RetryOutOfMemory(f func() error) error {
	err := Try(f)
	if !errors.Is(err, ErrOutOfMemory) {
		return err
	}
	native.CollectNow()
	if cudaDeviceCount() > 0 {
		// libtorch gives its unused memory back by itself before it fails; this is for what was
		// freed just now, in pieces that do not fit.
		_ = emptyCUDACache()
	}
	return Try(f)
}
