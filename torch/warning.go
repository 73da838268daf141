package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"
)

// SetWarningHandler says what is called with each of libtorch's warnings: one line, as that an
// operator is deprecated or a gradient undefined. nil drops them. At start it is
// [LogWarningsOnce].
//
// The handler is called on the goroutine whose call finds that there is a warning, after libtorch
// has returned. That is mostly the call that caused it, yet may be a call on another goroutine, or
// the next one: the handler must be safe for that. It is called for one warning at a time, and may
// use this package.
func SetWarningHandler(handler func(message string)) {
	if handler == nil {
		handler = func(string) {}
	}
	warningHandler.Store(&handler)
}

var (
	warningHandler = func() *atomic.Pointer[func(message string)] {
		var handler atomic.Pointer[func(message string)]
		atStart := LogWarningsOnce()
		handler.Store(&atStart)
		return &handler
	}()
	// warningsWaiting is in C's memory: reading it costs no call.
	warningsWaiting = (*int32)(unsafe.Pointer(C.ctorch_warnings_waiting()))
)

// LogWarningsOnce is a handler for [SetWarningHandler] that logs each message once with [slog.Warn],
// and stops after 1000 messages: a message with a shape in it may come without end.
func LogWarningsOnce() func(message string) {
	const most = 1000
	var mutex sync.Mutex
	seen := map[string]bool{}
	return func(message string) {
		mutex.Lock()
		known := seen[message] || len(seen) == most
		if !known {
			seen[message] = true
		}
		mutex.Unlock()
		if !known {
			slog.Warn("libtorch: " + message)
		}
	}
}

// delivering is held while warnings are handed over.
var delivering sync.Mutex

// deliverWarnings hands waiting warnings to the handler. It is called wherever libtorch returns, in
// the handler's own calls too, so whoever finds that warnings are being handed over leaves its own to
// that: it looks again before it ends.
func deliverWarnings() {
	for atomic.LoadInt32(warningsWaiting) != 0 && delivering.TryLock() {
		takeWarnings()
	}
}

func takeWarnings() {
	defer delivering.Unlock()
	for {
		text := C.ctorch_warning_take()
		if text == nil {
			return
		}
		message := C.GoString(text)
		C.ctorch_warning_free(text)
		(*warningHandler.Load())(message)
	}
}
