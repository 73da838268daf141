package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// fields returns the state's numbers with Python's names.
func (s *lbfgsState) fields() []field {
	return []field{{"func_evals", &s.evaluations}, {"n_iter", &s.iterations}, {"t", &s.step},
		{"ro", &s.inverses}, {"H_diag", &s.diagonal}, {"prev_loss", &s.loss}}
}

// StateDict returns the optimizer's options and state, as [Optimizer.StateDict] does. As in Python,
// the state is stored with the first parameter.
func (o *LBFGSOptimizer) StateDict() *torch.Dict {
	if err := o.enter("StateDict"); err != nil {
		panic(err)
	}
	defer o.busy.Unlock()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	states := torch.NewDict()
	if o.state.evaluations > 0 {
		values := torch.NewDict()
		if o.state.direction == nil {
			values.Set("func_evals", o.state.evaluations)
			values.Set("n_iter", o.state.iterations)
		} else {
			writeFields(o.state.fields(), values)
			values.Set("d", o.state.direction.Clone())
			values.Set("prev_flat_grad", o.state.gradient.Clone())
			values.Set("old_dirs", clones(o.state.gradients))
			values.Set("old_stps", clones(o.state.steps))
		}
		states.Set(0, values)
	}
	return torch.NewDict("state", states, "param_groups", o.groupDicts())
}

func clones(tensors []*torch.Tensor) []any {
	list := make([]any, len(tensors))
	for i, tensor := range tensors {
		list[i] = tensor.Clone()
	}
	return list
}

// LoadStateDict restores a state from [LBFGSOptimizer.StateDict] or Python's
// optimizer.state_dict(), as [Optimizer.LoadStateDict] does.
func (o *LBFGSOptimizer) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	if err := o.enter(operation); err != nil {
		return err
	}
	defer o.busy.Unlock()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return torch.Try(func() error {
		loaded, err := o.readStateDict(operation, state)
		if err != nil {
			return err
		}
		values, err := loaded.stateOf(operation, 0)
		if err != nil {
			return err
		}
		var read lbfgsState
		if err := readFields(read.fields(), values); err != nil {
			return invalid(operation, "the state of parameter 0: %v", err)
		}
		if err := o.readTensors(operation, &read, values); err != nil {
			return err
		}
		bridge.CloseAll(o.state.tensors())
		o.state = read
		o.applyGroups(loaded)
		return nil
	})
}

// readTensors copies all of the state's tensors, or none of them on failure.
func (o *LBFGSOptimizer) readTensors(operation string, to *lbfgsState, values *torch.Dict) error {
	if values.Get("d") == nil {
		return nil
	}
	parameters := o.groups[0].parameters
	count := int64(0)
	for _, parameter := range parameters {
		count += parameter.NumElements()
	}
	var made []*torch.Tensor
	fit := false
	defer func() {
		if !fit {
			bridge.CloseAll(made)
		}
	}()
	var err error
	read := func(name string, value any) *torch.Tensor {
		tensor, _ := value.(*torch.Tensor)
		switch {
		case err != nil:
			return nil
		case tensor == nil:
			err = invalid(operation, "the state of parameter 0: %s is %s, no tensor", name, describeValue(value))
			return nil
		case tensor.Dim() != 1 || tensor.NumElements() != count:
			err = invalid(operation, "the parameters have %s, but %q of the state has shape %v", words.Count(count, "element"), name, tensor.Shape())
			return nil
		}
		made = append(made, copyOf(tensor, parameters[0]))
		return made[len(made)-1]
	}
	list := func(name string) []*torch.Tensor {
		items, _ := anyList(values.Get(name))
		if err == nil && len(items) != len(to.inverses) {
			err = invalid(operation, "the state of parameter 0: %s has %s, ro has %d", name, words.Count(len(items), "item"), len(to.inverses))
		}
		tensors := make([]*torch.Tensor, len(items))
		for i, item := range items {
			tensors[i] = read(name, item)
		}
		return tensors
	}
	bridge.OutsideScopes(func(func(func())) {
		to.direction, to.gradient = read("d", values.Get("d")), read("prev_flat_grad", values.Get("prev_flat_grad"))
		to.gradients, to.steps = list("old_dirs"), list("old_stps")
	})
	fit = err == nil
	return err
}
