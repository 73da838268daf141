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
	// state is the number of users in units of handleUser, and the two marks.
	state atomic.Int64
}

const (
	// handleClosed marks that the owner has given the handle up.
	handleClosed = 1 << iota
	// handleWatched marks that the garbage collector watches the owner.
	handleWatched
	// handleOnGPU marks that the bytes are a GPU's.
	handleOnGPU
	// handleUser is one user.
	handleUser
)

// newHandle makes a handle whose bytes are counted until it is freed.
func newHandle(pointer unsafe.Pointer, bytes int64, free func(unsafe.Pointer)) *handle {
	h := &handle{}
	h.open(pointer, bytes, false, free)
	h.count().added(bytes)
	return h
}

// open sets up a handle that is part of something, which counts the bytes.
func (h *handle) open(pointer unsafe.Pointer, bytes int64, onGPU bool, free func(unsafe.Pointer)) {
	h.pointer, h.free, h.bytes = pointer, free, bytes
	state := int64(handleUser)
	if onGPU {
		state |= handleOnGPU
	}
	h.state.Store(state)
}

// count is where the handle's bytes are counted.
func (h *handle) count() *byteCount {
	if h.state.Load()&handleOnGPU != 0 {
		return gpuBytes
	}
	return cpuBytes
}

func (h *handle) isClosed() bool { return h.state.Load()&handleClosed != 0 }

// use enters the handle for a call, and reports whether it is still open.
func (h *handle) use() bool {
	for {
		state := h.state.Load()
		if state&handleClosed != 0 {
			return false
		}
		if h.state.CompareAndSwap(state, state+handleUser) {
			return true
		}
	}
}

// leave ends what use began, and frees what is closed and nobody uses any more.
func (h *handle) leave() {
	if h.state.Add(-handleUser) < handleUser {
		h.free(h.pointer)
		h.count().removed(h.bytes)
	}
}

// close gives up ownership, once.
func (h *handle) close() {
	if h.giveUp() {
		h.free(h.pointer)
		h.count().removed(h.bytes)
	}
}

// giveUp is close without the freeing, and reports whether that is to be done.
func (h *handle) giveUp() bool {
	for {
		state := h.state.Load()
		if state&handleClosed != 0 {
			return false
		}
		if h.state.CompareAndSwap(state, state-handleUser+handleClosed) {
			return state < 2*handleUser
		}
	}
}

// watchOnce reports whether the garbage collector is to watch the owner: it is open, and not
// watched yet.
func (h *handle) watchOnce() bool {
	return h.state.Load()&(handleClosed|handleWatched) == 0 && h.state.Or(handleWatched)&handleWatched == 0
}

func (h *handle) isWatched() bool { return h.state.Load()&handleWatched != 0 }

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
