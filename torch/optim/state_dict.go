package optim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// StateDict returns the options and state of the optimizer in the layout of Python's
// optimizer.state_dict(): "state", a dict from each parameter's index to its values, and
// "param_groups", a list of the groups' options. The tensors are copies. [Optimizer.LoadStateDict]
// and Python load it.
func (o *Optimizer) StateDict() *torch.Dict {
	o.mustEnter("StateDict")
	defer o.mutex.Unlock()
	states, number := torch.NewDict(), int64(0)
	for _, group := range o.groups {
		for _, state := range group.states {
			if state != nil {
				if values := o.stateValues(group, state); values.Len() > 0 {
					states.Set(number, values)
				}
			}
			number++
		}
	}
	return torch.NewDict("state", states, "param_groups", o.groupDicts())
}

// stateValues returns a parameter's state with Python's names.
func (o *Optimizer) stateValues(group *paramGroup, state *parameterState) *torch.Dict {
	values := torch.NewDict()
	if o.kind.counts && state.counter != nil {
		steps := torch.Full(torch.Shape{}, float64(state.counter.count(isCapturable(group.rule))), torch.Float32)
		if isCapturable(group.rule) {
			steps = steps.To(state.parameter.Device())
		}
		values.Set("step", steps)
	}
	for i, name := range o.kind.tensors {
		if tensor := state.tensors[i]; tensor != nil {
			values.Set(name, tensor.Clone())
		}
	}
	return values
}

// isCapturable reports whether a rule counts its steps on the device.
func isCapturable(r rule) bool {
	for _, field := range r.fields() {
		if field.name == "capturable" {
			return *field.to.(*bool)
		}
	}
	return false
}

// LoadStateDict restores options and state from [Optimizer.StateDict] or Python's
// optimizer.state_dict(). Parameters are matched by their order. Tensors are copied to each
// parameter's dtype and device. On error the optimizer is unchanged.
func (o *Optimizer) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	return torch.Try(func() error {
		if err := o.enter(operation); err != nil {
			return err
		}
		defer o.mutex.Unlock()
		loaded, err := o.readStateDict(operation, state)
		if err != nil {
			return err
		}
		var found []foundState
		for i, group := range o.groups {
			for _, parameter := range group.parameters {
				one, err := o.readParameterState(operation, loaded, len(found), loaded.groups[i].rule, parameter)
				if err != nil {
					return err
				}
				found = append(found, one)
			}
		}
		states, err := copyStates(found, o.allParameters())
		if err != nil {
			return err
		}
		o.applyGroups(loaded)
		for _, group := range o.groups {
			for i := range group.states {
				if group.states[i] != nil {
					group.states[i].close()
				}
				group.states[i], states = states[0], states[1:]
			}
		}
		return nil
	})
}

func (g *paramGroups) allParameters() []*torch.Tensor {
	var all []*torch.Tensor
	for _, group := range g.groups {
		all = append(all, group.parameters...)
	}
	return all
}

// A foundState is one parameter's state in a state dict, without tensors if there is none.
type foundState struct {
	steps   int64
	tensors []*torch.Tensor
}

// copyStates returns states with copies of the tensors; parameters with the same count share a
// counter.
func copyStates(found []foundState, parameters []*torch.Tensor) (states []*parameterState, err error) {
	states = make([]*parameterState, len(found))
	counters := map[string]*counter{}
	bridge.OutsideScopes(func(func(func())) {
		err = torch.Try(func() error {
			for i, one := range found {
				if one.tensors == nil {
					continue
				}
				state := newParameterState(parameters[i], len(one.tensors))
				states[i] = state
				key := fmt.Sprint(one.steps, parameters[i].Device())
				if counters[key] == nil {
					counters[key] = &counter{steps: one.steps}
				}
				state.counter = counters[key]
				state.counter.users++
				for j, tensor := range one.tensors {
					if tensor != nil {
						state.tensors[j] = copyOf(tensor, parameters[i])
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		for _, state := range states {
			if state != nil {
				state.close()
			}
		}
	}
	return states, err
}

// copyOf returns a copy of a tensor with the dtype and device of another.
func copyOf(tensor, like *torch.Tensor) *torch.Tensor {
	detached := tensor.Detach()
	defer detached.Close()
	moved := detached.To(like.DType(), like.Device())
	defer moved.Close()
	return moved.Clone()
}

func (o *Optimizer) readParameterState(operation string, loaded *stateDict, number int, rule rule,
	parameter *torch.Tensor) (foundState, error) {
	found := foundState{}
	values, err := loaded.stateOf(operation, number)
	if values == nil || err != nil {
		return found, err
	}
	if o.kind.counts {
		if err := readValue(values.Get("step"), &found.steps); err != nil {
			return found, invalid(operation, "the state of parameter %d: step %v", number, err)
		}
	}
	tensors := make([]*torch.Tensor, len(o.kind.tensors))
	some := false
	keeps := rule.keeps()
	for i, name := range o.kind.tensors {
		tensor, _ := values.Get(name).(*torch.Tensor)
		if tensor == nil {
			if keeps[i] && !o.kind.begins {
				return found, invalid(operation, "the state of parameter %d has no tensor %q: is it %s's?",
					number, name, o.kind.name)
			}
			continue
		}
		if err := sameShape(operation, number, name, tensor, parameter); err != nil {
			return found, err
		}
		tensors[i], some = tensor, true
	}
	if some {
		found.tensors = tensors
	}
	return found, nil
}

func sameShape(operation string, number int, name string, tensor, parameter *torch.Tensor) error {
	given, wanted := tensor.Shape(), parameter.Shape()
	if slices.Equal(given, wanted) {
		return nil
	}
	return invalid(operation, "parameter %d has shape %v, but %q of its state has %v", number, wanted, name, given)
}

// groupDicts returns the groups as Python's param_groups.
func (g *paramGroups) groupDicts() []any {
	dicts, number := make([]any, len(g.groups)), int64(0)
	for i, group := range g.groups {
		dict := torch.NewDict()
		writeFields(group.rule.fields(), dict)
		for name, value := range g.kind.others.All() {
			dict.Set(name, value)
		}
		for _, name := range slices.Sorted(maps.Keys(group.extras)) {
			dict.Set(name, group.extras[name])
		}
		numbers := make([]any, len(group.parameters))
		for j := range numbers {
			numbers[j] = number
			number++
		}
		dict.Set("params", numbers)
		dicts[i] = dict
	}
	return dicts
}

// A stateDict is a state dict whose groups were read and fit.
type stateDict struct {
	// states are by the numbers in the state dict; numbers has these in the parameters' order.
	states  *torch.Dict
	numbers []int64
	groups  []readGroup
}

type readGroup struct {
	rule   rule
	extras map[string]float64
}

// readStateDict reads the groups, which must match the optimizer's in number and size.
func (g *paramGroups) readStateDict(operation string, state *torch.Dict) (*stateDict, error) {
	dicts, ok := anyList(state.Get("param_groups"))
	if !ok {
		return nil, invalid(operation, "the state has no list \"param_groups\": it is no optimizer's")
	}
	states, ok := state.Get("state").(*torch.Dict)
	if !ok {
		return nil, invalid(operation, "the state has no dict \"state\": it is no optimizer's")
	}
	if len(dicts) != len(g.groups) {
		return nil, invalid(operation, "the state has %s of parameters, the optimizer %d", words.Count(len(dicts), "group"), len(g.groups))
	}
	loaded := &stateDict{states: states}
	for i, dict := range dicts {
		values, ok := dict.(*torch.Dict)
		if !ok {
			return nil, invalid(operation, "group %d of the state is %s, no dict", i, words.Type(dict))
		}
		var numbers []int64
		if err := readValue(values.Get("params"), &numbers); err != nil {
			return nil, invalid(operation, "group %d of the state: params %v", i, err)
		}
		if len(numbers) != len(g.groups[i].parameters) {
			return nil, invalid(operation, "group %d of the state has %d parameters, the optimizer's %d",
				i, len(numbers), len(g.groups[i].parameters))
		}
		loaded.numbers = append(loaded.numbers, numbers...)
		group, err := g.readGroup(operation, i, values)
		if err != nil {
			return nil, err
		}
		loaded.groups = append(loaded.groups, group)
	}
	return loaded, nil
}

// readGroup reads a group's options. Missing ones keep their value, since older versions of PyTorch
// store fewer.
func (g *paramGroups) readGroup(operation string, at int, values *torch.Dict) (readGroup, error) {
	read := readGroup{rule: g.groups[at].rule.options().rule(), extras: map[string]float64{}}
	fields := read.rule.fields()
	for _, field := range fields {
		if field.name == decoupledDecay {
			ours := *field.to.(*bool)
			if theirs, ok := values.Get(decoupledDecay).(bool); ok && theirs != ours {
				return read, invalid(operation, "the state is of another kind of weight decay than %s's", g.kind.name)
			}
		}
	}
	if err := readFields(fields, values); err != nil {
		return read, invalid(operation, "group %d of the state: %v", at, err)
	}
	if err := read.rule.check(operation); err != nil {
		return read, err
	}
	for key, value := range values.All() {
		name, _ := key.(string)
		_, other := g.kind.others.Lookup(name)
		known := other || slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
		if number, ok := asNumber(value); ok && !known {
			read.extras[name] = number
		}
	}
	return read, nil
}

func (g *paramGroups) applyGroups(loaded *stateDict) {
	for i, group := range g.groups {
		group.rule, group.extras = loaded.groups[i].rule, loaded.groups[i].extras
	}
}

// stateOf returns the state of a parameter by its index among all parameters, or nil.
func (s *stateDict) stateOf(operation string, at int) (*torch.Dict, error) {
	value := s.states.Get(s.numbers[at])
	values, ok := value.(*torch.Dict)
	if value != nil && !ok {
		return nil, invalid(operation, "the state of parameter %d is %s, no dict", at, words.Type(value))
	}
	return values, nil
}
