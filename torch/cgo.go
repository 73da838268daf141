package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

// cudaError is why libtorch's CUDA side could not be opened although there is an NVIDIA driver.
var cudaError error

func init() {
	if got, want := int32(C.ctorch_abi_version()), int32(C.CTORCH_ABI_VERSION); got != want {
		fmt.Fprintf(os.Stderr, "torch: libctorch has ABI %d (libtorch %s), this program was "+
			"compiled for ABI %d: build both from the same checkout with make\n", got, Version(), want)
		os.Exit(1)
	}
	if C.ctorch_headers_sum() != C.CTORCH_HEADERS_SUM {
		fmt.Fprintln(os.Stderr, "torch: libctorch was built from other headers than this program: "+
			"run make in the checkout again (or make install, where it is installed)")
		os.Exit(1)
	}
	// First: libtorch remembers whether it has CUDA when it is asked for the first time.
	cudaError = takeError("opening CUDA", C.ctorch_open_cuda())
	SetProfiling(false)
}

// Version is the version of libtorch in use, as "2.13.0".
func Version() string {
	return C.GoString(C.ctorch_libtorch_version())
}

// cText copies s for C; the function frees the copy.
func cText(s string) (*C.char, func()) {
	text := C.CString(s)
	return text, func() { C.free(unsafe.Pointer(text)) }
}

// int64s points C at a slice, which the caller keeps alive.
func int64s(values []int64) *C.int64_t {
	return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(values)))
}

// cBytes points C at a slice of numbers, which the caller keeps alive. Its type tells cgo that
// there are no pointers to look for, even where the slice is part of something that has some.
func cBytes[T any](values []T) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(values)))
}

func cBool(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}
