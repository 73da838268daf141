package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"fmt"
)

// The kinds of failure, for errors.Is.
var (
	// ErrInvalid: shapes, dtypes, indices or arguments that do not fit: what this package or libtorch
	// checks, in TorchScript too.
	ErrInvalid = errors.New("invalid argument")
	// ErrOutOfMemory: no memory left, on the CPU or on a device.
	ErrOutOfMemory = errors.New("out of memory")
	// ErrDevice: a device that is absent or failed.
	ErrDevice = errors.New("device error")
	// ErrNotImplemented: libtorch has no kernel or no derivative for what was asked.
	ErrNotImplemented = errors.New("not implemented")
	// ErrModel: a file that is no TorchScript archive, or a failure inside one.
	ErrModel = errors.New("model error")
	// ErrFormat: a file of tensors that is damaged, or of no known format.
	ErrFormat = errors.New("damaged or unknown file")
	// ErrClosed: a tensor, module or generator that was closed before.
	ErrClosed = errors.New("already closed")
	// ErrOther: anything else, such as a failed check of libtorch on itself.
	ErrOther = errors.New("error")
)

// An Error is a failure in libtorch or in the use of this package.
type Error struct {
	// Operation is what was called, as "MatMul".
	Operation string
	// Kind is one of the Err values of this package.
	Kind error
	// Message says what happened, in one line.
	Message string
}

// Error is one line: the operation and what happened.
func (e *Error) Error() string {
	return fmt.Sprintf("torch: %s: %s", e.Operation, e.Message)
}

// Unwrap hands back the kind, for errors.Is.
func (e *Error) Unwrap() error { return e.Kind }

// Try runs f and turns a panic with an [*Error] into an error. Any other panic goes on.
//
//	err := torch.Try(func() error {
//		y = x.MatMul(w)
//		return nil
//	})
func Try(f func() error) (err error) {
	defer func() {
		switch failure := recover().(type) {
		case nil:
		case *Error:
			err = failure
		default:
			panic(failure)
		}
	}()
	return f()
}

func kindOf(number C.int32_t) error {
	switch number {
	case C.CTORCH_ERROR_INVALID:
		return ErrInvalid
	case C.CTORCH_ERROR_OUT_OF_MEMORY:
		return ErrOutOfMemory
	case C.CTORCH_ERROR_DEVICE:
		return ErrDevice
	case C.CTORCH_ERROR_NOT_IMPLEMENTED:
		return ErrNotImplemented
	case C.CTORCH_ERROR_MODEL:
		return ErrModel
	default:
		return ErrOther
	}
}

// takeError turns a C error into a Go error, and frees it. It returns nil for NULL.
func takeError(operation string, e *C.ctorch_error) error {
	deliverWarnings()
	if e == nil {
		return nil
	}
	defer C.ctorch_error_free(e)
	if e.payload != 0 {
		return failureOf(operation, uint64(e.payload))
	}
	return &Error{Operation: operation, Kind: kindOf(e.kind), Message: C.GoString(e.message)}
}

// check panics where a call failed.
func check(operation string, e *C.ctorch_error) {
	deliverWarnings()
	if e != nil {
		panic(takeError(operation, e))
	}
}

func formatError(operation, format string, arguments ...any) *Error {
	return &Error{operation, ErrFormat, fmt.Sprintf(format, arguments...)}
}

func invalid(operation, format string, arguments ...any) *Error {
	return &Error{operation, ErrInvalid, fmt.Sprintf(format, arguments...)}
}
