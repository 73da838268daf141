package optim

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// fewElements is the number of elements up to which a parameter is small: starting an operator
// takes longer than computing it.
const fewElements = 4096

// A joined tensor holds one kind of state of several parameters, each of which has a view of its
// part.
type joined struct {
	all    *torch.Tensor
	states []*parameterState
}

// stepSmallJoined performs a step with operators over lists. On the CPU these run tensor by tensor,
// so the small parameters step as one tensor. If readsParameters is true, they are copied to it and
// back; otherwise it starts with zeros, and what step adds to it is added to them.
func (b *batch) stepSmallJoined(readsParameters bool, step func(*batch)) {
	if b.parameters[0].Device().IsCUDA() {
		step(b)
		return
	}
	small, others := &batch{isComplex: b.isComplex}, &batch{isComplex: b.isComplex}
	for i, state := range b.states {
		part := others
		// Older versions of libtorch do not give empty tensors their shapes back.
		if state.elements > 0 && state.elements <= fewElements {
			part = small
		}
		part.take(b, i)
	}
	if len(small.states) < 2 {
		step(b)
		return
	}
	if len(others.states) > 0 {
		step(others)
	}
	copies, views := small.joinParameters()
	if readsParameters {
		torch.ForeachCopyInPlace(views, small.parameters, false)
	} else {
		copies.ZeroInPlace()
	}
	step(&batch{
		parameters: []*torch.Tensor{copies},
		gradients:  []*torch.Tensor{torch.FlattenDenseTensors(small.gradients)},
		states:     small.states,
		parts:      small,
	})
	if readsParameters {
		torch.ForeachCopyInPlace(small.parameters, views, false)
	} else {
		torch.ForeachAddInPlace(small.parameters, views, 1)
	}
}

// joinedState returns one kind of state of all parameters as one tensor.
func (b *batch) joinedState(at int, new func(parameter *torch.Tensor) *torch.Tensor) *torch.Tensor {
	if before := b.joinedBefore(at); before != nil {
		return before.all
	}
	all, views := join(b.parts.tensors(at, new))
	bridge.OutsideScopes(func(func(func())) {
		for i, state := range b.states {
			state.tensors[at].Close()
			state.tensors[at] = views[i]
			if b.parts.isComplex {
				state.tensors[at] = views[i].ViewAsComplex()
				views[i].Close()
			}
		}
	})
	b.keepJoined(at, all)
	return all
}

// joinParameters returns a tensor with the elements of all parameters, and a view of each one's
// part.
func (b *batch) joinParameters() (all *torch.Tensor, views []*torch.Tensor) {
	at := len(b.states[0].tensors)
	if before := b.joinedBefore(at); before == nil {
		all, views = join(b.parameters)
		b.keepJoined(at, all)
		for i, state := range b.states {
			state.copy = views[i]
		}
		return all, views
	}
	views = make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		views[i] = state.copy
	}
	return b.states[0].joined[at].all, views
}

// join copies tensors to one that outlives every scope. The views are of its parts, in their
// shapes.
func join(tensors []*torch.Tensor) (all *torch.Tensor, views []*torch.Tensor) {
	bridge.OutsideScopes(func(func(func())) {
		all = torch.FlattenDenseTensors(tensors)
		views = torch.UnflattenDenseTensors(all, tensors)
	})
	return all, views
}

// joinedBefore returns what an earlier step joined, if it was for the same parameters.
func (b *batch) joinedBefore(at int) *joined {
	before := b.states[0].joined[at]
	if before == nil || !slices.Equal(before.states, b.states) {
		return nil
	}
	return before
}

func (b *batch) keepJoined(at int, all *torch.Tensor) {
	made := &joined{all, b.states}
	for _, state := range b.states {
		state.leaveJoined(at)
		state.joined[at] = made
	}
}

// leaveJoined drops the tensor that the state is a view of. The view stays.
func (s *parameterState) leaveJoined(at int) {
	before := s.joined[at]
	if before == nil {
		return
	}
	before.all.Close()
	for _, other := range before.states {
		other.joined[at] = nil
		if at == len(other.tensors) {
			other.copy.Close()
			other.copy = nil
		}
	}
}
