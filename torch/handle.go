package torch

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// acquire marks h as in use for an operation, and returns its pointer. It panics if h is nil or
// closed; what names the kind of object in the message.
func acquire(h *native.Handle, operation, what string) unsafe.Pointer {
	if h == nil {
		panic(invalid(operation, "the %s is nil", what))
	}
	if !h.Use() {
		panic(&Error{operation, ErrClosed, "the " + what + " is closed"})
	}
	return h.Pointer()
}
