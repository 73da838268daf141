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

// What libtorch calls back, and what a callback panicked with, is kept here under a number, which
// C++ knows it by. C++ says which numbers it needs no more by putting them on a list: it does so in
// destructors, which run inside any call and on any thread, where Go cannot be called.
type callbackTable struct {
	mutex  sync.Mutex
	last   uint64
	values map[uint64]any
}

var callbacks = callbackTable{values: map[uint64]any{}}

// forgotten is the length of C++'s list.
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

// clean lets go of what C++ needs no more. It costs next to nothing where that is nothing.
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

// A callback is what C++ calls: a function's backward, or a hook.
type callback interface {
	// name is for errors: "the backward of Clamp".
	name() string
	// run does the work, and panics where it fails.
	run(call *C.ctorch_call)
}

func cCallback() C.ctorch_callback { return C.ctorch_callback(C.ctorchGoCallback) }

// ctorchGoCallback runs on the thread that the backward pass runs on, which may be one of
// libtorch's. No panic leaves it: C++ carries the failure to the call that began the pass.
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
			// runtime.Goexit: nothing holds it up, so it leaves out C++'s frames, and with them what
			// they would have set right of the thread's state. The thread ends with the goroutine
			// if that is locked to it.
			runtime.LockOSThread()
		}
	}()
	// What the callback makes is freed at its end; what C++ takes of it lives on.
	runScope(callbackScope, func(*TensorScope) { callback.run(call) })
	returned = true
}

// fail has the call that led to a callback fail, with the error or the value that it panicked with.
func fail(call *C.ctorch_call, name string, value any) {
	var failure error
	switch value := value.(type) {
	case *Error:
		message := name + ": " + value.Message
		if value.Operation != name {
			message = name + ": " + value.Operation + ": " + value.Message
		}
		failure = &Error{value.Operation, value.Kind, message}
	case *CallbackPanic: // of a backward pass inside this one
		failure = value
	default:
		failure = &CallbackPanic{Name: name, Value: value, Stack: debug.Stack()}
	}
	// Whoever does not look at the payload has the text: TorchScript passes on nothing else.
	text, free := cText(failure.Error())
	defer free()
	C.ctorch_call_fail(call, C.CTORCH_ERROR_OTHER, text, C.uint64_t(callbacks.add(failure)))
}

// failureOf is what a callback failed with, as an error of the operation that it came to.
func failureOf(operation string, payload uint64) error {
	failure, _ := callbacks.take(payload).(error)
	if err, ok := failure.(*Error); ok {
		return &Error{operation, err.Kind, err.Message}
	}
	return failure
}

// A CallbackPanic is what a call panics with where Go code that libtorch called back (the backward
// of a [Function], a hook) panicked with anything else than an [*Error]. An [*Error] becomes the
// error of the call.
type CallbackPanic struct {
	// Name says whose code it was, as "the backward of Clamp".
	Name string
	// Value is what the code panicked with.
	Value any
	// Stack is where, as [debug.Stack] gives it.
	Stack []byte
}

// Error is the value and the stack.
func (p *CallbackPanic) Error() string {
	return fmt.Sprintf("torch: panic in %s: %v\n\n%s", p.Name, p.Value, p.Stack)
}

// Unwrap is the value, where it is an error.
func (p *CallbackPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
