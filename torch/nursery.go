package torch

import (
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// Most tensors are closed soon after they are made, by Close or by a scope. Setting a finalizer on
// each would cost more than a small operator. So a new tensor waits in a nursery, which keeps it
// reachable, and gets a finalizer only if it is still open when the nursery is full or a collection
// is about to start.
type nursery struct {
	mutex sync.Mutex
	young []*Tensor
	// The padding keeps nurseries on separate cache lines: different processors use them.
	_ [64]byte
}

// nurserySize is the largest number of tensors that wait in a nursery or a scope.
const nurserySize = 256

// There are several nurseries so that goroutines rarely wait for each other.
var nurseries [16]nursery

// nurse makes sure that a tensor that is never closed is freed by the garbage collector.
func nurse(t *Tensor) {
	at := rand.Uint32()
	for !nurseries[at%uint32(len(nurseries))].mutex.TryLock() {
		at++
	}
	n := &nurseries[at%uint32(len(nurseries))]
	if len(n.young) == nurserySize {
		n.release()
	}
	n.young = append(n.young, t)
	n.mutex.Unlock()
}

func (n *nursery) release() {
	for _, t := range n.young {
		t.watch()
	}
	clear(n.young)
	n.young = n.young[:0]
}

// watch sets a finalizer on t if it is still open.
func (t *Tensor) watch() {
	if t.handle.WatchOnce() {
		// runtime.AddCleanup would need the handle to be an allocation of its own.
		runtime.SetFinalizer(t, (*Tensor).Close)
	}
}

// releaseNurseries empties all nurseries, so that the next collection finds every unreachable
// tensor.
func releaseNurseries() {
	for i := range nurseries {
		nurseries[i].mutex.Lock()
		nurseries[i].release()
		nurseries[i].mutex.Unlock()
	}
	for _, scope := range openScopes.all() {
		scope.mutex.Lock()
		scope.release()
		scope.mutex.Unlock()
	}
}

// Each garbage collection empties the nurseries when it is done, so that the next one finds what
// was forgotten before a program became idle.
func init() {
	native.BeforeCollection = releaseNurseries
	var again func(struct{})
	again = func(struct{}) {
		releaseNurseries()
		type sentinel struct{ _ [64]byte }
		runtime.AddCleanup(&sentinel{}, again, struct{}{})
	}
	again(struct{}{})
}
