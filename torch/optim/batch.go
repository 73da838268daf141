package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A parameterState is what the steps so far left for one parameter.
type parameterState struct {
	parameter *torch.Tensor
	// tensors are by the places of the kind's names; absent ones are nil.
	tensors []*torch.Tensor
	// joined are what the tensors are parts of, where small parameters step as one, and at the end what
	// copy, of the parameter itself, is a part of.
	joined   []*joined
	copy     *torch.Tensor
	elements int64
	counter  *counter
}

func newParameterState(parameter *torch.Tensor, kinds int) *parameterState {
	return &parameterState{
		parameter: parameter, elements: parameter.NumElements(),
		tensors: make([]*torch.Tensor, kinds), joined: make([]*joined, kinds+1),
	}
}

func (s *parameterState) close() {
	for at := range s.joined {
		s.leaveJoined(at)
	}
	bridge.CloseAll(s.tensors)
	s.counter.leave()
}

// A batch is parameters of one dtype on one device, with their gradients, for one step. Complex ones
// are seen as pairs of real numbers, and nothing in it has gaps, as the fused operators need it.
type batch struct {
	parameters, gradients []*torch.Tensor
	states                []*parameterState
	isComplex             bool
	// copies are parameters that lie otherwise in memory than their copies among parameters.
	copies map[int]*torch.Tensor
	// parts are the parameters that are one here; nil where each stands for itself.
	parts *batch
}

// batches are the group's parameters that have gradients.
func (g *paramGroup) batches() []*batch {
	var all []*batch
	byLayout := map[bridge.Layout]*batch{}
	for i, gradient := range torch.Grads(g.parameters) {
		if gradient == nil {
			continue
		}
		parameter := g.parameters[i]
		layout, gradientLayout := bridge.LayoutOf("Step", parameter), bridge.LayoutOf("Step", gradient)
		gapless, gradientGapless := layout.Contiguous, gradientLayout.Contiguous
		layout.Contiguous = false // of no account for who steps together
		b := byLayout[layout]
		if b == nil {
			b = &batch{isComplex: parameter.DType().IsComplex()}
			byLayout[layout] = b
			all = append(all, b)
		}
		if g.states[i] == nil {
			g.states[i] = newParameterState(parameter, len(g.rule.kind().tensors))
		}
		if !gradientGapless {
			gradient = gradient.Contiguous()
		}
		b.add(parameter, gradient, gapless, g.states[i])
	}
	return all
}

func (b *batch) add(parameter, gradient *torch.Tensor, gapless bool, state *parameterState) {
	if !gapless {
		if b.copies == nil {
			b.copies = map[int]*torch.Tensor{}
		}
		b.copies[len(b.parameters)] = parameter
		parameter = parameter.Contiguous()
	}
	b.parameters = append(b.parameters, b.realView(parameter))
	b.gradients = append(b.gradients, b.realView(gradient))
	b.states = append(b.states, state)
}

func (b *batch) realView(t *torch.Tensor) *torch.Tensor {
	if b.isComplex {
		return t.ResolveConj().ViewAsReal()
	}
	return t
}

// finish copies back what was changed in a copy.
func (b *batch) finish() {
	for i, parameter := range b.copies {
		changed := b.parameters[i]
		if b.isComplex {
			changed = changed.ViewAsComplex()
		}
		parameter.CopyInPlace(changed)
	}
}

// tensors are one kind of state of all parameters, made by new, from the parameter, where it is absent.
func (b *batch) tensors(at int, new func(parameter *torch.Tensor) *torch.Tensor) []*torch.Tensor {
	if b.parts != nil {
		return []*torch.Tensor{b.joinedState(at, new)}
	}
	all := make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		if state.tensors[at] == nil {
			// It outlives every scope that the optimizer is used in.
			bridge.OutsideScopes(func(func(func())) {
				made := new(b.parameters[i])
				if b.isComplex {
					pairs := made
					made = pairs.ViewAsComplex()
					pairs.Close()
				}
				state.tensors[at] = made
			})
		}
		all[i] = b.realView(state.tensors[at])
	}
	return all
}

// zeros make a state that starts at 0.
func zeros(parameter *torch.Tensor) *torch.Tensor {
	return torch.Zeros(parameter.Shape(), parameter.DType(), parameter.Device())
}

// take adds another batch's i-th parameter.
func (b *batch) take(other *batch, i int) {
	b.parameters = append(b.parameters, other.parameters[i])
	b.gradients = append(b.gradients, other.gradients[i])
	b.states = append(b.states, other.states[i])
}

// split takes the batch apart into those with a kind of state and those without.
func (b *batch) split(at int) (with, without *batch) {
	with, without = &batch{isComplex: b.isComplex}, &batch{isComplex: b.isComplex}
	for i, state := range b.states {
		part := with
		if state.tensors[at] == nil {
			part = without
		}
		part.take(b, i)
	}
	return with, without
}

// maximized are the gradients to descend against: the negatives where the loss is to become large.
func (b *batch) maximized(maximize bool) []*torch.Tensor {
	if maximize {
		return torch.ForeachNeg(b.gradients)
	}
	return b.gradients
}

// decayed are gradients plus weightDecay times the parameters.
func (b *batch) decayed(gradients []*torch.Tensor, weightDecay float64) []*torch.Tensor {
	if weightDecay == 0 {
		return gradients
	}
	return torch.ForeachAdd(gradients, b.parameters, weightDecay)
}
