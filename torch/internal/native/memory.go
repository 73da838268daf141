// Package native manages what package torch and those below it hold outside Go's heap: handles that
// are freed once, after the last call that uses them, and the number of their bytes, which triggers
// garbage collections.
package native

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// A ByteCount counts native memory, which Go's garbage collector does not see: a tensor is a few
// bytes to it, and may be gigabytes outside its heap. A collection starts when the count has grown
// by a share of what was in use, as GOGC does for Go's own heap.
type ByteCount struct {
	live atomic.Int64
	// next is the count at which the next collection starts.
	next atomic.Int64
	// largestGarbage is the largest number of bytes that may be added between two collections.
	largestGarbage atomic.Int64
}

// Memory of the CPU and of GPUs is counted separately: much in use on a GPU is no reason to let
// garbage grow on the CPU.
var CPUBytes, GPUBytes = newCount(), newCount()

func newCount() *ByteCount {
	count := &ByteCount{}
	count.next.Store(firstCollection)
	count.largestGarbage.Store(math.MaxInt64)
	return count
}

// collecting allows one collection at a time.
var collecting sync.Mutex

const (
	// firstCollection is the count below which no collection starts.
	firstCollection = 32 << 20
	// HandleBytes is what a tensor costs beside its elements: its handle and libtorch's own data.
	HandleBytes = 512
)

// Added counts additional bytes, and collects garbage if it is time.
func (c *ByteCount) Added(bytes int64) {
	if c.live.Add(bytes) > c.next.Load() {
		c.collect()
	}
}

// Removed counts bytes that were freed.
func (c *ByteCount) Removed(bytes int64) { c.live.Add(-bytes) }

// collect frees what is unreachable. If a collection is running, it waits for that: many goroutines
// make tensors faster than one can free them.
func (c *ByteCount) collect() {
	collecting.Lock()
	defer collecting.Unlock()
	if c.live.Load() <= c.next.Load() {
		return
	}
	CollectNow()
	for _, count := range []*ByteCount{CPUBytes, GPUBytes} {
		live := count.live.Load()
		count.next.Store(live + min(max(firstCollection, live/2), count.largestGarbage.Load()))
	}
}

// CollectNow collects garbage and waits until it has been freed.
func CollectNow() {
	BeforeCollection()
	runtime.GC()
	awaitFinalizers()
}

// stuckAt is one more than the number of finalizers that had run when the last wait for them was
// given up.
var stuckAt atomic.Uint64

// awaitFinalizers waits until the finalizers that a collection queued have run. It gives up where
// they make no progress for a second, since one of the program's own may block; and the next time
// soon, if there has been none since.
func awaitFinalizers() {
	const (
		pause          = 200 * time.Microsecond
		patience       = time.Second
		patienceIfHeld = 10 * time.Millisecond
	)
	samples := []metrics.Sample{
		{Name: "/gc/finalizers/queued:finalizers"}, {Name: "/gc/finalizers/executed:finalizers"},
	}
	metrics.Read(samples)
	queued := samples[0].Value.Uint64()
	// The runtime counts finalizers by the block, so freed bytes count as progress too.
	before, liveBefore, since := uint64(0), int64(0), time.Now()
	for {
		executed, live := samples[1].Value.Uint64(), Bytes()
		if executed >= queued {
			return
		}
		if executed != before || live < liveBefore {
			since = time.Now()
		}
		before, liveBefore = executed, live
		switch waited := time.Since(since); {
		case waited > patience, waited > patienceIfHeld && executed+1 == stuckAt.Load():
			stuckAt.Store(executed + 1)
			return
		}
		time.Sleep(pause)
		metrics.Read(samples)
	}
}

// Bytes returns the number of bytes counted in all.
func Bytes() int64 { return CPUBytes.live.Load() + GPUBytes.live.Load() }

// LimitGarbage makes a collection start after at most the given number of additional bytes.
func (c *ByteCount) LimitGarbage(bytes int64) {
	c.largestGarbage.Store(min(c.largestGarbage.Load(), bytes))
}

// BeforeCollection makes unreachable tensors visible to a collection. Package torch sets it.
var BeforeCollection = func() {}
