package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"weak"

	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A TensorScope holds the tensors made while a [Scope] runs.
type TensorScope struct {
	id     uint64
	parent *TensorScope
	// hasTurn says that the scope, or one around it, runs in a Compute.
	hasTurn bool

	mutex sync.Mutex
	// young are the newest tensors, room at most; see nursery.
	young []*Tensor
	room  int
	// watched are older ones, which the garbage collector may free before the scope ends.
	watched []weak.Pointer[Tensor]
	// sweep is the length of watched at which freed tensors are removed from it.
	sweep int
}

// Scope runs f and then closes every tensor that f's goroutine made, except those passed to
// [TensorScope.Keep]. Scopes nest: what an inner scope keeps belongs to the outer one. Tensors made
// by goroutines that f starts do not belong to the scope.
//
// f stays on its OS thread while it runs, with that thread's team of OpenMP threads, which is
// released at the end of the outermost scope. Long computations are therefore fastest in one scope.
//
//	torch.Scope(func(scope *torch.TensorScope) {
//		loss := model(x)
//		loss.Backward()
//		last = scope.Keep(loss.Detach())
//	})
func Scope(f func(scope *TensorScope)) {
	mustBeGiven("Scope", f == nil)
	runScope(plainScope, f)
}

// Compute runs f in a [Scope] once enough processors are free, and returns f's error; a panic with
// an [*Error] becomes an error, as in [Try]. f should only compute, such as one forward and
// backward pass, and not wait for other goroutines.
//
// The functions that run at the same time use no more threads than there are processors; each
// counts as [NumThreads]. Further calls wait without an OS thread, so that a server may call
// Compute from hundreds of goroutines. If ctx ends first, f does not run and the error is ctx's; a
// nil ctx never ends. A Compute, or a call of a module, inside f does not wait again.
//
//	err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
//		loss := model(x)
//		loss.Backward()
//		last = scope.Keep(loss.Detach())
//		return nil
//	})
func Compute(ctx context.Context, f func(scope *TensorScope) error) error {
	if f == nil {
		return noFunction("Compute")
	}
	return takeTurn(ctx, func() error {
		return Try(func() (err error) {
			runScope(computeScope, func(scope *TensorScope) { err = f(scope) })
			return err
		})
	})
}

func init() {
	bridge.Scratch = func(f func()) { runScope(callbackScope, func(*TensorScope) { f() }) }
	bridge.OutsideScopes = func(f func(inside func(func()))) {
		inScope(0, func(scope C.uint64_t) {
			f(func(g func()) { inScope(scope, func(C.uint64_t) { g() }) })
		})
	}
}

// inScope runs f with the given current scope; 0 means none.
func inScope(scope C.uint64_t, f func(before C.uint64_t)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.ctorch_set_scope(scope)
	defer C.ctorch_set_scope(before)
	f(before)
}

type scopeKind int

const (
	plainScope scopeKind = iota
	computeScope
	// callbackScope is for Go code that C calls during one of our calls, which uses that call's
	// turn and team of threads. It is also for short work of this package that is not worth
	// releasing the team.
	callbackScope
)

func (s *TensorScope) isInTurn() bool { return s != nil && s.hasTurn }

func runScope(kind scopeKind, f func(scope *TensorScope)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	scope := &TensorScope{sweep: nurserySize, room: nurserySize}
	if kind == callbackScope {
		// It ends soon: finalizers for its tensors would cost more than they save.
		scope.room = 16 * nurserySize
	}
	openScopes.open(scope)
	before := C.ctorch_set_scope(C.uint64_t(scope.id))
	scope.parent = openScopes.find(uint64(before))
	scope.hasTurn = kind != plainScope || scope.parent.isInTurn()
	defer func() {
		C.ctorch_set_scope(before)
		openScopes.close(scope)
		scope.end()
		if scope.parent == nil && kind != callbackScope {
			// The goroutine may continue on another thread, which would have its own team.
			C.ctorch_release_team()
		}
	}()
	f(scope)
}

// Keep removes t from the scope and the scopes inside it, so that it stays open, and returns t.
func (s *TensorScope) Keep(t *Tensor) *Tensor {
	const operation = "Keep"
	if t == nil {
		panic(invalid(operation, "the tensor is nil"))
	}
	kept := s.drop(t)
	for inner := openScopes.find(uint64(C.ctorch_current_scope())); inner != nil && inner != s; inner = inner.parent {
		kept = inner.drop(t) || kept
	}
	if kept {
		s.parent.adopt(t)
	}
	return t
}

// adopt makes t belong to s; s may be nil.
func (s *TensorScope) adopt(t *Tensor) {
	if s == nil {
		nurse(t)
		return
	}
	s.mutex.Lock()
	if len(s.young) >= s.room {
		s.release()
	}
	s.young = append(s.young, t)
	s.mutex.Unlock()
}

// drop removes t from s, and reports whether it was there.
func (s *TensorScope) drop(t *Tensor) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, young := range slices.Backward(s.young) {
		if young == t {
			s.young = slices.Delete(s.young, i, i+1)
			return true
		}
	}
	if !t.handle.IsWatched() {
		return false
	}
	i := slices.Index(s.watched, weak.Make(t))
	if i < 0 {
		return false
	}
	s.watched = slices.Delete(s.watched, i, i+1)
	return true
}

// release sets finalizers on the young tensors that are still open, so that a loop in one scope
// runs in bounded memory too. The mutex must be held.
func (s *TensorScope) release() {
	for _, t := range s.young {
		if t.watch(); !t.handle.IsClosed() {
			s.watched = append(s.watched, weak.Make(t))
		}
	}
	clear(s.young)
	s.young = s.young[:0]
	if len(s.watched) > s.sweep {
		s.watched = slices.DeleteFunc(s.watched, func(w weak.Pointer[Tensor]) bool {
			t := w.Value()
			return t == nil || t.handle.IsClosed()
		})
		s.sweep = 2*len(s.watched) + nurserySize
	}
}

func (s *TensorScope) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	forgotten := s.young
	for _, w := range s.watched {
		// What is gone has been closed by its finalizer, or will be.
		if t := w.Value(); t != nil {
			forgotten = append(forgotten, t)
		}
	}
	closeAll(forgotten)
	s.young, s.watched = nil, nil
}
