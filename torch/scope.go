package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A TensorScope is the tensors that were made while a [Scope] ran.
type TensorScope struct {
	id     uint64
	parent uint64

	mutex   sync.Mutex
	tensors []*handle
	kept    map[*handle]bool
}

var (
	lastScope  atomic.Uint64
	openScopes sync.Map // uint64 -> *TensorScope
)

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
func Scope(f func(scope *TensorScope)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	scope := &TensorScope{id: lastScope.Add(1)}
	openScopes.Store(scope.id, scope)
	scope.parent = uint64(C.ctorch_set_scope(C.uint64_t(scope.id)))
	defer func() {
		C.ctorch_set_scope(C.uint64_t(scope.parent))
		openScopes.Delete(scope.id)
		scope.end()
		if scope.parent == 0 {
			// The goroutine may go on on another thread, which would have a team of its own.
			C.ctorch_release_team()
		}
	}()
	f(scope)
}

// Keep takes t out of the scope, so that it lives on, and hands it back.
func (s *TensorScope) Keep(t *Tensor) *Tensor {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.kept == nil {
		s.kept = map[*handle]bool{}
	}
	s.kept[t.handle] = true
	return t
}

func (s *TensorScope) add(h *handle) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tensors = append(s.tensors, h)
}

func (s *TensorScope) end() {
	outer := scopeOf(s.parent)
	for _, h := range s.tensors {
		switch {
		case !s.kept[h]:
			h.close()
		case outer != nil:
			outer.add(h)
		}
	}
}

func scopeOf(id uint64) *TensorScope {
	if id == 0 {
		return nil
	}
	scope, ok := openScopes.Load(id)
	if !ok {
		return nil
	}
	return scope.(*TensorScope)
}
