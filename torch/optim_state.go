package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"maps"
	"slices"
)

// StateDict is what the optimiser would need to go on where it stands, in the layout of Python's
// optimizer.state_dict(): "state", a dict from each parameter's number to its values, and
// "param_groups", a list of the groups' settings. The tensors are copies of the optimiser's own.
// [Optimizer.LoadStateDict] takes it, and so does Python.
func (o *Optimizer) StateDict() *Dict {
	const operation = "StateDict"
	self := o.acquire(operation)
	defer o.handle.leave()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	states, number := NewDict(), int64(0)
	for i, group := range o.groups {
		for j := range group.parameters {
			if state := o.parameterState(operation, self, i, j); state != nil {
				states.Set(number, state)
			}
			number++
		}
	}
	return NewDict("state", states, "param_groups", o.groupDicts())
}

// parameterState is a parameter's state by Python's names, or nil where it has none.
func (o *Optimizer) parameterState(operation string, self *C.ctorch_optimizer, group, index int) *Dict {
	state := C.ctorch_optimizer_get_state(self, C.int64_t(group), C.int64_t(index))
	check(operation, state.error)
	if state.present == 0 {
		return nil
	}
	values := NewDict()
	if o.algorithm.counts {
		values.Set("step", FromSlice([]float32{float32(state.step)}, []int64{}))
	}
	for i, name := range o.algorithm.tensors {
		if tensor := adopt(state.tensors[i]); tensor != nil {
			values.Set(name, tensor)
		}
	}
	return values
}

// LoadStateDict takes over what [Optimizer.StateDict] or Python's optimizer.state_dict() gave: the
// state of each parameter, by its place among the parameters, and the groups' settings. The
// tensors are copied, to each parameter's dtype and device. Where state does not fit, the
// optimiser stays as it was.
func (o *Optimizer) LoadStateDict(state *Dict) error {
	const operation = "LoadStateDict"
	return Try(func() error {
		self := o.acquire(operation)
		defer o.handle.leave()
		o.mutex.Lock()
		defer o.mutex.Unlock()
		loaded, err := o.readStateDict(operation, state)
		if err != nil {
			return err
		}
		var found []foundState
		number := 0
		for i, group := range o.groups {
			for j, parameter := range group.parameters {
				one, err := o.readParameterState(operation, loaded, number, &loaded.groups[i].settings, parameter)
				if err != nil {
					return err
				}
				one.group, one.index = i, j
				found = append(found, one)
				number++
			}
		}
		o.applyGroups(loaded)
		for _, one := range found {
			if err := one.give(operation, self); err != nil {
				return err
			}
		}
		return nil
	})
}

// A foundState is one parameter's state in a state dict.
type foundState struct {
	group, index int
	step         int64
	// tensors are as many as C's; nil: there is no state.
	tensors []*Tensor
}

func (f foundState) give(operation string, self *C.ctorch_optimizer) error {
	group, index := C.int64_t(f.group), C.int64_t(f.index)
	if f.tensors == nil {
		return takeError(operation, C.ctorch_optimizer_set_state(self, group, index, 0, nil))
	}
	all := acquireAll(operation, f.tensors)
	defer all.release()
	return takeError(operation, C.ctorch_optimizer_set_state(self, group, index, C.int64_t(f.step), all.pointer()))
}

func (o *Optimizer) readParameterState(operation string, loaded *stateDict, number int,
	settings *settings, parameter *Tensor) (foundState, error) {
	found := foundState{}
	values, err := loaded.stateOf(operation, number)
	if values == nil || err != nil {
		return found, err
	}
	if o.algorithm.counts {
		if err := readValue(values.Get("step"), &found.step); err != nil {
			return found, invalid(operation, "the state of parameter %d: step %v", number, err)
		}
	}
	tensors := make([]*Tensor, C.CTORCH_OPTIMIZER_STATE_TENSORS)
	some := false
	keeps := o.algorithm.keeps(settings)
	for i, name := range o.algorithm.tensors {
		tensor, _ := values.Get(name).(*Tensor)
		if tensor == nil {
			if keeps[i] && !o.algorithm.begins {
				return found, invalid(operation, "the state of parameter %d has no tensor %q: is it %s's?",
					number, name, o.algorithm.name)
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

func sameShape(operation string, number int, name string, tensor, parameter *Tensor) error {
	given, wanted := tensor.Shape(), parameter.Shape()
	if slices.Equal(given, wanted) {
		return nil
	}
	return invalid(operation, "parameter %d has shape %v, but %q of its state has %v", number, wanted, name, given)
}

// groupDicts are the groups as Python's param_groups.
func (g *paramGroups) groupDicts() []any {
	dicts, number := make([]any, len(g.groups)), int64(0)
	for i, group := range g.groups {
		dict := NewDict()
		writeFields(g.algorithm.fields(&group.settings), dict)
		for name, value := range g.algorithm.others.All() {
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
	// states are by the numbers of the one who wrote them; numbers has these in the parameters'
	// order.
	states  *Dict
	numbers []int64
	groups  []readGroup
}

type readGroup struct {
	settings settings
	extras   map[string]float64
}

// readStateDict reads the groups, which must be as many and as large as the optimiser's.
func (g *paramGroups) readStateDict(operation string, state *Dict) (*stateDict, error) {
	dicts, ok := anyList(state.Get("param_groups"))
	if !ok {
		return nil, invalid(operation, "the state has no list \"param_groups\": it is no optimizer's")
	}
	states, ok := state.Get("state").(*Dict)
	if !ok {
		return nil, invalid(operation, "the state has no dict \"state\": it is no optimizer's")
	}
	if len(dicts) != len(g.groups) {
		return nil, invalid(operation, "the state has %d groups of parameters, the optimizer %d", len(dicts), len(g.groups))
	}
	loaded := &stateDict{states: states}
	for i, dict := range dicts {
		values, ok := dict.(*Dict)
		if !ok {
			return nil, invalid(operation, "group %d of the state is a %T, no dict", i, dict)
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

// readGroup reads a group's settings. What is missing stays as it is: older versions of PyTorch
// wrote less.
func (g *paramGroups) readGroup(operation string, at int, values *Dict) (readGroup, error) {
	read := readGroup{settings: g.groups[at].settings, extras: map[string]float64{}}
	if maximize, _ := values.Get("maximize").(bool); maximize {
		return read, &Error{operation, ErrNotImplemented,
			"the state's group maximizes, which libtorch's optimizers cannot: minimize the negative"}
	}
	if decoupled, ok := values.Get(decoupledDecay).(bool); ok {
		if ours, has := g.algorithm.others.Lookup(decoupledDecay); has && ours != decoupled {
			return read, invalid(operation, "the state is of another kind of weight decay than %s's", g.algorithm.name)
		}
	}
	fields := g.algorithm.fields(&read.settings)
	if err := readFields(fields, values); err != nil {
		return read, invalid(operation, "group %d of the state: %v", at, err)
	}
	if err := read.settings.check(operation); err != nil {
		return read, err
	}
	for key, value := range values.All() {
		name, _ := key.(string)
		_, other := g.algorithm.others.Lookup(name)
		known := other || slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
		if number, ok := asNumber(value); ok && !known {
			read.extras[name] = number
		}
	}
	return read, nil
}

func (g *paramGroups) applyGroups(loaded *stateDict) {
	for i, group := range g.groups {
		group.settings, group.extras, group.changed = loaded.groups[i].settings, loaded.groups[i].extras, true
	}
}

// stateOf is the state of a parameter by its place among all parameters; nil where it has none.
func (s *stateDict) stateOf(operation string, at int) (*Dict, error) {
	value := s.states.Get(s.numbers[at])
	values, ok := value.(*Dict)
	if value != nil && !ok {
		return nil, invalid(operation, "the state of parameter %d is a %T, no dict", at, value)
	}
	return values, nil
}
