package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"fmt"
)

// The kinds of errors, for [errors.Is].
var (
	// ErrInvalid: shapes, dtypes, indices or other arguments that do not fit, found by this package
	// or by libtorch, in TorchScript too.
	ErrInvalid = errors.New("invalid argument")
	// ErrOutOfMemory: the CPU or a GPU has no memory left.
	ErrOutOfMemory = errors.New("out of memory")
	// ErrDevice: a device does not exist or failed.
	ErrDevice = errors.New("device error")
	// ErrNotImplemented: libtorch has no kernel or no derivative for the operation.
	ErrNotImplemented = errors.New("not implemented")
	// ErrModel: a file is not a TorchScript archive, or the code in one failed.
	ErrModel = errors.New("model error")
	// ErrFormat: a file of tensors is damaged or of an unknown format.
	ErrFormat = errors.New("damaged or unknown file")
	// ErrClosed: a tensor, module or generator was used after it was closed.
	ErrClosed = errors.New("already closed")
	// ErrOther: any other failure, such as a failed internal check of libtorch.
	ErrOther = errors.New("error")
)

// An Error is a failure in libtorch or in the use of this package.
type Error struct {
	// Operation is the operation that failed, such as "MatMul".
	Operation string
	// Kind is one of the Err variables of this package.
	Kind error
	// Message says in one line what happened.
	Message string
}

// Error returns one line with the operation and what happened.
func (e *Error) Error() string {
	return fmt.Sprintf("torch: %s: %s", e.Operation, e.Message)
}

// Unwrap returns the kind, for [errors.Is].
func (e *Error) Unwrap() error { return e.Kind }

// Try runs f and returns a panic with an [*Error] as an error. Other panics continue.
//
//	err := torch.Try(func() error {
//		y = x.MatMul(w)
//		return nil
//	})
func Try(f func() error) (err error) {
	if f == nil {
		return noFunction("Try")
	}
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

// takeError converts a C error to a Go error and frees it. It returns nil for NULL.
func takeError(operation string, e *C.ctorch_error) error {
	deliverWarnings()
	if e == nil {
		return nil
	}
	defer C.ctorch_error_free(e)
	if e.payload != 0 {
		return failureOf(operation, uint64(e.payload))
	}
	return &Error{Operation: operation, Kind: kindOf(e.kind), Message: inOurWords(C.GoString(e.message))}
}

// check panics if a call failed.
func check(operation string, e *C.ctorch_error) {
	deliverWarnings()
	if e != nil {
		panic(takeError(operation, e))
	}
}

func formatError(operation, format string, arguments ...any) *Error {
	return &Error{operation, ErrFormat, fmt.Sprintf(format, arguments...)}
}

// noFunction is the error for a function that is nil.
func noFunction(operation string) *Error { return invalid(operation, "the function is nil") }

// mustBeGiven panics if a function is nil.
func mustBeGiven(operation string, isNil bool) {
	if isNil {
		panic(noFunction(operation))
	}
}

func invalid(operation, format string, arguments ...any) *Error {
	return &Error{operation, ErrInvalid, fmt.Sprintf(format, arguments...)}
}
