package torch

import (
	"sync"
	"sync/atomic"
)

// openScopes finds a scope by the number that C stores for its thread. Every operator looks one up,
// so there is no lock: only the thread that wrote a slot knows its number.
var openScopes scopeTable

type scopeTable struct {
	mutex  sync.Mutex
	places atomic.Pointer[[]*TensorScope]
	free   []uint64
}

// open stores scope and returns its number, from 1.
func (s *scopeTable) open(scope *TensorScope) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.free) == 0 {
		s.grow()
	}
	scope.id = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	(*s.places.Load())[scope.id-1] = scope
}

func (s *scopeTable) grow() {
	var before []*TensorScope
	if places := s.places.Load(); places != nil {
		before = *places
	}
	after := make([]*TensorScope, max(64, 2*len(before)))
	copy(after, before)
	for number := len(after); number > len(before); number-- {
		s.free = append(s.free, uint64(number))
	}
	s.places.Store(&after)
}

func (s *scopeTable) close(scope *TensorScope) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	(*s.places.Load())[scope.id-1] = nil
	s.free = append(s.free, scope.id)
}

// find returns the scope with the given number, or nil for 0.
func (s *scopeTable) find(id uint64) *TensorScope {
	if id == 0 {
		return nil
	}
	return (*s.places.Load())[id-1]
}

// all returns the open scopes.
func (s *scopeTable) all() []*TensorScope {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var open []*TensorScope
	if places := s.places.Load(); places != nil {
		for _, scope := range *places {
			if scope != nil {
				open = append(open, scope)
			}
		}
	}
	return open
}
