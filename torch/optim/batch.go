package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A parameterState is the optimizer's state for one parameter.
type parameterState struct {
	parameter *torch.Tensor
	// tensors are in the order of the kind's names; absent ones are nil.
	tensors []*torch.Tensor
	// joined are the tensors that these tensors are views of, for small parameters that step as
	// one; the last is for the copy of the parameter itself, copy.
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

// A batch is the parameters of one dtype and device, with their gradients, for one step. Complex
// ones are viewed as pairs of real numbers. All are contiguous, as the fused operators require.
type batch struct {
	parameters, gradients []*torch.Tensor
	states                []*parameterState
	isComplex             bool
	// copies are parameters whose memory layout differs from that of their copies in parameters.
	copies map[int]*torch.Tensor
	// parts are the parameters that are joined to one here, or nil.
	parts *batch
}

// batches returns batches of the group's parameters that have gradients.
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
		layout.Contiguous = false // does not matter for who steps together
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

// finish writes copies back to their parameters.
func (b *batch) finish() {
	for i, parameter := range b.copies {
		changed := b.parameters[i]
		if b.isComplex {
			changed = changed.ViewAsComplex()
		}
		parameter.CopyInPlace(changed)
	}
}

// tensors returns one kind of state for all parameters. Where it is absent, new makes it from the
// parameter.
func (b *batch) tensors(at int, new func(parameter *torch.Tensor) *torch.Tensor) []*torch.Tensor {
	if b.parts != nil {
		return []*torch.Tensor{b.joinedState(at, new)}
	}
	all := make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		if state.tensors[at] == nil {
			// The state must outlive every scope that the optimizer is used in.
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

// zeros makes a state that starts at 0.
func zeros(parameter *torch.Tensor) *torch.Tensor {
	return torch.Zeros(parameter.Shape(), parameter.DType(), parameter.Device())
}

// take adds parameter i of another batch.
func (b *batch) take(other *batch, i int) {
	b.parameters = append(b.parameters, other.parameters[i])
	b.gradients = append(b.gradients, other.gradients[i])
	b.states = append(b.states, other.states[i])
}

// split divides the batch into parameters with a kind of state and those without.
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

// maximized returns the gradients, negated if maximize.
func (b *batch) maximized(maximize bool) []*torch.Tensor {
	if maximize {
		return torch.ForeachNeg(b.gradients)
	}
	return b.gradients
}

// decayed returns gradients + weightDecay * parameters.
func (b *batch) decayed(gradients []*torch.Tensor, weightDecay float64) []*torch.Tensor {
	if weightDecay == 0 {
		return gradients
	}
	return torch.ForeachAdd(gradients, b.parameters, weightDecay)
}
