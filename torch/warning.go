package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"
)

// SetWarningHandler sets the function that is called with each of libtorch's warnings, one line
// each, for example that an operator is deprecated. nil drops warnings. The default is
// [LogWarningsOnce].
//
// The handler runs on the goroutine whose call finds the warning when libtorch returns. That is
// mostly the call that caused it, but may be a later one or one on another goroutine. The handler
// is never called concurrently, and may use this package.
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

// LogWarningsOnce returns a handler for [SetWarningHandler] that logs each message once with
// [slog.Warn], and stops after 1000 different messages, since messages may contain shapes.
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

// delivering is held while warnings are handed to the handler.
var delivering sync.Mutex

// deliverWarnings hands waiting warnings to the handler. It runs whenever libtorch returns,
// including in the handler's own calls. If another goroutine is delivering, that one picks up the
// new warnings: it looks again before it ends.
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
