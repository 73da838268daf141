package cuda

// #include "ctorch/ctorch.h"
import "C"

import (
	"time"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// An Event marks a position in a [Stream], for another stream or the program to wait for, and for
// measuring time.
type Event struct {
	handle *native.Handle
}

// EventOptions are the options of [NewEvent].
type EventOptions struct {
	// Timing enables [Event.ElapsedTime], at a small cost.
	Timing bool
}

func freeEvent(p unsafe.Pointer) { C.ctorch_cuda_event_free((*C.ctorch_cuda_event)(p)) }

// NewEvent returns an event. It belongs to the GPU of the stream that first records it.
func NewEvent(options EventOptions) (*Event, error) {
	const operation = "cuda.NewEvent"
	if err := checkCUDA(operation); err != nil {
		return nil, err
	}
	result := C.ctorch_cuda_event_new(cBool(options.Timing))
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	e := &Event{native.New(unsafe.Pointer(result.event), native.HandleBytes, freeEvent)}
	native.CloseWhenUnreachable(e, e.handle)
	return e, nil
}

// use marks the event as in use for a call.
func (e *Event) use(operation string, call func(*C.ctorch_cuda_event) error) error {
	if e == nil {
		return invalid(operation, "the event is nil")
	}
	if !e.handle.Use() {
		return &torch.Error{Operation: operation, Kind: torch.ErrClosed, Message: "the event is closed"}
	}
	defer e.handle.Leave()
	return call((*C.ctorch_cuda_event)(e.handle.Pointer()))
}

// Record records the event in a stream: it is reached when all work queued in the stream so far is
// done. Recording it again moves it.
func (e *Event) Record(stream Stream) error {
	const operation = "Record"
	if err := bridge.CheckDevice(operation, stream.Device()); err != nil {
		return err
	}
	return e.use(operation, func(event *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_record(event, stream.c()))
	})
}

// Query reports whether the GPU has reached the event. It returns true if the event was never
// recorded.
func (e *Event) Query() (reached bool, err error) {
	const operation = "Query"
	err = e.use(operation, func(event *C.ctorch_cuda_event) error {
		reached, err = answered(operation, C.ctorch_cuda_event_query(event))
		return err
	})
	return reached, err
}

// Synchronize waits until the GPU has reached the event.
func (e *Event) Synchronize() error {
	const operation = "Synchronize"
	return e.use(operation, func(event *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_synchronize(event))
	})
}

// ElapsedTime returns the time between e and end, with a resolution of about half a microsecond.
// Both must have been made with Timing, recorded, and reached: call end.Synchronize before.
func (e *Event) ElapsedTime(end *Event) (elapsed time.Duration, err error) {
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
func (e *Event) Close() {
	if e != nil {
		e.handle.Close()
	}
}
