package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"time"
	"unsafe"
)

// A CUDAEvent is a mark in a [CUDAStream], for another stream or the program to wait for, and to
// take times by.
type CUDAEvent struct {
	handle *handle
}

// CUDAEventOptions are the choices of [NewCUDAEvent].
type CUDAEventOptions struct {
	// Timing lets [CUDAEvent.ElapsedTime] be asked, which makes the event a little dearer.
	Timing bool
}

func freeEvent(p unsafe.Pointer) { C.ctorch_cuda_event_free((*C.ctorch_cuda_event)(p)) }

// NewCUDAEvent makes an event. It belongs to the GPU of the stream that first records it.
func NewCUDAEvent(options CUDAEventOptions) (*CUDAEvent, error) {
	const operation = "NewCUDAEvent"
	if err := checkCUDA(operation); err != nil {
		return nil, err
	}
	result := C.ctorch_cuda_event_new(cBool(options.Timing))
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	e := &CUDAEvent{newHandle(unsafe.Pointer(result.event), handleBytes, freeEvent)}
	closeWhenUnreachable(e, e.handle)
	return e, nil
}

// use enters the event for a call.
func (e *CUDAEvent) use(operation string, call func(*C.ctorch_cuda_event) error) error {
	if e == nil {
		return invalid(operation, "the event is nil")
	}
	if !e.handle.use() {
		return &Error{operation, ErrClosed, "the event is closed"}
	}
	defer e.handle.leave()
	return call((*C.ctorch_cuda_event)(e.handle.pointer))
}

// Record puts the mark behind what was asked of the stream until now. Where it was recorded before,
// the mark moves.
func (e *CUDAEvent) Record(stream CUDAStream) error {
	const operation = "Record"
	if err := stream.Device().check(operation); err != nil {
		return err
	}
	return e.use(operation, func(event *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_record(event, stream.c()))
	})
}

// Query reports whether the GPU has reached the mark; also true where it was never recorded.
func (e *CUDAEvent) Query() (reached bool, err error) {
	const operation = "Query"
	err = e.use(operation, func(event *C.ctorch_cuda_event) error {
		reached, err = answered(operation, C.ctorch_cuda_event_query(event))
		return err
	})
	return reached, err
}

// Synchronize waits until the GPU has reached the mark.
func (e *CUDAEvent) Synchronize() error {
	const operation = "Synchronize"
	return e.use(operation, func(event *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_synchronize(event))
	})
}

// ElapsedTime is the time between the two marks, to about half a microsecond. Both events must have
// been made with Timing, recorded, and reached: call end.Synchronize before.
func (e *CUDAEvent) ElapsedTime(end *CUDAEvent) (elapsed time.Duration, err error) {
	const operation = "ElapsedTime"
	err = e.use(operation, func(first *C.ctorch_cuda_event) error {
		return end.use(operation, func(last *C.ctorch_cuda_event) error {
			result := C.ctorch_cuda_event_elapsed(first, last)
			elapsed = time.Duration(float64(result.milliseconds) * float64(time.Millisecond))
			return takeError(operation, result.error)
		})
	})
	return elapsed, err
}

// Close frees the event. Closing it again does nothing.
func (e *CUDAEvent) Close() {
	if e != nil {
		e.handle.close()
	}
}
