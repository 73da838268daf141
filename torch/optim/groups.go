package optim

import (
	"fmt"
	"slices"

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

// check returns an error for an optimizer that is nil or that no constructor made.
func (g *paramGroups) check(operation string) error {
	switch {
	case g == nil:
		return invalid(operation, "the optimizer is nil")
	case g.kind == nil:
		return invalid(operation, "the optimizer was not made by a constructor such as SGD, Adam or LBFGS")
	}
	return nil
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

func (g *paramGroups) described() []ParamGroup {
	must(g.check("Groups"))
	g.mutex.Lock()
	defer g.mutex.Unlock()
	groups := make([]ParamGroup, len(g.groups))
	for i, group := range g.groups {
		groups[i] = ParamGroup{append([]*torch.Tensor(nil), group.parameters...), group.rule.options()}
	}
	return groups
}

func (g *paramGroups) setOptions(group int, options Options) error {
	const operation = "SetOptions"
	if err := g.check(operation); err != nil {
		return err
	}
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

func (g *paramGroups) learningRates() []float64 {
	must(g.check("LearningRates"))
	g.mutex.Lock()
	defer g.mutex.Unlock()
	rates := make([]float64, len(g.groups))
	for i, group := range g.groups {
		rates[i] = *group.rule.learningRate()
	}
	return rates
}

// setLearningRate sets the learning rate of every group.
func (g *paramGroups) setLearningRate(rate float64) error {
	const operation = "SetLearningRate"
	if err := g.check(operation); err != nil {
		return err
	}
	g.mutex.Lock()
	count := len(g.groups)
	g.mutex.Unlock()
	return g.setLearningRates(operation, slices.Repeat([]float64{rate}, count))
}

// setLearningRates sets the learning rate of each group.
func (g *paramGroups) setLearningRates(operation string, rates []float64) error {
	if err := g.check(operation); err != nil {
		return err
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if len(rates) != len(g.groups) {
		return invalid(operation, "%s for %s", words.Count(len(rates), "learning rate"), words.Count(len(g.groups), "group"))
	}
	if err := checkRates(operation, rates); err != nil {
		return err
	}
	for i, rate := range rates {
		*g.groups[i].rule.learningRate() = rate
	}
	return nil
}

func checkRates(operation string, rates []float64) error {
	for _, rate := range rates {
		if err := notNegative(operation, setting{"learning rate", rate}); err != nil {
			return err
		}
	}
	return nil
}
