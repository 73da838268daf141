package optim

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// An Optimizer updates parameters from their gradients. It keeps the parameters alive. Its methods
// may be called from several goroutines, and run one at a time.
//
// [SGD], [Adam], [AdamW], [RMSprop], [Adagrad], [Adamax] and [RAdam] return one, for parameters
// that share their options or for groups with different options. [LBFGS] returns an
// [LBFGSOptimizer]. Learning-rate schedules such as [StepLR] change the learning rates during
// training.
type Optimizer struct {
	paramGroups
	closed bool
}

// Parameters are the parameters of an optimizer: a slice that shares its options, or groups.
type Parameters interface{ []*torch.Tensor | []ParamGroup }

// A ParamGroup is a set of parameters with the same options.
type ParamGroup struct {
	Parameters []*torch.Tensor
	// Options are the options of the group, of the type that the optimizer is made with. nil means
	// those that the optimizer is made with.
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

// groupsOf converts both forms of parameters to groups.
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

// enter locks the optimizer; mutex.Unlock releases it.
func (o *Optimizer) enter(operation string) error {
	if err := o.shared().check(operation); err != nil {
		return err
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

// AddParamGroup adds a group of parameters, for example layers that are unfrozen during training.
// It returns an error for options or parameters that do not fit, such as a parameter that the
// optimizer already has.
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

// Step updates the parameters from their gradients. Parameters without a gradient are skipped.
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

// ZeroGrad removes the gradients of the parameters, as zero_grad(set_to_none=True) does.
func (o *Optimizer) ZeroGrad() {
	o.mustEnter("ZeroGrad")
	defer o.mutex.Unlock()
	for _, group := range o.groups {
		for _, parameter := range group.parameters {
			parameter.SetGrad(nil)
		}
	}
}

// ZeroGradInPlace fills the gradients with zeros and keeps their memory, as captured CUDA graphs
// require.
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
