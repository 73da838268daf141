package cuda_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
)

// Everything that asks for a GPU says in one line that there is none, and which was meant.
func TestAnAbsentGPUIsAnError(t *testing.T) {
	beyond := torch.CUDA(cuda.DeviceCount())
	x := torch.Zeros(torch.Shape{2})
	stream := cuda.Stream{}
	calls := map[string]func(torch.Device) error{
		"PropertiesOf":    func(d torch.Device) error { _, err := cuda.PropertiesOf(d); return err },
		"MemoryStatsOf":   func(d torch.Device) error { _, err := cuda.MemoryStatsOf(d); return err },
		"ResetPeakMemory": func(d torch.Device) error { return cuda.ResetPeakMemory(d) },
		"Synchronize":     func(d torch.Device) error { return d.Synchronize() },
		"NewStream":       func(d torch.Device) error { _, err := cuda.NewStream(d, 0); return err },
		"CurrentStream":   func(d torch.Device) error { _, err := cuda.CurrentStream(d); return err },
		"DefaultStream":   func(d torch.Device) error { _, err := cuda.DefaultStream(d); return err },
		"WithDevice":      func(d torch.Device) error { return cuda.WithDevice(d, func() { t.Error("it ran") }) },
		"NewGenerator":    func(d torch.Device) error { _, err := torch.NewGenerator(d, 1); return err },
		"ParseDevice":     func(d torch.Device) error { _, err := torch.ParseDevice(d.String()); return err },
		"To":              func(d torch.Device) error { return torch.Try(func() error { x.To(d); return nil }) },
		"Empty": func(d torch.Device) error {
			return torch.Try(func() error { torch.Empty(torch.Shape{2}, d); return nil })
		},
		"RandN": func(d torch.Device) error {
			return torch.Try(func() error { torch.RandN(torch.Shape{2}, d); return nil })
		},
		"FromSlice": func(d torch.Device) error {
			return torch.Try(func() error { torch.FromSlice([]float32{1}, nil, d); return nil })
		},
	}
	if !cuda.IsAvailable() {
		for name, call := range map[string]func() error{
			"EmptyCache":    cuda.EmptyCache,
			"Version":       func() error { _, err := cuda.Version(); return err },
			"WithStream":    func() error { return cuda.WithStream(stream, func() { t.Error("it ran") }) },
			"cuda.NewEvent": func() error { _, err := cuda.NewEvent(cuda.EventOptions{}); return err },
			"cuda.NewGraph": func() error { _, err := cuda.NewGraph(); return err },
			"RecordStream":  func() error { return cuda.RecordStream(x, stream) },
			"PinMemory":     func() error { return torch.Try(func() error { x.PinMemory(); return nil }) },
		} {
			calls[name] = func(torch.Device) error { return call() }
		}
		for name, call := range map[string]func() error{
			"Synchronize":   stream.Synchronize,
			"Query":         func() error { _, err := stream.Query(); return err },
			"cuda.NewEvent": func() error { return stream.WaitStream(stream) },
			"cuda.NewGraph": func() error {
				_, err := cuda.NewGraphedStep(nil, nil, cuda.GraphedStepOptions{})
				return err
			},
			"Empty": func() error {
				return torch.Try(func() error { torch.Empty(torch.Shape{2}, torch.Pinned); return nil })
			},
		} {
			calls["pinned and stream "+name] = func(torch.Device) error {
				err := call()
				var failed *torch.Error
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, name, failed.Operation)
				return err
			}
		}
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			err := call(beyond)
			require.ErrorIs(t, err, torch.ErrDevice)
			assert.Contains(t, err.Error(), "cuda:")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	assert.ErrorIs(t, torch.CUDA(-1).Synchronize(), torch.ErrDevice)
	assert.NoError(t, torch.CPU.Synchronize())
}

func TestTheCPUIsNoGPU(t *testing.T) {
	_, err := cuda.PropertiesOf(torch.CPU)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, err = cuda.MemoryStatsOf(torch.CPU)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorIs(t, cuda.ResetPeakMemory(torch.CPU), torch.ErrInvalid)
	_, err = cuda.NewStream(torch.CPU, 0)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorIs(t, cuda.WithDevice(torch.CPU, func() { t.Error("it ran") }), torch.ErrInvalid)
}

func TestNilAndClosedCUDAThings(t *testing.T) {
	var event *cuda.Event
	var graph *cuda.Graph
	var step *cuda.GraphedStep
	assert.ErrorIs(t, event.Synchronize(), torch.ErrInvalid)
	assert.ErrorIs(t, graph.Replay(), torch.ErrInvalid)
	event.Close()
	graph.Close()
	step.Close()
}

func TestRetryOutOfMemory(t *testing.T) {
	out := &torch.Error{Operation: "test", Kind: torch.ErrOutOfMemory, Message: "out of memory"}
	runs := 0
	assert.NoError(t, torch.RetryOutOfMemory(func() error { runs++; return nil }))
	assert.Equal(t, 1, runs)

	other := errors.New("other")
	runs = 0
	assert.Equal(t, other, torch.RetryOutOfMemory(func() error { runs++; return other }))
	assert.Equal(t, 1, runs, "only a lack of memory is worth another run")

	runs = 0
	err := torch.RetryOutOfMemory(func() error { runs++; panic(out) })
	assert.ErrorIs(t, err, torch.ErrOutOfMemory)
	assert.Equal(t, 2, runs)

	const bytes = 8 << 20
	var before, after int64
	runs = 0
	err = torch.RetryOutOfMemory(func() error {
		if runs++; runs == 1 {
			// Nobody refers to it afterwards.
			torch.Zeros(torch.Shape{bytes}, torch.Uint8)
			before = torch.NativeBytes()
			return out
		}
		after = torch.NativeBytes()
		return nil
	})
	require.NoError(t, err)
	assert.LessOrEqual(t, after, before-bytes, "garbage was freed in between")
}

// Below: with a GPU alone.

func TestCUDAProperties(t *testing.T) {
	device := testkit.GPU(t)
	properties, err := cuda.PropertiesOf(device)
	require.NoError(t, err)
	assert.NotEmpty(t, properties.Name)
	assert.NotZero(t, properties.UUID)
	assert.Positive(t, properties.Major)
	assert.Greater(t, properties.TotalMemory, int64(1<<28))
	assert.Positive(t, properties.MultiProcessorCount)
	assert.Equal(t, 32, properties.WarpSize)
	assert.Positive(t, properties.ThreadsPerMultiProcessor)
	assert.Positive(t, properties.SharedMemoryPerBlock)
	versions, err := cuda.Version()
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\.\d+$`, versions.Runtime)
	assert.Regexp(t, `^\d+\.\d+$`, versions.Driver)
	assert.Regexp(t, `^\d+\.\d+\.\d+$`, versions.CuDNN)
	t.Logf("%+v, %+v", properties, versions)
}

// stats are a GPU's; libtorch before 2.9 has none.
func stats(t *testing.T, device torch.Device) cuda.MemoryStats {
	t.Helper()
	memory, err := cuda.MemoryStatsOf(device)
	if errors.Is(err, torch.ErrNotImplemented) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return memory
}

func TestCUDAMemoryStats(t *testing.T) {
	device := testkit.GPU(t)
	const bytes = 64 << 20
	first := torch.Empty(torch.Shape{1}, device)
	require.NoError(t, cuda.ResetPeakMemory(device))
	before := stats(t, device)
	assert.Positive(t, before.Total)
	assert.LessOrEqual(t, before.Free, before.Total)

	x := torch.Empty(torch.Shape{bytes}, torch.Uint8, device)
	during := stats(t, device)
	assert.Equal(t, int64(bytes), during.Allocated-before.Allocated)
	assert.GreaterOrEqual(t, during.Reserved, during.Allocated)
	x.Close()
	after := stats(t, device)
	assert.Equal(t, before.Allocated, after.Allocated)
	assert.Equal(t, during.Allocated, after.AllocatedPeak)
	require.NoError(t, cuda.ResetPeakMemory(device))
	assert.Equal(t, after.Allocated, stats(t, device).AllocatedPeak)

	require.NoError(t, cuda.EmptyCache())
	assert.LessOrEqual(t, stats(t, device).Reserved, after.Reserved-bytes)
	first.Close()
}

func TestOutOfMemoryOnAGPU(t *testing.T) {
	device := testkit.GPU(t)
	total := stats(t, device).Total
	failed := failure(t, func() { torch.Empty(torch.Shape{2 * total}, torch.Uint8, device) })
	assert.ErrorIs(t, failed, torch.ErrOutOfMemory)
	assert.Equal(t, []float32{4}, torch.Full(torch.Shape{1}, 2, device).Square().Float32s(), "the GPU works on")
}

// A GPU that is full of what is still in use, then has room again.
func TestGoingOnAfterAGPUWasFull(t *testing.T) {
	device := testkit.GPU(t)
	const pieces = 16
	piece := stats(t, device).Total / pieces
	var held []*torch.Tensor
	var failed error
	for range 2 * pieces {
		if failed = torch.Try(func() error {
			held = append(held, torch.Empty(torch.Shape{piece}, torch.Uint8, device))
			return nil
		}); failed != nil {
			break
		}
	}
	require.ErrorIs(t, failed, torch.ErrOutOfMemory)
	require.NotEmpty(t, held)
	x := torch.RandN(torch.Shape{1024, 1024}) // on the CPU, which has memory
	held[0].Close()
	y := x.To(device)
	assert.InEpsilon(t, x.Square().Sum().Item(), y.MatMul(y.T()).Trace().Item(), 1e-3)
	for _, tensor := range held {
		tensor.Close()
	}
	require.NoError(t, cuda.EmptyCache())
	torch.Empty(torch.Shape{piece * pieces / 2}, torch.Uint8, device).Close()
}

// Memory that only garbage holds is found for whoever asks again.
func TestRetryOutOfMemoryFreesAGPU(t *testing.T) {
	device := testkit.GPU(t)
	half := stats(t, device).Total / 2
	runs := 0
	require.NoError(t, torch.RetryOutOfMemory(func() error {
		runs++
		if runs == 1 {
			torch.Empty(torch.Shape{half}, torch.Uint8, device) // nobody refers to it afterwards
		}
		torch.Empty(torch.Shape{half}, torch.Uint8, device).Close()
		return nil
	}))
	assert.LessOrEqual(t, runs, 2)
}

func TestGarbageOnAGPUIsCollected(t *testing.T) {
	device := testkit.GPU(t)
	limit := stats(t, device).Total / 2
	for range 200 {
		torch.Empty(torch.Shape{limit / 20}, torch.Uint8, device) // ten times the GPU, in all
	}
	assert.Less(t, stats(t, device).AllocatedPeak, limit)
}

func TestPinnedMemoryAndNonBlockingCopies(t *testing.T) {
	device := testkit.GPU(t)
	data := []float32{1, 2, 3, 4}
	pinned := torch.FromSlice(data, nil, torch.Pinned)
	assert.True(t, pinned.IsPinned())
	assert.Equal(t, torch.CPU, pinned.Device())
	assert.True(t, torch.FromSlice(data, nil).PinMemory().IsPinned())
	assert.True(t, torch.Empty(torch.Shape{3}, torch.Pinned).IsPinned())
	assert.False(t, torch.FromSlice(data, nil).IsPinned())

	there := pinned.To(device, torch.NonBlocking)
	pinned.Close() // libtorch keeps it until the copy is done
	assert.False(t, there.IsPinned())
	back := torch.Empty(torch.Shape{4}, torch.Pinned).CopyInPlace(there, torch.NonBlocking)
	require.NoError(t, device.Synchronize())
	assert.Equal(t, data, back.Float32s())
	again := there.To(torch.CPU, torch.NonBlocking)
	require.NoError(t, device.Synchronize())
	assert.Equal(t, data, again.Float32s())
}

func TestStreamsAndEvents(t *testing.T) {
	device := testkit.GPU(t)
	current, err := cuda.CurrentStream(device)
	require.NoError(t, err)
	ordinary, err := cuda.DefaultStream(device)
	require.NoError(t, err)
	assert.Equal(t, ordinary, current)
	assert.Equal(t, cuda.Stream{}, ordinary, "the zero value")
	side, err := cuda.NewStream(device, -1)
	require.NoError(t, err)
	assert.NotEqual(t, ordinary, side)
	assert.Equal(t, device, side.Device())

	start, err := cuda.NewEvent(cuda.EventOptions{Timing: true})
	require.NoError(t, err)
	end, err := cuda.NewEvent(cuda.EventOptions{Timing: true})
	require.NoError(t, err)
	reached, err := start.Query()
	require.NoError(t, err)
	assert.True(t, reached, "never recorded")
	_, err = start.ElapsedTime(end)
	assert.ErrorIs(t, err, torch.ErrInvalid, "not recorded yet")

	x := torch.FromSlice([]float32{3}, nil, device)
	require.NoError(t, side.WaitStream(current))
	require.NoError(t, start.Record(side))
	var y *torch.Tensor
	require.NoError(t, cuda.WithStream(side, func() {
		inside, err := cuda.CurrentStream(device)
		assert.NoError(t, err)
		assert.Equal(t, side, inside)
		y = x.Clone()
	}))
	after, err := cuda.CurrentStream(device)
	require.NoError(t, err)
	assert.Equal(t, ordinary, after)
	require.NoError(t, end.Record(side))
	require.NoError(t, current.WaitEvent(end))
	require.NoError(t, cuda.RecordStream(y, current))
	assert.Equal(t, []float32{3}, y.Float32s())
	require.NoError(t, end.Synchronize())
	elapsed, err := start.ElapsedTime(end)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, elapsed, time.Duration(0))
	require.NoError(t, side.Synchronize())
	idle, err := side.Query()
	require.NoError(t, err)
	assert.True(t, idle)

	plain, err := cuda.NewEvent(cuda.EventOptions{})
	require.NoError(t, err)
	_, err = plain.ElapsedTime(end)
	assert.ErrorIs(t, err, torch.ErrInvalid, "made without timing")
	plain.Close()
	plain.Close()
	assert.ErrorIs(t, plain.Record(side), torch.ErrClosed)
	assert.ErrorIs(t, cuda.RecordStream(torch.Zeros(torch.Shape{1}), side), torch.ErrInvalid)
}

func TestWithStreamSurvivesAPanic(t *testing.T) {
	device := testkit.GPU(t)
	side, err := cuda.NewStream(device, 0)
	require.NoError(t, err)
	failed := failure(t, func() {
		assert.NoError(t, cuda.WithStream(side, func() { torch.Zeros(torch.Shape{2}, device).View(torch.Shape{3}) }))
	})
	assert.ErrorIs(t, failed, torch.ErrInvalid)
	current, err := cuda.CurrentStream(device)
	require.NoError(t, err)
	assert.NotEqual(t, side, current)
}

func TestCUDAGraphReplaysWithNewInputs(t *testing.T) {
	device := testkit.GPU(t)
	x := torch.FromSlice([]float32{1, 2}, nil, device)
	w := torch.FromSlice([]float32{10, 100}, nil, device)
	var y *torch.Tensor
	calls := 0
	work := func() { calls++; y = x.Mul(w).Add(x) }

	graph, err := cuda.NewGraph()
	require.NoError(t, err)
	assert.ErrorIs(t, graph.Replay(), torch.ErrInvalid, "nothing was captured")
	require.NoError(t, graph.WarmUp(3, work, cuda.GraphOptions{}))
	require.NoError(t, graph.Capture(work, cuda.GraphOptions{Device: device}))
	assert.Equal(t, 4, calls)
	assert.ErrorIs(t, graph.Capture(work, cuda.GraphOptions{}), torch.ErrInvalid, "captured before")
	for _, in := range [][]float32{{1, 2}, {3, 5}, {-1, 0}} {
		x.CopyInPlace(torch.FromSlice(in, nil))
		runtime.GC() // what the graph uses must stay
		require.NoError(t, graph.Replay())
		assert.Equal(t, []float32{in[0] * 11, in[1] * 101}, y.Float32s())
	}
	assert.Equal(t, 4, calls, "a replay runs no Go")

	other, err := cuda.NewGraph()
	require.NoError(t, err)
	var z *torch.Tensor
	require.NoError(t, other.Capture(func() { z = x.Mul(x) }, cuda.GraphOptions{ShareMemoryWith: graph}))
	require.NoError(t, graph.Replay())
	require.NoError(t, other.Replay())
	assert.Equal(t, []float32{1, 0}, z.Float32s())

	require.NoError(t, graph.Reset())
	assert.ErrorIs(t, graph.Replay(), torch.ErrInvalid)
	require.NoError(t, graph.Capture(work, cuda.GraphOptions{}))
	require.NoError(t, graph.Replay())
	graph.Close()
	graph.Close()
	assert.ErrorIs(t, graph.Replay(), torch.ErrClosed)
	other.Close()
}

func TestCUDAGraphThatOnlyCopies(t *testing.T) {
	device := testkit.GPU(t)
	source := torch.FromSlice([]float32{1, 2}, nil, device)
	target := torch.Zeros(torch.Shape{2}, device)
	half := torch.Zeros(torch.Shape{2}, torch.Float16, device)
	graph, err := cuda.NewGraph()
	require.NoError(t, err)
	require.NoError(t, graph.Capture(func() {
		target.CopyInPlace(source)
		half.CopyInPlace(target)
	}, cuda.GraphOptions{Device: device}))
	for _, values := range [][]float32{{3, 4}, {-5, 6}} {
		source.CopyInPlace(torch.FromSlice(values, nil))
		require.NoError(t, graph.Replay())
		assert.Equal(t, values, target.Float32s())
		assert.Equal(t, values, half.Float32s())
	}
	graph.Close()
}

func TestCUDAGraphDrawsNewNumbersInEachReplay(t *testing.T) {
	device := testkit.GPU(t)
	var drawn *torch.Tensor
	graph, err := cuda.NewGraph()
	require.NoError(t, err)
	require.NoError(t, graph.Capture(func() { drawn = torch.Rand(torch.Shape{100}, device) }, cuda.GraphOptions{}))
	require.NoError(t, graph.Replay())
	first := drawn.Float32s()
	require.NoError(t, graph.Replay())
	assert.NotEqual(t, first, drawn.Float32s())
}

func TestWhatCannotBeCapturedIsAnError(t *testing.T) {
	device := testkit.GPU(t)
	x := torch.FromSlice([]float32{1, 2}, nil, device)
	for name, work := range map[string]func(){
		"misuse":           func() { x.View(torch.Shape{3}) },
		"wait for the GPU": func() { x.Sum().Item() },
	} {
		t.Run(name, func(t *testing.T) {
			graph, err := cuda.NewGraph()
			require.NoError(t, err)
			assert.Error(t, graph.Capture(work, cuda.GraphOptions{}))
			assert.ErrorIs(t, graph.Replay(), torch.ErrInvalid)
			graph.Close()
			assert.Equal(t, []float32{2, 4}, x.Add(x).Float32s(), "the GPU works on")
		})
	}
}

// Other goroutines use the GPU, with generators of their own, and the garbage collector frees, while a
// graph is captured.
func TestCaptureBesideOtherWork(t *testing.T) {
	device := testkit.GPU(t)
	generator, err := torch.NewGenerator(device, 1)
	require.NoError(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if !assert.NoError(t, torch.Try(func() error {
					torch.RandN(torch.Shape{100, 100}, device, generator).Sum().Item()
					return nil
				})) {
					return
				}
				runtime.GC()
			}
		}
	}()
	x := torch.Ones(torch.Shape{100}, device)
	for range 20 {
		graph, err := cuda.NewGraph()
		require.NoError(t, err)
		var y *torch.Tensor
		require.NoError(t, graph.Capture(func() {
			y = x
			for range 100 {
				y = y.AddScalar(1)
			}
		}, cuda.GraphOptions{}))
		require.NoError(t, graph.Replay())
		assert.Equal(t, float32(101), y.Float32s()[0])
		graph.Close()
	}
	close(stop)
	<-stopped
}

func TestGraphedStepGivesTheSameGradients(t *testing.T) {
	device := testkit.GPU(t)
	w := torch.RandN(torch.Shape{8, 8}, device)
	f := func(in []*torch.Tensor) []*torch.Tensor {
		loss := in[0].MatMul(w).Tanh().Square().Sum()
		return append(torch.Gradients([]*torch.Tensor{loss}, in, torch.BackwardOptions{}), loss.Detach())
	}
	var step *cuda.GraphedStep
	torch.Scope(func(*torch.TensorScope) {
		example := torch.RandN(torch.Shape{4, 8}, device).SetRequiresGrad(true)
		var err error
		step, err = cuda.NewGraphedStep(f, []*torch.Tensor{example}, cuda.GraphedStepOptions{})
		require.NoError(t, err)
	})
	for range 3 {
		x := torch.RandN(torch.Shape{4, 8}, device).SetRequiresGrad(true)
		outputs, err := step.Run(x)
		require.NoError(t, err)
		for i, want := range f([]*torch.Tensor{x}) {
			assert.True(t, outputs[i].AllClose(want, 1e-6, 1e-6), "output %d", i)
		}
	}
	_, err := step.Run()
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, err = step.Run(torch.Zeros(torch.Shape{8}, device))
	assert.ErrorIs(t, err, torch.ErrInvalid, "a shape that broadcasts is refused")
	step.Close()
	step.Close()
	_, err = step.Run(torch.Zeros(torch.Shape{4, 8}, device))
	assert.Error(t, err)
}

func TestCopiesBetweenGPUs(t *testing.T) {
	device := testkit.GPU(t)
	if cuda.DeviceCount() < 2 {
		t.Skip("there is one GPU")
	}
	x := torch.FromSlice([]float32{1, 2, 3}, nil, device)
	y := x.To(torch.CUDA(1))
	assert.Equal(t, torch.CUDA(1), y.Device())
	assert.Equal(t, []float32{1, 2, 3}, y.Float32s())
	require.NoError(t, cuda.WithDevice(torch.CUDA(1), func() {
		stream, err := cuda.CurrentStream(torch.CUDA(1))
		assert.NoError(t, err)
		assert.Equal(t, torch.CUDA(1), stream.Device())
	}))
}

// failure is the *torch.Error that f panics with.
func failure(t *testing.T, f func()) *torch.Error {
	t.Helper()
	err := torch.Try(func() error {
		f()
		return nil
	})
	var failed *torch.Error
	require.ErrorAs(t, err, &failed)
	return failed
}
