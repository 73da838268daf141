package cuda

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"runtime"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A Stream is a queue of work on a GPU. Work in one stream is done in order; work in two streams
// may overlap. Operators use the stream that is current on their OS thread: the GPU's default
// stream, or the one set by [WithStream].
//
// A stream is a plain value that need not be closed: libtorch has a pool of 32 streams for each GPU
// and priority, which it assigns in turn. The zero value is the default stream of the first GPU.
type Stream struct {
	id     int64
	device int
}

func (s Stream) c() C.ctorch_cuda_stream {
	return C.ctorch_cuda_stream{id: C.int64_t(s.id), device: C.int32_t(s.device)}
}

func madeStream(operation string, result C.ctorch_cuda_stream_result) (Stream, error) {
	if result.error != nil {
		return Stream{}, takeError(operation, result.error)
	}
	return Stream{int64(result.stream.id), int(result.stream.device)}, nil
}

// NewStream returns a stream of a GPU from libtorch's pool. Streams with lower numbers have higher
// priority: 0 is the default, and negative numbers are more urgent, as far as the GPU has levels.
func NewStream(device torch.Device, priority int) (Stream, error) {
	const operation = "cuda.NewStream"
	if err := checkGPU(operation, device); err != nil {
		return Stream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_new(C.int32_t(device.Index()), C.int32_t(priority)))
}

// CurrentStream returns the stream that operators on this goroutine use: that of [WithStream], or
// else the default one.
func CurrentStream(device torch.Device) (Stream, error) {
	const operation = "cuda.CurrentStream"
	if err := checkGPU(operation, device); err != nil {
		return Stream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_current(C.int32_t(device.Index())))
}

// DefaultStream returns the stream of a GPU that is current unless [WithStream] sets another.
func DefaultStream(device torch.Device) (Stream, error) {
	const operation = "cuda.DefaultStream"
	if err := checkGPU(operation, device); err != nil {
		return Stream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_default(C.int32_t(device.Index())))
}

// Device returns the GPU that the stream belongs to.
func (s Stream) Device() torch.Device { return torch.CUDA(s.device) }

// String returns the stream's GPU and libtorch's number.
func (s Stream) String() string { return fmt.Sprintf("stream(cuda:%d, %d)", s.device, s.id) }

// Synchronize waits until all work queued in the stream is done.
func (s Stream) Synchronize() error {
	const operation = "Synchronize"
	if err := bridge.CheckDevice(operation, s.Device()); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_stream_synchronize(s.c()))
}

// Query reports whether all work queued in the stream is done.
func (s Stream) Query() (bool, error) {
	const operation = "Query"
	if err := bridge.CheckDevice(operation, s.Device()); err != nil {
		return false, err
	}
	return answered(operation, C.ctorch_cuda_stream_query(s.c()))
}

func answered(operation string, answer C.ctorch_cuda_answer) (bool, error) {
	if answer.error != nil {
		return false, takeError(operation, answer.error)
	}
	return answer.yes != 0, nil
}

// WaitEvent makes later work in the stream wait until the event is reached. The call itself does
// not wait.
func (s Stream) WaitEvent(event *Event) error {
	const operation = "WaitEvent"
	if err := bridge.CheckDevice(operation, s.Device()); err != nil {
		return err
	}
	return event.use(operation, func(e *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_wait(e, s.c()))
	})
}

// WaitStream makes later work in the stream wait for the work queued in other so far. The call
// itself does not wait.
func (s Stream) WaitStream(other Stream) error {
	event, err := NewEvent(EventOptions{})
	if err != nil {
		return err
	}
	defer event.Close()
	if err := event.Record(other); err != nil {
		return err
	}
	return s.WaitEvent(event)
}

// WithStream runs f with the stream, and its GPU, current. The setting holds for f's goroutine
// alone, which stays on its OS thread while f runs. If the error is not nil, f did not run.
//
// If a tensor is made in one stream and used in another, two things are up to the program. The
// other stream must wait for the first, see [Stream.WaitStream]. And if the tensor may be freed,
// also by the garbage collector, before the other stream is done with it, call [RecordStream].
//
//	side, err := cuda.NewStream(torch.CUDA(0), 0)
//	...
//	err = side.WaitStream(current)
//	err = cuda.WithStream(side, func() { y = model(x) })
//	err = current.WaitStream(side)
//	err = cuda.RecordStream(y, current)
func WithStream(stream Stream, f func()) error {
	const operation = "cuda.WithStream"
	if f == nil {
		return invalid(operation, "the function is nil")
	}
	if err := bridge.CheckDevice(operation, stream.Device()); err != nil {
		return err
	}
	return within(operation, func() C.ctorch_cuda_place { return C.ctorch_cuda_enter_stream(stream.c()) }, f)
}

// WithDevice runs f with the given GPU current, as captures of a [Graph] need. Tensors are made on
// the device in their options, whichever GPU is current. f stays on its OS thread. If the error is
// not nil, f did not run.
func WithDevice(device torch.Device, f func()) error {
	const operation = "cuda.WithDevice"
	if f == nil {
		return invalid(operation, "the function is nil")
	}
	if err := checkGPU(operation, device); err != nil {
		return err
	}
	return within(operation, func() C.ctorch_cuda_place { return C.ctorch_cuda_enter_device(C.int32_t(device.Index())) }, f)
}

func within(operation string, enter func() C.ctorch_cuda_place, f func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := enter()
	if before.error != nil {
		return takeError(operation, before.error)
	}
	defer C.ctorch_cuda_leave(before)
	f()
	return nil
}

// RecordStream delays the reuse of a tensor's memory, once the tensor is freed, until the work
// queued in the stream at that time is done. It is for a tensor that was made while another stream
// was current; see [WithStream].
func RecordStream(tensor *torch.Tensor, stream Stream) error {
	const operation = "cuda.RecordStream"
	if err := bridge.CheckDevice(operation, stream.Device()); err != nil {
		return err
	}
	return torch.Try(func() error {
		self := (*C.ctorch_tensor)(bridge.Enter(operation, tensor))
		defer bridge.Leave(tensor)
		return takeError(operation, C.ctorch_tensor_record_stream(self, stream.c()))
	})
}
