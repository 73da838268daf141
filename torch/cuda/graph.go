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

// A Graph is work on a GPU that was captured once and can be asked for again in one call,
// without the cost of asking for each operator: a gain where the GPU is done with many small
// operators sooner than the program can ask for them.
//
// [Graph.Capture] runs a function that asks for the work; nothing is computed meanwhile, and
// nothing that the function does in Go is repeated by [Graph.Replay]. A replay reads the memory
// of the same tensors and writes to the memory of the same tensors. So:
//
//   - Give new inputs by copying them into the tensors that were used ([torch.Tensor.CopyInPlace]), and
//     copy results away before the next replay.
//   - The tensors that the function used and did not make must stay open. The graph keeps the
//     function, and so what its variables refer to, from the garbage collector; Close and the end of
//     a [torch.Scope] free them all the same.
//   - The function must not look at a result on the CPU (Item, ToSlice, Masked…, whatever waits for
//     the GPU), nor do what depends on it; shapes are those of the capture.
//   - Run the function some times before ([Graph.WarmUp]): first calls set libraries up and
//     choose algorithms, which is not allowed in a capture.
//   - Random numbers from the default generator are new ones in each replay. While one goroutine
//     captures, no other may draw from it on the same GPU: that is an error there. A [torch.Generator] of its
//     own may be used.
//
// What the function makes comes from a memory pool of the graph's own, which is held until
// [Graph.Reset] or [Graph.Close]. Captures are of one thread: other goroutines may use the GPU
// meanwhile, and the garbage collector may free tensors.
//
// [GraphedStep] wraps this up for a function from tensors to tensors.
type Graph struct {
	handle *native.Handle
	// mutex lets one call at a time have the graph.
	mutex sync.Mutex
	// capturing says that the call under way is a capture, which may last and could wait for itself.
	capturing atomic.Bool
	captured  atomic.Bool
	// held keeps what replays use from the garbage collector.
	held func()
}

func freeGraph(p unsafe.Pointer) { C.ctorch_cuda_graph_free((*C.ctorch_cuda_graph)(p)) }

// NewGraph makes a graph without content.
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

// enter keeps the graph open for a call; g.handle.leave must follow where it hands back no error.
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

// use enters the graph for a call.
func (g *Graph) use(operation string, call func(*C.ctorch_cuda_graph) error) error {
	if err := g.enter(operation); err != nil {
		return err
	}
	defer g.handle.Leave()
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return call((*C.ctorch_cuda_graph)(g.handle.Pointer()))
}

// GraphOptions are the choices of [Graph.Capture].
type GraphOptions struct {
	// Device is the GPU. The zero value stands for the first one.
	Device torch.Device
	// ShareMemoryWith is another captured graph whose memory pool this one uses too, which saves
	// memory. It is right only where the graphs are always replayed in the order they were captured
	// in, never at once, and results are copied away before the next replay of either.
	ShareMemoryWith *Graph
}

func (o GraphOptions) device() torch.Device {
	if !o.Device.IsCUDA() {
		return torch.CUDA(0)
	}
	return o.Device
}

// captureStreams are the side streams of the GPUs: the default stream cannot be captured.
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

// WarmUp runs f the given number of times on the stream that captures run on, and waits for it, so
// that a capture of f meets libraries that are set up. PyTorch's advice is 3, and 11 for a step with
// DistributedDataParallel. An error is what f panicked with.
func (g *Graph) WarmUp(times int, f func(), options GraphOptions) error {
	const operation = "WarmUp"
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

// onCaptureStream runs f on the side stream, between two waits for the GPU.
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

// Capture runs f and captures what it asks of the GPU, on a stream of its own, as torch.cuda.graph
// does. f holds its OS thread. Where f panics with an [*torch.Error], or libtorch refuses what it did, the
// graph is without content again.
//
// A graph that was captured before is refused: [Graph.Reset] it.
func (g *Graph) Capture(f func(), options GraphOptions) error {
	const operation = "Capture"
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
		// What is cached could not be used in the graph's own pool.
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
	// Also where f panics with something else: the stream must not stay in capture.
	defer func() {
		ended := takeError(operation, C.ctorch_cuda_graph_end(graph))
		if err == nil {
			err = ended
		}
	}()
	return tryRun(f)
}

// Replay asks the GPU for what was captured, on the current stream. It does not wait for it.
func (g *Graph) Replay() error {
	const operation = "Replay"
	return g.use(operation, func(graph *C.ctorch_cuda_graph) error {
		if !g.captured.Load() {
			return invalid(operation, "nothing was captured")
		}
		return takeError(operation, C.ctorch_cuda_graph_replay(graph))
	})
}

// Reset forgets what was captured and gives the graph's memory pool up, so that another capture may
// follow. What the captured function made must not be used any more.
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
