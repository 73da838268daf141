package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import "unsafe"

// Version returns the version of libtorch in use, such as "2.13.0".
func Version() string {
	return C.GoString(C.ctorch_libtorch_version())
}

// cText copies s to C's memory; the function that it returns frees the copy.
func cText(s string) (*C.char, func()) {
	text := C.CString(s)
	return text, func() { C.free(unsafe.Pointer(text)) }
}

// int64s returns a pointer to values for C. The caller keeps values alive.
func int64s(values []int64) *C.int64_t {
	return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(values)))
}

// cBytes returns a pointer to a slice of numbers for C. The caller keeps values alive. The
// pointer's type tells cgo that there are no pointers to look for, even where the slice is part of
// an object that has some.
func cBytes[T any](values []T) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(values)))
}

func cBool(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}
