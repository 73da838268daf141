package optim

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

type paramGroup struct {
	rule rule
	// parameters are handles of the optimizer's own, and states what the steps left for each; nil before
	// its first.
	parameters []*torch.Tensor
	states     []*parameterState
	// extras are numbers that learning-rate schedules keep with a group, as in Python.
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

// newGroup checks a group, which is not yet the optimizer's.
func (g *paramGroups) newGroup(operation string, given ParamGroup) (*paramGroup, error) {
	at := len(g.groups)
	if len(given.Parameters) == 0 {
		return nil, invalid(operation, "group %d has no parameters", at)
	}
	rule, err := g.ruleFrom(operation, at, given.Options)
	if err != nil {
		return nil, err
	}
	// A tensor is known by its identity: two handles may be of one.
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

// ruleFrom is a rule with a group's options, which must be of the optimizer's kind.
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

// Groups are the optimizer's groups, with the settings as they stand. The parameters are the
// optimizer's own handles: closing them is not the caller's.
func (g *paramGroups) Groups() []ParamGroup {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	groups := make([]ParamGroup, len(g.groups))
	for i, group := range g.groups {
		groups[i] = ParamGroup{append([]*torch.Tensor(nil), group.parameters...), group.rule.options()}
	}
	return groups
}

// SetOptions replaces a group's settings from the next step on. They cannot switch on what the
// steps so far kept no state for: AMSGrad, or RMSprop's momentum or centering.
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

// LearningRates are the groups' learning rates.
func (g *paramGroups) LearningRates() []float64 {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	rates := make([]float64, len(g.groups))
	for i, group := range g.groups {
		rates[i] = *group.rule.learningRate()
	}
	return rates
}

// SetLearningRate changes the learning rate of every group from the next step on.
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

// SetLearningRates changes each group's learning rate from the next step on.
func (g *paramGroups) SetLearningRates(rates ...float64) {
	g.setLearningRates("SetLearningRates", rates)
}

func (g *paramGroups) setLearningRates(operation string, rates []float64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if len(rates) != len(g.groups) {
		panic(invalid(operation, "%d learning rates for %d groups", len(rates), len(g.groups)))
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
