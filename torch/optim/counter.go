package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A counter counts steps. Parameters that took part in the same steps share one; mostly one serves
// a whole group.
type counter struct {
	users int
	steps int64
	// tensor is the count as the fused operators and captured graphs need it: a float32 tensor of
	// one element on the parameters' device, or nil if not needed. Replays of a graph update only
	// this tensor.
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

// count returns the number of steps. If it is only on the device, it waits for the device.
func (c *counter) count(capturable bool) int64 {
	if capturable && c.tensor != nil {
		return int64(c.tensor.Item())
	}
	return c.steps
}

// onDevice returns the count as a tensor.
func (c *counter) onDevice(device torch.Device) *torch.Tensor {
	if c.tensor == nil {
		bridge.OutsideScopes(func(func(func())) {
			c.tensor = torch.Full(torch.Shape{}, float64(c.steps), torch.Float32, device)
		})
	}
	return c.tensor
}

// advance adds one step for each of the batch's parameters.
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
		case before.users > users: // some parameters do not take this step
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

// steps returns the counts as the fused operators take them.
func (b *batch) steps() []*torch.Tensor {
	all := make([]*torch.Tensor, len(b.states))
	for i, state := range b.states {
		all[i] = state.counter.onDevice(b.parameters[i].Device())
	}
	return all
}

// byCounter divides the batch into parameters with the same count, for rules that depend on it.
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
