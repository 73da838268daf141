// Package native owns what lies outside Go's heap, for package torch and those below it: handles that are
// freed once, and after the last call that uses them, and the count of their bytes, by which garbage is
// collected in time.
package native

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// A ByteCount counts native memory. That is invisible to Go's garbage collector: a tensor is a few bytes to it, and may be
// gigabytes outside. So the package counts the bytes that its tensors added, and starts a
// collection where they have grown by a share of what was in use, as GOGC does for Go's own heap.
type ByteCount struct {
	live atomic.Int64
	// next is the count at which the next collection starts.
	next atomic.Int64
	// largestGarbage is how many bytes may be added at most between two collections.
	largestGarbage atomic.Int64
}

// The CPU's memory and the GPUs' are counted apart: much in use on a GPU is no reason to let garbage
// grow on the CPU.
var CPUBytes, GPUBytes = newCount(), newCount()

func newCount() *ByteCount {
	count := &ByteCount{}
	count.next.Store(firstCollection)
	count.largestGarbage.Store(math.MaxInt64)
	return count
}

// collecting lets one goroutine collect at a time.
var collecting sync.Mutex

const (
	// firstCollection leaves small programs alone.
	firstCollection = 32 << 20
	// HandleBytes is what a tensor costs beside its elements: its handle and libtorch's own
	// bookkeeping.
	HandleBytes = 512
)

// Added counts bytes more, and collects garbage where it is time.
func (c *ByteCount) Added(bytes int64) {
	if c.live.Add(bytes) > c.next.Load() {
		c.collect()
	}
}

// Removed counts bytes less.
func (c *ByteCount) Removed(bytes int64) { c.live.Add(-bytes) }

// collect frees what nobody refers to. Whoever finds a collection under way waits for it: many
// goroutines make tensors faster than one can free them.
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

// CollectNow collects, and waits until what was found is freed.
func CollectNow() {
	BeforeCollection()
	runtime.GC()
	awaitFinalizers()
}

// awaitFinalizers waits until the finalizers that a collection queued have run, or do not get on:
// one of the program's own may be waiting for something.
func awaitFinalizers() {
	const patience = 50 // times 200 microseconds without progress
	samples := []metrics.Sample{
		{Name: "/gc/finalizers/queued:finalizers"}, {Name: "/gc/finalizers/executed:finalizers"},
	}
	metrics.Read(samples)
	queued := samples[0].Value.Uint64()
	// The runtime counts finalizers by the block, so what they freed tells progress too.
	before, liveBefore, idle := uint64(0), int64(0), 0
	for idle < patience {
		executed, live := samples[1].Value.Uint64(), Bytes()
		if executed >= queued {
			return
		}
		if idle++; executed != before || live < liveBefore {
			idle = 0
		}
		before, liveBefore = executed, live
		time.Sleep(200 * time.Microsecond)
		metrics.Read(samples)
	}
}

// Bytes is how many bytes are counted in all.
func Bytes() int64 { return CPUBytes.live.Load() + GPUBytes.live.Load() }

// LimitGarbage has a collection start after at most so many more bytes.
func (c *ByteCount) LimitGarbage(bytes int64) {
	c.largestGarbage.Store(min(c.largestGarbage.Load(), bytes))
}

// BeforeCollection lets go of what waits to be watched, so that a collection finds it. Package torch
// sets it.
var BeforeCollection = func() {}
