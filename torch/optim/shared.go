package optim

import "sync"

// paramGroups are an optimizer's groups, with what all optimizers do with them. The exported methods
// are written for each type, so that a nil optimizer says that it is nil.
type paramGroups struct {
	mutex    sync.Mutex
	kind     *kind
	defaults Options
	groups   []*paramGroup
}

// Groups returns the optimizer's groups with their current options. The parameters are the
// optimizer's own handles: do not close them.
func (o *Optimizer) Groups() []ParamGroup { return o.shared().described() }

// SetOptions sets a group's options for the next steps. It returns an error if the options need
// state that earlier steps did not keep, such as AMSGrad, or RMSprop's momentum or centering.
func (o *Optimizer) SetOptions(group int, options Options) error {
	return o.shared().setOptions(group, options)
}

// LearningRates returns the learning rate of each group.
func (o *Optimizer) LearningRates() []float64 { return o.shared().learningRates() }

// SetLearningRate sets the learning rate of every group for the next steps. It returns an error for
// a rate that is negative or not finite.
func (o *Optimizer) SetLearningRate(rate float64) error { return o.shared().setLearningRate(rate) }

// SetLearningRates sets the learning rate of each group for the next steps. It returns an error,
// and changes nothing, if there is not one rate for each group, or one is negative or not finite.
func (o *Optimizer) SetLearningRates(rates ...float64) error {
	return o.shared().setLearningRates("SetLearningRates", rates)
}

// shared returns what all optimizers have.
func (o *Optimizer) shared() *paramGroups {
	if o == nil {
		return nil
	}
	return &o.paramGroups
}

// Groups returns the optimizer's groups with their current options. The parameters are the
// optimizer's own handles: do not close them.
func (o *LBFGSOptimizer) Groups() []ParamGroup { return o.shared().described() }

// SetOptions sets a group's options for the next steps.
func (o *LBFGSOptimizer) SetOptions(group int, options Options) error {
	return o.shared().setOptions(group, options)
}

// LearningRates returns the learning rate of each group.
func (o *LBFGSOptimizer) LearningRates() []float64 { return o.shared().learningRates() }

// SetLearningRate sets the learning rate of every group for the next steps. It returns an error for
// a rate that is negative or not finite.
func (o *LBFGSOptimizer) SetLearningRate(rate float64) error { return o.shared().setLearningRate(rate) }

// SetLearningRates sets the learning rate of each group for the next steps. It returns an error,
// and changes nothing, if there is not one rate for each group, or one is negative or not finite.
func (o *LBFGSOptimizer) SetLearningRates(rates ...float64) error {
	return o.shared().setLearningRates("SetLearningRates", rates)
}

// shared returns what all optimizers have.
func (o *LBFGSOptimizer) shared() *paramGroups {
	if o == nil {
		return nil
	}
	return &o.paramGroups
}
