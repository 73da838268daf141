package torch

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// acquire enters h for operation, and panics where there is nothing to enter. what names the kind
// of thing in the message.
func acquire(h *native.Handle, operation, what string) unsafe.Pointer {
	if h == nil {
		panic(invalid(operation, "the %s is nil", what))
	}
	if !h.Use() {
		panic(&Error{operation, ErrClosed, "the " + what + " is closed"})
	}
	return h.Pointer()
}
