package native

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A Handle owns something of libtorch's. It counts who is using it: the owner, and every call in
// flight, so that closing it while another goroutine is inside a call frees it after that call.
type Handle struct {
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

// New makes a handle whose bytes are counted until it is freed.
func New(pointer unsafe.Pointer, bytes int64, free func(unsafe.Pointer)) *Handle {
	h := &Handle{}
	h.Open(pointer, bytes, false, free)
	h.count().Added(bytes)
	return h
}

// Open sets up a handle that is part of something, which counts the bytes.
func (h *Handle) Open(pointer unsafe.Pointer, bytes int64, onGPU bool, free func(unsafe.Pointer)) {
	h.pointer, h.free, h.bytes = pointer, free, bytes
	state := int64(handleUser)
	if onGPU {
		state |= handleOnGPU
	}
	h.state.Store(state)
}

// count is where the handle's bytes are counted.
func (h *Handle) count() *ByteCount {
	if h.state.Load()&handleOnGPU != 0 {
		return GPUBytes
	}
	return CPUBytes
}

// Pointer is what the handle owns. It is valid between Use and Leave.
func (h *Handle) Pointer() unsafe.Pointer { return h.pointer }

// Bytes is how much memory the handle counts, and OnGPU whether it is a GPU's.
func (h *Handle) Bytes() int64 { return h.bytes }

// OnGPU reports whether the bytes are a GPU's.
func (h *Handle) OnGPU() bool { return h.state.Load()&handleOnGPU != 0 }

// IsClosed reports whether the owner has given the handle up.
func (h *Handle) IsClosed() bool { return h.state.Load()&handleClosed != 0 }

// Use enters the handle for a call, and reports whether it is still open.
func (h *Handle) Use() bool {
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

// Leave ends what Use began, and frees what is closed and nobody uses any more.
func (h *Handle) Leave() {
	if h.state.Add(-handleUser) < handleUser {
		h.free(h.pointer)
		h.count().Removed(h.bytes)
	}
}

// Close gives up ownership, once.
func (h *Handle) Close() {
	if h.GiveUp() {
		h.free(h.pointer)
		h.count().Removed(h.bytes)
	}
}

// GiveUp is Close without the freeing, and reports whether that is to be done.
func (h *Handle) GiveUp() bool {
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

// WatchOnce reports whether the garbage collector is to watch the owner: it is open, and not
// watched yet.
func (h *Handle) WatchOnce() bool {
	return h.state.Load()&(handleClosed|handleWatched) == 0 && h.state.Or(handleWatched)&handleWatched == 0
}

// IsWatched reports whether the garbage collector watches the owner.
func (h *Handle) IsWatched() bool { return h.state.Load()&handleWatched != 0 }

// CloseWhenUnreachable is the backstop for owners that are never closed.
func CloseWhenUnreachable[T any](owner *T, h *Handle) {
	runtime.AddCleanup(owner, (*Handle).Close, h)
}
