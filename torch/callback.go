package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
//
// void ctorchGoCallback(uint64_t number, ctorch_call *call);
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"
)

// callbackTable keeps what libtorch calls back, and what callbacks panicked with, under a number
// that C++ knows it by. C++ releases a number by putting it on a list. It does so in destructors,
// which run inside any call and on any thread, where Go cannot be called.
type callbackTable struct {
	mutex  sync.Mutex
	last   uint64
	values map[uint64]any
}

var callbacks = callbackTable{values: map[uint64]any{}}

// forgotten is the length of C++'s list of released numbers.
var forgotten = (*atomic.Int64)(unsafe.Pointer(C.ctorch_forgotten_count()))

func (c *callbackTable) add(value any) uint64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.last++
	c.values[c.last] = value
	return c.last
}

func (c *callbackTable) get(number uint64) any {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.values[number]
}

func (c *callbackTable) take(number uint64) any {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	value := c.values[number]
	delete(c.values, number)
	return value
}

// clean drops the values that C++ has released. It costs an atomic load where there are none.
func (c *callbackTable) clean() {
	for forgotten.Load() > 0 {
		var numbers [64]C.uint64_t
		taken := C.ctorch_take_forgotten(&numbers[0], C.int64_t(len(numbers)))
		c.mutex.Lock()
		for _, number := range numbers[:taken] {
			delete(c.values, uint64(number))
		}
		c.mutex.Unlock()
	}
}

// A callback is something that C++ calls: a function's backward, or a hook.
type callback interface {
	// name is used in errors, as "the backward of Clamp".
	name() string
	// run does the work, and panics on failure.
	run(call *C.ctorch_call)
}

func cCallback() C.ctorch_callback { return C.ctorch_callback(C.ctorchGoCallback) }

// ctorchGoCallback runs on the thread of the backward pass, which may belong to libtorch. No panic
// leaves it: C++ carries the failure to the call that began the pass.
//
//export ctorchGoCallback
func ctorchGoCallback(number C.uint64_t, call *C.ctorch_call) {
	callback, ok := callbacks.get(uint64(number)).(callback)
	if !ok {
		return // a hook that was removed meanwhile
	}
	returned := false
	defer func() {
		switch value := recover(); {
		case returned:
		case value != nil:
			fail(call, callback.name(), value)
		default:
			// runtime.Goexit cannot be stopped. It skips C++'s frames, and with them what they
			// would have restored of the thread's state. A locked thread ends with its goroutine.
			runtime.LockOSThread()
		}
	}()
	// What the callback makes is freed at its end; C++ holds references of its own to the results.
	runScope(callbackScope, func(*TensorScope) { callback.run(call) })
	returned = true
}

// fail makes the call that led to a callback fail, with the error or the value that the callback
// panicked with.
func fail(call *C.ctorch_call, name string, value any) {
	var failure error
	switch value := value.(type) {
	case *Error:
		message := name + ": " + value.Message
		if value.Operation != name {
			message = name + ": " + value.Operation + ": " + value.Message
		}
		failure = &Error{value.Operation, value.Kind, message}
	case *CallbackPanic: // from a backward pass inside this one
		failure = value
	default:
		failure = &CallbackPanic{Name: name, Value: value, Stack: debug.Stack()}
	}
	// The text is for callers that do not read the payload; TorchScript passes on nothing else.
	text, free := cText(failure.Error())
	defer free()
	C.ctorch_call_fail(call, C.CTORCH_ERROR_OTHER, text, C.uint64_t(callbacks.add(failure)))
}

// failureOf returns what a callback failed with, as an error of the operation that called it.
func failureOf(operation string, payload uint64) error {
	failure, _ := callbacks.take(payload).(error)
	if err, ok := failure.(*Error); ok {
		return &Error{operation, err.Kind, err.Message}
	}
	return failure
}

// A CallbackPanic is the panic value of a call during which Go code that libtorch called back (the
// Backward of a [Function], or a hook) panicked with anything but an [*Error]. An [*Error] becomes
// the error of the call instead.
type CallbackPanic struct {
	// Name says which code panicked, as "the backward of Clamp".
	Name string
	// Value is the value that the code panicked with.
	Value any
	// Stack is the stack trace of the panic, as [debug.Stack] formats it.
	Stack []byte
}

// Error returns the value and the stack trace.
func (p *CallbackPanic) Error() string {
	return fmt.Sprintf("torch: panic in %s: %v\n\n%s", p.Name, p.Value, p.Stack)
}

// Unwrap returns the value if it is an error, else nil.
func (p *CallbackPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
