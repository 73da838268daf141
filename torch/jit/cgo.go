package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
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

func modelError(operation, message string) *torch.Error {
	return &torch.Error{Operation: operation, Kind: torch.ErrModel, Message: message}
}

// checkLibrary returns an error if libtorch cannot be used.
func checkLibrary() error { return bridge.CheckDevice("", torch.CPU) }

func cDevice(device torch.Device) C.ctorch_device {
	if device.IsCUDA() {
		return C.ctorch_device{_type: C.CTORCH_CUDA, index: C.int32_t(device.Index())}
	}
	return C.ctorch_device{_type: C.CTORCH_CPU, index: -1}
}

func deviceFrom(device C.ctorch_device) torch.Device {
	if device._type == C.CTORCH_CUDA {
		return torch.CUDA(int(device.index))
	}
	return torch.CPU
}

func cBool(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}

// cText copies s to C's memory; the function that it returns frees the copy.
func cText(s string) (*C.char, func()) {
	text := C.CString(s)
	return text, func() { C.free(unsafe.Pointer(text)) }
}

// cTexts copies strings to C's memory; the function that it returns frees the copy.
func cTexts(texts []string) (**C.char, func()) {
	size := C.size_t(len(texts)+1) * C.size_t(unsafe.Sizeof((*C.char)(nil)))
	memory := (**C.char)(C.calloc(1, size))
	copies := unsafe.Slice(memory, len(texts))
	for i, text := range texts {
		copies[i] = C.CString(text)
	}
	return memory, func() {
		for _, text := range copies {
			C.free(unsafe.Pointer(text))
		}
		C.free(unsafe.Pointer(memory))
	}
}
