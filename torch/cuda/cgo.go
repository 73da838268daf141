package cuda

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// takeError converts a C error to a Go error and frees it. It returns nil for NULL.
func takeError(operation string, e *C.ctorch_error) error {
	return bridge.TakeError(operation, unsafe.Pointer(e))
}

func invalid(operation, format string, arguments ...any) *torch.Error {
	return &torch.Error{Operation: operation, Kind: torch.ErrInvalid, Message: fmt.Sprintf(format, arguments...)}
}

func cBool(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}

// checkGPU returns why the device cannot be used or is not a GPU, or nil.
func checkGPU(operation string, device torch.Device) error {
	if !device.IsCUDA() {
		return invalid(operation, "the device is the CPU; name a GPU")
	}
	return bridge.CheckDevice(operation, device)
}

// checkCUDA returns why no GPU can be used, or nil.
func checkCUDA(operation string) error { return bridge.CheckDevice(operation, torch.CUDA(0)) }
