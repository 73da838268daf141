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

// A TensorScope is the tensors that were made while a [Scope] ran.
type TensorScope struct {
	id     uint64
	parent *TensorScope
	// hasTurn says that the scope, or one around it, has its turn on the processors; see Compute.
	hasTurn bool

	mutex sync.Mutex
	// young are the newest tensors, room at most; see nursery.
	young []*Tensor
	room  int
	// watched are older ones, which the garbage collector may free before the scope ends.
	watched []weak.Pointer[Tensor]
	// sweep is the length of watched at which those that were freed are dropped from it.
	sweep int
}

// Scope runs f, and at its end closes every tensor that f made on its goroutine, but for those it
// keeps. Scopes nest: what an inner scope keeps belongs to the outer one, if there is one. Tensors
// that goroutines started by f make are theirs.
//
// f holds its OS thread while it runs, and uses that thread's team of OpenMP threads alone, which
// is given back at the end of the outermost scope: long work is fastest in one scope.
//
//	torch.Scope(func(scope *torch.TensorScope) {
//		loss := model(x)
//		loss.Backward()
//		last = scope.Keep(loss.Detach())
//	})
func Scope(f func(scope *TensorScope)) { runScope(plainScope, f) }

// Compute runs f, a piece of work that computes and waits for no other goroutine, such as one forward
// and backward pass of a model. It waits for a turn on the processors, runs f in a [Scope], and turns
// a panic with an [*Error] into an error, as [Try] does; otherwise the error is f's.
//
// No more calls run at once than there are processors for, each taking [NumThreads]; the others wait
// without an OS thread. So a server may call it from hundreds of goroutines. Where ctx ends before the
// turn comes, f does not run and the error is ctx's. A Compute inside a Compute, or a module called
// inside one, waits for nothing.
//
//	err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
//		loss := model(x)
//		loss.Backward()
//		last = scope.Keep(loss.Detach())
//		return nil
//	})
func Compute(ctx context.Context, f func(scope *TensorScope) error) error {
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

// inScope runs f so that the tensors that it makes belong to a scope; 0 stands for none.
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
	// callbackScope is around Go code that C called in the middle of a call of ours: what that
	// call waited for, and the team of threads that it uses, are its own. It is also around work of
	// this package that is too short to give the team back after.
	callbackScope
)

func (s *TensorScope) isInTurn() bool { return s != nil && s.hasTurn }

func runScope(kind scopeKind, f func(scope *TensorScope)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	scope := &TensorScope{sweep: nurserySize, room: nurserySize}
	if kind == callbackScope {
		// It ends soon: having the garbage collector watch its tensors would cost more than it saves.
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
			// The goroutine may go on on another thread, which would have a team of its own.
			C.ctorch_release_team()
		}
	}()
	f(scope)
}

// Keep takes t out of the scope, and of scopes inside it, so that it lives on, and hands it back.
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

// adopt makes t belong to s, or, where that is nil, to nobody.
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

// drop takes t out, and reports whether it was there.
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

// release leaves the young tensors that are still open to the garbage collector, so that a loop in
// one scope runs in bounded memory too. The mutex is held.
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
		// What is gone was closed by its finalizer, or will be.
		if t := w.Value(); t != nil {
			forgotten = append(forgotten, t)
		}
	}
	closeAll(forgotten)
	s.young, s.watched = nil, nil
}
