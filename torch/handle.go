package torch

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A handle owns something of libtorch's. It counts who is using it: the owner, and every call in
// flight, so that closing it while another goroutine is inside a call frees it after that call.
type handle struct {
	pointer unsafe.Pointer
	free    func(unsafe.Pointer)
	bytes   int64
	users   atomic.Int64
	closed  atomic.Bool
}

func newHandle(pointer unsafe.Pointer, bytes int64, free func(unsafe.Pointer)) *handle {
	h := &handle{pointer: pointer, free: free, bytes: bytes}
	h.users.Store(1)
	return h
}

// use enters the handle for a call, and reports whether it is still open.
func (h *handle) use() bool {
	for {
		users := h.users.Load()
		if users == 0 || h.closed.Load() {
			return false
		}
		if h.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

// leave ends what use or newHandle began, and frees what nobody uses any more.
func (h *handle) leave() {
	if h.users.Add(-1) == 0 {
		h.free(h.pointer)
		nativeBytes.removed(h.bytes)
	}
}

// close gives up ownership, once.
func (h *handle) close() {
	if h.closed.CompareAndSwap(false, true) {
		h.leave()
	}
}

// acquire enters h for operation, and panics where there is nothing to enter. what names the kind
// of thing in the message.
func (h *handle) acquire(operation, what string) unsafe.Pointer {
	if h == nil {
		panic(invalid(operation, "the %s is nil", what))
	}
	if !h.use() {
		panic(&Error{operation, ErrClosed, "the " + what + " is closed"})
	}
	return h.pointer
}

// closeWhenUnreachable is the backstop for owners that are never closed.
func closeWhenUnreachable[T any](owner *T, h *handle) {
	runtime.AddCleanup(owner, (*handle).close, h)
}
