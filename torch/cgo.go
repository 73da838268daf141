package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import "unsafe"

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
