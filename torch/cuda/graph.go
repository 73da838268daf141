package cuda

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// A Graph is captured work on a GPU that can be launched again with one call, without the cost of
// launching each operator. That helps if the GPU finishes many small operators faster than the
// program can launch them.
//
// [Graph.Capture] runs a function and records the work that it launches; the work is not done then,
// and [Graph.Replay] does not repeat what the function does in Go. A replay reads and writes the
// memory of the same tensors as the capture. Therefore:
//
//   - To give new inputs, copy them to the tensors that were used, with [torch.Tensor.CopyInPlace].
//     Copy results to other tensors before the next replay.
//   - Tensors that the function uses and did not make must stay open. The graph keeps the function,
//     and so the variables that it refers to, from the garbage collector, but not from Close or the
//     end of a [torch.Scope].
//   - The function must not wait for the GPU, for example to read a result with Item or ToSlice.
//     Shapes are those of the capture.
//   - Run the function a few times before, with [Graph.WarmUp]: first calls initialize libraries
//     and select algorithms, which is not allowed during a capture.
//   - Random numbers from the default generator are different in each replay. While one goroutine
//     captures, using that generator on the same GPU elsewhere is an error. Use a [torch.Generator]
//     of its own there.
//
// Memory for the function's tensors comes from a pool of the graph, which is kept until
// [Graph.Reset] or [Graph.Close]. A capture affects one thread only: other goroutines may use the
// GPU meanwhile, and the garbage collector may free tensors.
//
// [GraphedStep] does all this for a function from tensors to tensors.
type Graph struct {
	handle *native.Handle
	// mutex lets one call at a time use the graph.
	mutex sync.Mutex
	// capturing says that a capture is running, which may take long and must not wait for itself.
	capturing atomic.Bool
	captured  atomic.Bool
	// held keeps what replays use from the garbage collector.
	held func()
}

func freeGraph(p unsafe.Pointer) { C.ctorch_cuda_graph_free((*C.ctorch_cuda_graph)(p)) }

// NewGraph returns an empty graph.
func NewGraph() (*Graph, error) {
	const operation = "cuda.NewGraph"
	if err := checkCUDA(operation); err != nil {
		return nil, err
	}
	result := C.ctorch_cuda_graph_new()
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	g := &Graph{handle: native.New(unsafe.Pointer(result.graph), native.HandleBytes, freeGraph)}
	native.CloseWhenUnreachable(g, g.handle)
	return g, nil
}

// enter keeps the graph open for a call; g.handle.Leave must follow if there is no error.
func (g *Graph) enter(operation string) error {
	switch {
	case g == nil:
		return invalid(operation, "the graph is nil")
	case g.capturing.Load():
		return invalid(operation, "the graph is being captured")
	case !g.handle.Use():
		return &torch.Error{Operation: operation, Kind: torch.ErrClosed, Message: "the graph is closed"}
	}
	return nil
}

// use calls a function with the graph.
func (g *Graph) use(operation string, call func(*C.ctorch_cuda_graph) error) error {
	if err := g.enter(operation); err != nil {
		return err
	}
	defer g.handle.Leave()
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return call((*C.ctorch_cuda_graph)(g.handle.Pointer()))
}

// GraphOptions are the options of [Graph.Capture] and [Graph.WarmUp].
type GraphOptions struct {
	// Device is the GPU. The zero value means the first one.
	Device torch.Device
	// ShareMemoryWith is another captured graph whose memory pool this one shares, which saves
	// memory. The graphs must then be replayed in the order of their captures, never at the same
	// time, and results must be copied before the next replay of either.
	ShareMemoryWith *Graph
}

func (o GraphOptions) device() torch.Device {
	if !o.Device.IsCUDA() {
		return torch.CUDA(0)
	}
	return o.Device
}

// captureStreams are the streams for captures, one for each GPU: the default stream cannot be
// captured.
var captureStreams sync.Map // int -> Stream

func captureStream(device torch.Device) (Stream, error) {
	if stream, ok := captureStreams.Load(device.Index()); ok {
		return stream.(Stream), nil
	}
	stream, err := NewStream(device, 0)
	if err != nil {
		return Stream{}, err
	}
	kept, _ := captureStreams.LoadOrStore(device.Index(), stream)
	return kept.(Stream), nil
}

// WarmUp runs f the given number of times on the stream for captures, and waits for it, so that
// libraries are initialized before a capture of f. PyTorch recommends 3 times. If f panics with an
// [*torch.Error], WarmUp returns it.
func (g *Graph) WarmUp(times int, f func(), options GraphOptions) error {
	const operation = "WarmUp"
	if f == nil {
		return invalid(operation, "the function is nil")
	}
	return g.use(operation, func(*C.ctorch_cuda_graph) error {
		g.capturing.Store(true)
		defer g.capturing.Store(false)
		return onCaptureStream(operation, options.device(), func() error {
			for range times {
				if err := tryRun(f); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// onCaptureStream runs f on the stream for captures, and waits for the GPU before and after it.
func onCaptureStream(operation string, device torch.Device, f func() error) error {
	if err := bridge.CheckDevice(operation, device); err != nil {
		return err
	}
	stream, err := captureStream(device)
	if err != nil {
		return err
	}
	if err := device.Synchronize(); err != nil {
		return err
	}
	var failed error
	if err := WithStream(stream, func() { failed = f() }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return device.Synchronize()
}

func tryRun(f func()) error {
	return torch.Try(func() error {
		f()
		return nil
	})
}

// Capture runs f and records the work that it launches on the GPU, on a stream of its own, as
// torch.cuda.graph does. f stays on its OS thread. If f panics with an [*torch.Error], or libtorch
// refuses to capture an operation, Capture returns the error and the graph is empty again.
//
// Capturing twice is an error; call [Graph.Reset] before.
func (g *Graph) Capture(f func(), options GraphOptions) error {
	const operation = "Capture"
	if f == nil {
		return invalid(operation, "the function is nil")
	}
	return g.use(operation, func(graph *C.ctorch_cuda_graph) error {
		if g.captured.Load() {
			return invalid(operation, "the graph was captured before; Reset it")
		}
		var share *C.ctorch_cuda_graph
		if other := options.ShareMemoryWith; other != nil {
			if other == g {
				return invalid(operation, "a graph cannot share memory with itself")
			}
			if err := other.enter(operation); err != nil {
				return err
			}
			defer other.handle.Leave()
			if !other.captured.Load() {
				return invalid(operation, "the graph to share memory with was not captured")
			}
			share = (*C.ctorch_cuda_graph)(other.handle.Pointer())
		}
		// Cached memory cannot be used in the graph's pool.
		if err := EmptyCache(); err != nil && !errors.Is(err, torch.ErrNotImplemented) {
			return err
		}
		g.capturing.Store(true)
		defer g.capturing.Store(false)
		err := onCaptureStream(operation, options.device(), func() error {
			return captureOn(operation, graph, share, f)
		})
		if err != nil {
			_ = takeError(operation, C.ctorch_cuda_graph_reset(graph))
			return err
		}
		g.held = f
		g.captured.Store(true)
		return nil
	})
}

// captureOn captures f on the current stream.
func captureOn(operation string, graph, share *C.ctorch_cuda_graph, f func()) (err error) {
	if err := takeError(operation, C.ctorch_cuda_graph_begin(graph, share)); err != nil {
		return err
	}
	// Also if f panics with something else: the stream must not remain in capture mode.
	defer func() {
		ended := takeError(operation, C.ctorch_cuda_graph_end(graph))
		if err == nil {
			err = ended
		}
	}()
	return tryRun(f)
}

// Replay launches the captured work on the current stream. It does not wait for it.
func (g *Graph) Replay() error {
	const operation = "Replay"
	return g.use(operation, func(graph *C.ctorch_cuda_graph) error {
		if !g.captured.Load() {
			return invalid(operation, "nothing was captured")
		}
		return takeError(operation, C.ctorch_cuda_graph_replay(graph))
	})
}

// Reset empties the graph and releases its memory pool, so that it can capture again. Tensors that
// the captured function made must not be used any more.
func (g *Graph) Reset() error {
	const operation = "Reset"
	return g.use(operation, func(graph *C.ctorch_cuda_graph) error {
		g.held = nil
		g.captured.Store(false)
		return takeError(operation, C.ctorch_cuda_graph_reset(graph))
	})
}

// Close frees the graph. Closing it again does nothing.
func (g *Graph) Close() {
	if g != nil {
		g.handle.Close()
		runtime.KeepAlive(g)
	}
}
