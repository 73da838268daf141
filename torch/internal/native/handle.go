package native

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// A Handle owns an object of libtorch. It counts its users, the owner and every call in flight, so
// that closing it while another goroutine is inside a call frees the object after that call.
type Handle struct {
	pointer unsafe.Pointer
	free    func(unsafe.Pointer)
	bytes   int64
	// state is the number of users, in units of handleUser, and three flags.
	state atomic.Int64
}

const (
	// handleClosed is set when the owner has closed the handle.
	handleClosed = 1 << iota
	// handleWatched is set when the owner has a finalizer.
	handleWatched
	// handleOnGPU is set if the bytes are on a GPU.
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

// Open sets up a handle that is a field of its owner, which counts the bytes.
func (h *Handle) Open(pointer unsafe.Pointer, bytes int64, onGPU bool, free func(unsafe.Pointer)) {
	h.pointer, h.free, h.bytes = pointer, free, bytes
	state := int64(handleUser)
	if onGPU {
		state |= handleOnGPU
	}
	h.state.Store(state)
}

// count returns the counter of the handle's bytes.
func (h *Handle) count() *ByteCount {
	if h.state.Load()&handleOnGPU != 0 {
		return GPUBytes
	}
	return CPUBytes
}

// Pointer returns the object. It is valid between Use and Leave.
func (h *Handle) Pointer() unsafe.Pointer { return h.pointer }

// Bytes returns the amount of memory that the handle counts.
func (h *Handle) Bytes() int64 { return h.bytes }

// OnGPU reports whether the bytes are a GPU's.
func (h *Handle) OnGPU() bool { return h.state.Load()&handleOnGPU != 0 }

// IsClosed reports whether the owner has closed the handle.
func (h *Handle) IsClosed() bool { return h.state.Load()&handleClosed != 0 }

// Use marks the handle as in use for a call, and reports whether it is open.
func (h *Handle) Use() bool {
	if h == nil { // of a zero value
		return false
	}
	for {
		state := h.state.Load()
		if state&handleClosed != 0 || state < handleUser { // closed, or never opened
			return false
		}
		if h.state.CompareAndSwap(state, state+handleUser) {
			return true
		}
	}
}

// Leave ends a use, and frees a closed object that has no other user.
func (h *Handle) Leave() {
	if h.state.Add(-handleUser) < handleUser {
		h.free(h.pointer)
		h.count().Removed(h.bytes)
	}
}

// Close closes the handle, once.
func (h *Handle) Close() {
	if h.GiveUp() {
		h.free(h.pointer)
		h.count().Removed(h.bytes)
	}
}

// GiveUp is Close without freeing; it reports whether the caller must free the object.
func (h *Handle) GiveUp() bool {
	if h == nil { // of a zero value
		return false
	}
	for {
		state := h.state.Load()
		if state&handleClosed != 0 || state < handleUser {
			return false
		}
		if h.state.CompareAndSwap(state, state-handleUser+handleClosed) {
			return state < 2*handleUser
		}
	}
}

// WatchOnce reports whether the owner needs a finalizer: it is open and has none yet.
func (h *Handle) WatchOnce() bool {
	return h.state.Load()&(handleClosed|handleWatched) == 0 && h.state.Or(handleWatched)&handleWatched == 0
}

// IsWatched reports whether the owner has a finalizer.
func (h *Handle) IsWatched() bool { return h.state.Load()&handleWatched != 0 }

// CloseWhenUnreachable closes h when the garbage collector finds its owner unreachable.
func CloseWhenUnreachable[T any](owner *T, h *Handle) {
	runtime.AddCleanup(owner, (*Handle).Close, h)
}
