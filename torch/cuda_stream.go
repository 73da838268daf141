package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"runtime"
)

// A CUDAStream is a queue of work on a GPU: what is asked of one stream is done in order, what is
// asked of two may be done at once. Operators ask the stream that is current on their OS thread:
// the GPU's default stream, or the one that [WithStream] made current.
//
// A stream is a plain value that need not be closed: libtorch has a pool of 32 for each GPU and
// priority, which it hands out in turn. The zero value is the default stream of the first GPU.
type CUDAStream struct {
	id     int64
	device int
}

func (s CUDAStream) c() C.ctorch_cuda_stream {
	return C.ctorch_cuda_stream{id: C.int64_t(s.id), device: C.int32_t(s.device)}
}

func madeStream(operation string, result C.ctorch_cuda_stream_result) (CUDAStream, error) {
	if result.error != nil {
		return CUDAStream{}, takeError(operation, result.error)
	}
	return CUDAStream{int64(result.stream.id), int(result.stream.device)}, nil
}

// checkGPU is check for what the CPU does not have.
func (d Device) checkGPU(operation string) error {
	if !d.cuda {
		return invalid(operation, "the device is the CPU; name a GPU")
	}
	return d.check(operation)
}

// NewCUDAStream takes a stream of a GPU from libtorch's pool. Work in streams of lower priority
// numbers is begun first: 0 is the default, -1 and less are more urgent, as far as the GPU has levels.
func NewCUDAStream(device Device, priority int) (CUDAStream, error) {
	const operation = "NewCUDAStream"
	if err := device.checkGPU(operation); err != nil {
		return CUDAStream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_new(C.int32_t(device.index), C.int32_t(priority)))
}

// CurrentCUDAStream is the stream of a GPU that operators ask on this goroutine: inside
// [WithStream] that stream, else the default one.
func CurrentCUDAStream(device Device) (CUDAStream, error) {
	const operation = "CurrentCUDAStream"
	if err := device.checkGPU(operation); err != nil {
		return CUDAStream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_current(C.int32_t(device.index)))
}

// DefaultCUDAStream is the stream of a GPU that is current where nobody chose another.
func DefaultCUDAStream(device Device) (CUDAStream, error) {
	const operation = "DefaultCUDAStream"
	if err := device.checkGPU(operation); err != nil {
		return CUDAStream{}, err
	}
	return madeStream(operation, C.ctorch_cuda_stream_default(C.int32_t(device.index)))
}

// Device is the GPU that the stream belongs to.
func (s CUDAStream) Device() Device { return CUDA(s.device) }

// String names the stream by its GPU and libtorch's number.
func (s CUDAStream) String() string { return fmt.Sprintf("stream(cuda:%d, %d)", s.device, s.id) }

// Synchronize waits until the stream has done all that was asked of it.
func (s CUDAStream) Synchronize() error {
	const operation = "Synchronize"
	if err := s.Device().check(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_stream_synchronize(s.c()))
}

// Query reports whether the stream has done all that was asked of it.
func (s CUDAStream) Query() (bool, error) {
	const operation = "Query"
	if err := s.Device().check(operation); err != nil {
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

// WaitEvent has what is asked of the stream from now on wait until the event's mark is reached. It
// does not wait itself.
func (s CUDAStream) WaitEvent(event *CUDAEvent) error {
	const operation = "WaitEvent"
	if err := s.Device().check(operation); err != nil {
		return err
	}
	return event.use(operation, func(e *C.ctorch_cuda_event) error {
		return takeError(operation, C.ctorch_cuda_event_wait(e, s.c()))
	})
}

// WaitStream has what is asked of the stream from now on wait until other has done what was asked of
// it until now. It does not wait itself.
func (s CUDAStream) WaitStream(other CUDAStream) error {
	event, err := NewCUDAEvent(CUDAEventOptions{})
	if err != nil {
		return err
	}
	defer event.Close()
	if err := event.Record(other); err != nil {
		return err
	}
	return s.WaitEvent(event)
}

// WithStream runs f with the stream, and its GPU, current. It holds its OS thread while f runs, and
// what f starts in other goroutines is not affected. Where the error is not nil, f did not run.
//
// A tensor that was made while one stream was current and is used in another needs two things that
// libtorch does not see to: the other stream must wait for the first ([CUDAStream.WaitStream]), and
// where the tensor may be freed before the other is done with it, that must be told
// ([Tensor.RecordStream]). The garbage collector frees too.
//
//	side, err := torch.NewCUDAStream(torch.CUDA(0), 0)
//	...
//	err = side.WaitStream(current)
//	err = torch.WithStream(side, func() { y = model(x) })
//	err = current.WaitStream(side)
//	y.RecordStream(current)
func WithStream(stream CUDAStream, f func()) error {
	const operation = "WithStream"
	if err := stream.Device().check(operation); err != nil {
		return err
	}
	return within(operation, func() C.ctorch_cuda_place { return C.ctorch_cuda_enter_stream(stream.c()) }, f)
}

// WithDevice runs f with the GPU current: the one on which f captures a [CUDAGraph]. Tensors are made
// on the device that their options name, whichever is current. It holds its OS thread while f runs.
// Where the error is not nil, f did not run.
func WithDevice(device Device, f func()) error {
	const operation = "WithDevice"
	if err := device.checkGPU(operation); err != nil {
		return err
	}
	return within(operation, func() C.ctorch_cuda_place { return C.ctorch_cuda_enter_device(C.int32_t(device.index)) }, f)
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

// RecordStream keeps t's memory from being used again, once t is freed, before the stream has done
// what was asked of it until then. It is for a tensor that was made while another stream was
// current; see [WithStream].
func (t *Tensor) RecordStream(stream CUDAStream) {
	const operation = "RecordStream"
	if err := stream.Device().check(operation); err != nil {
		panic(err)
	}
	self := t.acquire(operation)
	defer t.release()
	check(operation, C.ctorch_tensor_record_stream(self, stream.c()))
}
