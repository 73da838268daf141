package optim

import (
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// An Optimizer changes parameters by their gradients. It keeps the parameters alive. Several
// goroutines may use one: one waits for the other.
//
// [SGD], [Adam], [AdamW], [RMSprop], [Adagrad], [Adamax] and [RAdam] make one, for parameters that
// share their settings or for groups of them that do not; [LBFGS] makes another kind. [StepLR] and its
// like change the learning rates as training goes on.
type Optimizer struct {
	paramGroups
	closed bool
}

// Parameters are what an optimizer is made for: parameters that share its options, or groups of
// parameters.
type Parameters interface{ []*torch.Tensor | []ParamGroup }

// A ParamGroup is parameters that an optimizer treats alike.
type ParamGroup struct {
	Parameters []*torch.Tensor
	// Options are all of the group's settings, of the type that the optimizer is made with. Nil means
	// those that the optimizer was made with.
	Options Options
}

func newOptimizer[P Parameters](kind *kind, parameters P, options Options) (*Optimizer, error) {
	groups, err := groupsOf(kind.name, parameters)
	if err != nil {
		return nil, err
	}
	o := &Optimizer{paramGroups: paramGroups{kind: kind, defaults: options}}
	for _, group := range groups {
		if err := o.add(kind.name, group); err != nil {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// groupsOf gives either form of an optimizer's parameters the same form.
func groupsOf[P Parameters](operation string, parameters P) ([]ParamGroup, error) {
	groups, ok := any(parameters).([]ParamGroup)
	if !ok {
		return []ParamGroup{{Parameters: any(parameters).([]*torch.Tensor)}}, nil
	}
	if len(groups) == 0 {
		return nil, invalid(operation, "no groups of parameters were given")
	}
	return groups, nil
}

// enter begins a use of the optimizer, which its mutex's Unlock ends.
func (o *Optimizer) enter(operation string) error {
	if o == nil {
		return invalid(operation, "the optimizer is nil")
	}
	o.mutex.Lock()
	if o.closed {
		o.mutex.Unlock()
		return closedError(operation)
	}
	return nil
}

func (o *Optimizer) mustEnter(operation string) {
	if err := o.enter(operation); err != nil {
		panic(err)
	}
}

// AddParamGroup adds parameters to those that the optimizer changes, as one does for layers that
// are unfrozen later.
func (o *Optimizer) AddParamGroup(group ParamGroup) error {
	return o.add("AddParamGroup", group)
}

func (o *Optimizer) add(operation string, given ParamGroup) error {
	return torch.Try(func() error {
		if err := o.enter(operation); err != nil {
			return err
		}
		defer o.mutex.Unlock()
		group, err := o.newGroup(operation, given)
		if err == nil {
			o.groups = append(o.groups, group)
		}
		return err
	})
}

// Step changes the parameters by their gradients. A parameter without a gradient stays as it is.
func (o *Optimizer) Step() {
	o.mustEnter("Step")
	defer o.mutex.Unlock()
	torch.NoGrad(func() {
		bridge.Scratch(func() {
			for _, group := range o.groups {
				for _, batch := range group.batches() {
					group.rule.step(batch)
					batch.finish()
				}
			}
		})
	})
}

// ZeroGrad removes the parameters' gradients, so that the next backward pass begins new ones.
func (o *Optimizer) ZeroGrad() {
	o.mustEnter("ZeroGrad")
	defer o.mutex.Unlock()
	for _, group := range o.groups {
		for _, parameter := range group.parameters {
			parameter.SetGrad(nil)
		}
	}
}

// ZeroGradInPlace fills the parameters' gradients with zeros, and leaves them where they are in
// memory, as a captured CUDA graph needs it.
func (o *Optimizer) ZeroGradInPlace() {
	o.mustEnter("ZeroGradInPlace")
	defer o.mutex.Unlock()
	torch.NoGrad(func() {
		bridge.Scratch(func() {
			for _, group := range o.groups {
				for _, gradient := range torch.Grads(group.parameters) {
					if gradient != nil {
						gradient.DetachInPlace().ZeroInPlace()
					}
				}
			}
		})
	})
}

// Close frees the optimizer's state. Closing it again does nothing.
func (o *Optimizer) Close() {
	if o == nil {
		return
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.closed = true
	for _, group := range o.groups {
		group.close()
	}
}

// paramGroups are an optimizer's groups of parameters, and what every kind of optimizer does with
// them.
type paramGroups struct {
	mutex    sync.Mutex
	kind     *kind
	defaults Options
	groups   []*paramGroup
}
