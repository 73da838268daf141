package optim

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

type paramGroup struct {
	rule rule
	// parameters are the optimizer's own handles, and states the state of each, nil before its
	// first step.
	parameters []*torch.Tensor
	states     []*parameterState
	// extras are numbers that learning-rate schedules store in a group, as in Python.
	extras map[string]float64
}

func (g *paramGroup) close() {
	for i, parameter := range g.parameters {
		parameter.Close()
		if g.states[i] != nil {
			g.states[i].close()
			g.states[i] = nil
		}
	}
}

// newGroup checks a group before it is added.
func (g *paramGroups) newGroup(operation string, given ParamGroup) (*paramGroup, error) {
	at := len(g.groups)
	if len(given.Parameters) == 0 {
		return nil, invalid(operation, "group %d has no parameters", at)
	}
	rule, err := g.ruleFrom(operation, at, given.Options)
	if err != nil {
		return nil, err
	}
	if rule.unset() {
		return nil, invalid(operation, "the options of group %d are zero, with which nothing is learned: start from Default%s()", at, g.kind.name)
	}
	// Tensors are compared by identity: two handles may refer to one tensor.
	taken := map[uint64]string{}
	for i, group := range g.groups {
		for j, parameter := range group.parameters {
			taken[bridge.Identity(operation, parameter)] = fmt.Sprintf("parameter %d of group %d", j, i)
		}
	}
	for i, parameter := range given.Parameters {
		if parameter == nil {
			return nil, invalid(operation, "parameter %d of group %d is nil", i, at)
		}
		self := bridge.Identity(operation, parameter)
		if where, ok := taken[self]; ok {
			return nil, invalid(operation, "parameter %d of group %d is the same tensor as %s", i, at, where)
		}
		taken[self] = fmt.Sprintf("parameter %d of group %d", i, at)
		switch dtype := parameter.DType(); {
		case dtype.IsComplex() && g.kind.real:
			return nil, invalid(operation, "parameter %d of group %d is of %s, and %s is for real ones: "+
				"optimize a real tensor, and compute with its ViewAsComplex", i, at, dtype, g.kind.name)
		case !dtype.IsFloatingPoint() && !dtype.IsComplex():
			return nil, invalid(operation, "parameter %d of group %d is of %s, which has no gradients", i, at, dtype)
		}
		if !parameter.IsLeaf() {
			return nil, invalid(operation, "parameter %d of group %d is no leaf but the result of "+
				"an operation: optimize the tensors that it was computed from", i, at)
		}
	}
	group := &paramGroup{rule: rule, extras: map[string]float64{}, states: make([]*parameterState, len(given.Parameters))}
	bridge.OutsideScopes(func(func(func())) {
		for _, parameter := range given.Parameters {
			group.parameters = append(group.parameters, parameter.Alias())
		}
	})
	return group, nil
}

// ruleFrom returns a rule with a group's options, which must be of the optimizer's type.
func (g *paramGroups) ruleFrom(operation string, group int, options Options) (rule, error) {
	if options == nil {
		options = g.defaults
	}
	made := options.rule()
	if made.kind() != g.kind {
		return nil, invalid(operation, "group %d has options of %T, for %s, whose options are %T",
			group, options, g.kind.name, g.defaults)
	}
	return made, made.check(operation)
}

// Groups returns the optimizer's groups with their current options. The parameters are the
// optimizer's own handles: do not close them.
func (g *paramGroups) Groups() []ParamGroup {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	groups := make([]ParamGroup, len(g.groups))
	for i, group := range g.groups {
		groups[i] = ParamGroup{append([]*torch.Tensor(nil), group.parameters...), group.rule.options()}
	}
	return groups
}

// SetOptions sets a group's options for the next steps. It returns an error if the options need
// state that earlier steps did not keep, such as AMSGrad, or RMSprop's momentum or centering.
func (g *paramGroups) SetOptions(group int, options Options) error {
	const operation = "SetOptions"
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if group < 0 || group >= len(g.groups) {
		return invalid(operation, "there is no group %d among %d", group, len(g.groups))
	}
	if options == nil {
		return invalid(operation, "the options are nil")
	}
	made, err := g.ruleFrom(operation, group, options)
	if err != nil {
		return err
	}
	to := g.groups[group]
	before := to.rule.keeps()
	for i, kept := range made.keeps() {
		if kept && !before[i] && !g.kind.begins {
			return invalid(operation, "group %d was begun without %s, which these options need",
				group, g.kind.tensors[i])
		}
	}
	to.rule = made
	return nil
}

// LearningRates returns the learning rate of each group.
func (g *paramGroups) LearningRates() []float64 {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	rates := make([]float64, len(g.groups))
	for i, group := range g.groups {
		rates[i] = *group.rule.learningRate()
	}
	return rates
}

// SetLearningRate sets the learning rate of every group for the next steps.
func (g *paramGroups) SetLearningRate(rate float64) {
	g.mutex.Lock()
	count := len(g.groups)
	g.mutex.Unlock()
	rates := make([]float64, count)
	for i := range rates {
		rates[i] = rate
	}
	g.setLearningRates("SetLearningRate", rates)
}

// SetLearningRates sets the learning rate of each group for the next steps. It panics with an
// [*torch.Error] if there is not one rate for each group.
func (g *paramGroups) SetLearningRates(rates ...float64) {
	g.setLearningRates("SetLearningRates", rates)
}

func (g *paramGroups) setLearningRates(operation string, rates []float64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if len(rates) != len(g.groups) {
		panic(invalid(operation, "%s for %s", words.Count(len(rates), "learning rate"), words.Count(len(g.groups), "group")))
	}
	for _, rate := range rates {
		if err := checkRate(operation, rate); err != nil {
			panic(err)
		}
	}
	for i, rate := range rates {
		*g.groups[i].rule.learningRate() = rate
	}
}

func checkRate(operation string, rate float64) error {
	return notNegative(operation, setting{"learning rate", rate})
}
