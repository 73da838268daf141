package torch

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Native memory is invisible to Go's garbage collector: a tensor is a few bytes to it, and may be
// gigabytes outside. So the package counts the bytes that its tensors added, and starts a
// collection where they have grown by a share of what was in use, as GOGC does for Go's own heap.
type byteCount struct {
	live atomic.Int64
	// next is the count at which the next collection starts.
	next atomic.Int64
	// collecting lets one goroutine collect at a time.
	collecting sync.Mutex
}

const (
	// firstCollection leaves small programs alone.
	firstCollection = 32 << 20
	// handleBytes is what a tensor costs beside its elements: its handle and libtorch's own
	// bookkeeping.
	handleBytes = 512
)

var nativeBytes = func() *byteCount {
	count := &byteCount{}
	count.next.Store(firstCollection)
	return count
}()

func (c *byteCount) added(bytes int64) {
	if c.live.Add(bytes) > c.next.Load() {
		c.collect()
	}
}

// removed also brings the next collection closer: cleanups go on after the collection that found
// them has ended, so what stays in use is known only as they finish.
func (c *byteCount) removed(bytes int64) {
	wanted := limitFor(c.live.Add(-bytes))
	for {
		next := c.next.Load()
		if next <= wanted || c.next.CompareAndSwap(next, wanted) {
			return
		}
	}
}

// limitFor is the count at which to collect next, with live bytes in use now.
func limitFor(live int64) int64 { return live + max(firstCollection, live/2) }

func (c *byteCount) collect() {
	// Whoever finds a collection under way goes on: it frees for all.
	if !c.collecting.TryLock() {
		return
	}
	defer c.collecting.Unlock()
	if c.live.Load() <= c.next.Load() {
		return
	}
	runtime.GC()
	c.awaitCleanups()
	c.next.Store(limitFor(c.live.Load()))
}

// awaitCleanups waits until the cleanups that a collection queued have run. The runtime does not
// tell; they free memory one after another, so the end is when the count stays where it is.
func (c *byteCount) awaitCleanups() {
	const patience = 50
	before := int64(-1)
	for range patience {
		live := c.live.Load()
		if live == before {
			return
		}
		before = live
		time.Sleep(200 * time.Microsecond)
	}
}

// NativeBytes is how many bytes the open tensors of this package hold outside Go's heap, as far as
// it counts them: each tensor that is no view of another, and a little for each handle.
func NativeBytes() int64 { return nativeBytes.live.Load() }
