package torch

import (
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// Most tensors are closed soon after they were made, by Close or by a scope. To have the garbage
// collector watch each would cost more than a small operator itself. So new tensors wait in a
// nursery, and only those that are still open when it is full, or when a collection is to come, are
// watched. Meanwhile the nursery keeps them reachable.
type nursery struct {
	mutex sync.Mutex
	young []*Tensor
	// Nurseries lie beside each other, and their users on different processors.
	_ [64]byte
}

// nurserySize is how many tensors wait at most in a nursery or a scope.
const nurserySize = 256

// nurseries are several, so that goroutines seldom wait for each other.
var nurseries [16]nursery

// nurse is the backstop for a tensor that is never closed.
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

// watch leaves t, if it is still open, to the garbage collector.
func (t *Tensor) watch() {
	if t.handle.WatchOnce() {
		// A finalizer and not a cleanup: with that the handle would be an object of its own,
		// made for each tensor.
		runtime.SetFinalizer(t, (*Tensor).Close)
	}
}

// releaseNurseries makes the next collection see every tensor that nobody refers to.
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

// Each collection, whoever starts it, releases the nurseries afterwards, so that the collection
// after it finds what a program forgot before it went idle.
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
