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
	counter *counter
}

func (s *parameterState) close() {
	for _, tensor := range s.tensors {
		tensor.Close()
	}
	s.counter.leave()
}

// A batch is parameters of one dtype on one device, with their gradients, for one step. Complex ones
// are seen as pairs of real numbers, and nothing in it has gaps, as the fused operators need it.
type batch struct {
	parameters, gradients []*torch.Tensor
	states                []*parameterState
	// copies are parameters that lie otherwise in memory than their copies among parameters.
	copies map[int]*torch.Tensor
}

type placeAndType struct {
	device torch.Device
	dtype  torch.DType
}

// batches are the group's parameters that have gradients.
func (g *paramGroup) batches() []*batch {
	var all []*batch
	byPlace := map[placeAndType]*batch{}
	for i, gradient := range torch.Grads(g.parameters) {
		if gradient == nil {
			continue
		}
		parameter := g.parameters[i]
		place := placeAndType{parameter.Device(), parameter.DType()}
		b := byPlace[place]
		if b == nil {
			b = &batch{}
			byPlace[place] = b
			all = append(all, b)
		}
		if g.states[i] == nil {
			g.states[i] = &parameterState{parameter: parameter, tensors: make([]*torch.Tensor, len(g.rule.kind().tensors))}
		}
		b.add(parameter, gradient, g.states[i])
	}
	return all
}

func (b *batch) add(parameter, gradient *torch.Tensor, state *parameterState) {
	plain := dense(parameter)
	if plain != parameter {
		if b.copies == nil {
			b.copies = map[int]*torch.Tensor{}
		}
		b.copies[len(b.parameters)] = parameter
	}
	b.parameters = append(b.parameters, realView(plain))
	b.gradients = append(b.gradients, realView(dense(gradient)))
	b.states = append(b.states, state)
}

// dense is t, or a copy of it without gaps and in row-major order.
func dense(t *torch.Tensor) *torch.Tensor {
	if t.IsContiguous() {
		return t
	}
	return t.Contiguous()
}

func realView(t *torch.Tensor) *torch.Tensor {
	if t.DType().IsComplex() {
		return t.ResolveConj().ViewAsReal()
	}
	return t
}

// finish copies back what was changed in a copy.
func (b *batch) finish() {
	for i, parameter := range b.copies {
		changed := b.parameters[i]
		if parameter.DType().IsComplex() {
			changed = changed.ViewAsComplex()
		}
		parameter.CopyInPlace(changed)
	}
}

// tensors are one kind of state of all parameters, made by new, from the parameter, where it is absent.
func (b *batch) tensors(at int, new func(parameter *torch.Tensor) *torch.Tensor) []*torch.Tensor {
	all := make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		if state.tensors[at] == nil {
			// It outlives every scope that the optimizer is used in.
			bridge.OutsideScopes(func(func(func())) {
				made := new(b.parameters[i])
				if original := b.original(i); original.DType().IsComplex() {
					pairs := made
					made = pairs.ViewAsComplex()
					pairs.Close()
				}
				state.tensors[at] = made
			})
		}
		all[i] = realView(state.tensors[at])
	}
	return all
}

// original is the parameter that the batch's i-th one is a view or a copy of.
func (b *batch) original(i int) *torch.Tensor { return b.states[i].parameter }

// zeros make a state that starts at 0.
func zeros(parameter *torch.Tensor) *torch.Tensor {
	return torch.Zeros(parameter.Shape(), parameter.DType(), parameter.Device())
}

// split takes the batch apart into those with a kind of state and those without.
func (b *batch) split(at int) (with, without *batch) {
	with, without = &batch{}, &batch{}
	for i, state := range b.states {
		part := with
		if state.tensors[at] == nil {
			part = without
		}
		part.parameters = append(part.parameters, b.parameters[i])
		part.gradients = append(part.gradients, b.gradients[i])
		part.states = append(part.states, state)
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
