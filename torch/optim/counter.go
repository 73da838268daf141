package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A counter counts the steps of the parameters that took part in the same ones. Most often one serves
// all of a group.
type counter struct {
	users int
	steps int64
	// tensor is the number as the fused operators and captured graphs take it: float32, one element,
	// on the parameters' device. A replayed graph counts in it alone. Nil where nobody asked for it.
	tensor *torch.Tensor
}

func (c *counter) leave() {
	if c == nil {
		return
	}
	if c.users--; c.users == 0 {
		c.tensor.Close()
	}
}

// count is the number of steps, which waits for the device where the number lies there alone.
func (c *counter) count(capturable bool) int64 {
	if capturable && c.tensor != nil {
		return int64(c.tensor.Item())
	}
	return c.steps
}

// onDevice is the number as a tensor.
func (c *counter) onDevice(device torch.Device) *torch.Tensor {
	if c.tensor == nil {
		bridge.OutsideScopes(func(func(func())) {
			c.tensor = torch.Full(torch.Shape{}, float64(c.steps), torch.Float32, device)
		})
	}
	return c.tensor
}

// advance counts one more step of each of the batch's parameters.
func (b *batch) advance() {
	taking := map[*counter]int{}
	for _, state := range b.states {
		taking[state.counter]++
	}
	next := map[*counter]*counter{}
	for before, users := range taking {
		after := before
		switch {
		case before == nil:
			after = &counter{users: users}
		case before.users > users: // others stay behind
			after = &counter{users: users, steps: before.steps}
			if before.tensor != nil {
				bridge.OutsideScopes(func(func(func())) { after.tensor = before.tensor.Clone() })
			}
			before.users -= users
		}
		after.steps++
		if after.tensor != nil {
			after.tensor.AddScalarInPlace(1)
		}
		next[before] = after
	}
	for _, state := range b.states {
		state.counter = next[state.counter]
	}
}

// steps are the counts as the fused operators take them.
func (b *batch) steps() []*torch.Tensor {
	all := make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		all[i] = state.counter.onDevice(b.parameters[i].Device())
	}
	return all
}

// byCounter takes the batch apart into parameters of one count, for rules whose numbers depend on it.
func (b *batch) byCounter() []*batch {
	var parts []*batch
	found := map[*counter]*batch{}
	for i, state := range b.states {
		part := found[state.counter]
		if part == nil {
			part = &batch{isComplex: b.isComplex}
			found[state.counter] = part
			parts = append(parts, part)
		}
		part.take(b, i)
	}
	return parts
}
