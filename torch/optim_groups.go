package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"math"
	"sync"
)

// OptimizerOptions are the settings of a group of parameters: [SGDOptions], [AdamOptions],
// [RMSpropOptions], [AdagradOptions] or [LBFGSOptions].
type OptimizerOptions interface {
	// settings are the options with PyTorch's defaults in place of zeros.
	settings() settings
}

// An algorithm is what makes one optimiser differ from another.
type algorithm struct {
	name string
	// number is C's, where libtorch has the algorithm.
	number C.int32_t
	// accepts reports whether options are of the algorithm's type, which options gives back.
	accepts func(OptimizerOptions) bool
	options func(settings) OptimizerOptions
	// fields are the settings as Python names them, and others what Python has beside them.
	fields func(*settings) []field
	others *Dict
	// momentum is the setting that a schedule cycles against the learning rate; nil: there is none.
	momentum func(*settings) *float64
	// cyclesBeta says that it is the first beta.
	cyclesBeta bool
	// counts says whether Python's state counts steps. tensors are the names in that state, in C's
	// order, and keeps says which of them the settings ask for.
	counts  bool
	tensors []string
	keeps   func(*settings) []bool
	// complex says that parameters may be complex. libtorch squares gradients without regard to
	// that, where PyTorch squares their parts.
	complex bool
	// begins says that a step which finds no state begins it, at whatever step that is.
	begins bool
}

func isOptions[T OptimizerOptions](options OptimizerOptions) bool {
	_, ok := options.(T)
	return ok
}

// settings are every optimiser's, each using its own.
type settings struct {
	learningRate, weightDecay, momentum, dampening, epsilon, alpha float64
	learningRateDecay, initialAccumulator                          float64
	betas                                                          [2]float64
	nesterov, amsgrad, centered                                    bool

	// LBFGS's.
	maxIterations, maxEvaluations, historySize int64
	toleranceGrad, toleranceChange             float64
	lineSearch                                 string
}

func (s *settings) c() C.ctorch_optimizer_options {
	return C.ctorch_optimizer_options{
		learning_rate: C.double(s.learningRate), weight_decay: C.double(s.weightDecay),
		momentum: C.double(s.momentum), dampening: C.double(s.dampening),
		beta1: C.double(s.betas[0]), beta2: C.double(s.betas[1]), epsilon: C.double(s.epsilon),
		alpha: C.double(s.alpha), learning_rate_decay: C.double(s.learningRateDecay),
		initial_accumulator_value: C.double(s.initialAccumulator),
		nesterov:                  cBool(s.nesterov), amsgrad: cBool(s.amsgrad), centered: cBool(s.centered),
	}
}

// check reports the first setting that no optimiser can work with.
func (s *settings) check(operation string) error {
	for _, setting := range []struct {
		name  string
		value float64
	}{
		{"learning rate", s.learningRate}, {"weight decay", s.weightDecay}, {"momentum", s.momentum},
		{"epsilon", s.epsilon}, {"alpha", s.alpha}, {"decay of the learning rate", s.learningRateDecay},
		{"initial accumulator value", s.initialAccumulator},
		{"tolerance of the gradient", s.toleranceGrad}, {"tolerance of the change", s.toleranceChange},
		{"number of iterations", float64(s.maxIterations)},
		{"number of evaluations", float64(s.maxEvaluations)}, {"history size", float64(s.historySize)},
	} {
		if !(setting.value >= 0) || math.IsInf(setting.value, 1) {
			return invalid(operation, "the %s is %v: it must be 0 or more", setting.name, setting.value)
		}
	}
	for i, beta := range s.betas {
		if !(beta >= 0 && beta < 1) {
			return invalid(operation, "beta %d is %v: it must be in [0, 1)", i+1, beta)
		}
	}
	if math.IsNaN(s.dampening) || math.IsInf(s.dampening, 0) {
		return invalid(operation, "the dampening is %v", s.dampening)
	}
	if s.nesterov && (s.momentum == 0 || s.dampening != 0) {
		return invalid(operation, "Nesterov's method needs a momentum and no dampening")
	}
	if s.lineSearch != "" && s.lineSearch != strongWolfe {
		return invalid(operation, "there is no line search %q, only %q", s.lineSearch, strongWolfe)
	}
	return nil
}

// setDefault gives a value that was left out PyTorch's default.
func setDefault[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

// paramGroups are an optimiser's groups of parameters, and what every kind of optimiser does with
// them.
type paramGroups struct {
	mutex     sync.Mutex
	algorithm *algorithm
	defaults  OptimizerOptions
	groups    []*paramGroup
}

type paramGroup struct {
	settings settings
	// changed says that the settings are not yet C's.
	changed bool
	// parameters are handles of the optimiser's own.
	parameters []*Tensor
	// extras are numbers that learning-rate schedules keep with a group, as in Python.
	extras map[string]float64
}

func (g *paramGroup) close() { closeAll(g.parameters) }

// newGroup checks a group, which is not yet the optimiser's.
func (g *paramGroups) newGroup(operation string, given ParamGroup) (*paramGroup, error) {
	at := len(g.groups)
	if len(given.Parameters) == 0 {
		return nil, invalid(operation, "group %d has no parameters", at)
	}
	settings, err := g.settingsFrom(operation, at, given.Options)
	if err != nil {
		return nil, err
	}
	// A tensor is known by its identity: two handles may be of one.
	taken := map[C.uint64_t]string{}
	for i, group := range g.groups {
		for j, parameter := range group.parameters {
			taken[identity(operation, parameter)] = fmt.Sprintf("parameter %d of group %d", j, i)
		}
	}
	for i, parameter := range given.Parameters {
		if parameter == nil {
			return nil, invalid(operation, "parameter %d of group %d is nil", i, at)
		}
		self := identity(operation, parameter)
		if where, ok := taken[self]; ok {
			return nil, invalid(operation, "parameter %d of group %d is the same tensor as %s", i, at, where)
		}
		taken[self] = fmt.Sprintf("parameter %d of group %d", i, at)
		info := parameter.describe(operation)
		switch dtype := DType(info.dtype); {
		case dtype.IsFloatingPoint(), dtype.IsComplex() && g.algorithm.complex:
		case dtype.IsComplex():
			return nil, invalid(operation, "parameter %d of group %d is of %s, and %s is for real ones: "+
				"optimize a real tensor, and compute with its ViewAsComplex", i, at, dtype, g.algorithm.name)
		default:
			return nil, invalid(operation, "parameter %d of group %d is of %s, which has no gradients", i, at, dtype)
		}
		if info.is_leaf == 0 {
			return nil, invalid(operation, "parameter %d of group %d is no leaf but the result of "+
				"an operation: optimize the tensors that it was computed from", i, at)
		}
	}
	group := &paramGroup{settings: settings, extras: map[string]float64{}}
	outsideScopes(func(C.uint64_t) {
		for _, parameter := range given.Parameters {
			group.parameters = append(group.parameters, parameter.Alias())
		}
	})
	return group, nil
}

func identity(operation string, parameter *Tensor) C.uint64_t {
	self := parameter.acquire(operation)
	defer parameter.release()
	return C.ctorch_parameter_identity(self)
}

// bytes are about how much the state of the group takes.
func (g *paramGroup) bytes(operation string, kind *algorithm) int64 {
	kept := int64(0)
	for _, keeps := range kind.keeps(&g.settings) {
		if keeps {
			kept++
		}
	}
	bytes := int64(0)
	for _, parameter := range g.parameters {
		info := parameter.describe(operation)
		bytes += kept * (int64(info.elements)*int64(info.element_size) + handleBytes)
	}
	return bytes
}

func (g *paramGroups) settingsFrom(operation string, group int, options OptimizerOptions) (settings, error) {
	if options == nil {
		options = g.defaults
	}
	if !g.algorithm.accepts(options) {
		return settings{}, invalid(operation, "group %d has options of %T, for %s, whose options are %T",
			group, options, g.algorithm.name, g.algorithm.options(settings{}))
	}
	made := options.settings()
	return made, made.check(operation)
}

// Groups are the optimiser's groups, with the settings as they stand. The parameters are the
// optimiser's own handles: closing them is not the caller's.
func (g *paramGroups) Groups() []ParamGroup {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	groups := make([]ParamGroup, len(g.groups))
	for i, group := range g.groups {
		groups[i] = ParamGroup{append([]*Tensor(nil), group.parameters...), g.algorithm.options(group.settings)}
	}
	return groups
}

// SetOptions replaces a group's settings from the next step on. They cannot switch on what the
// steps so far kept no state for: AMSGrad, or RMSprop's momentum or centring.
func (g *paramGroups) SetOptions(group int, options OptimizerOptions) error {
	const operation = "SetOptions"
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if group < 0 || group >= len(g.groups) {
		return invalid(operation, "there is no group %d among %d", group, len(g.groups))
	}
	if options == nil {
		return invalid(operation, "the options are nil")
	}
	made, err := g.settingsFrom(operation, group, options)
	if err != nil {
		return err
	}
	to := g.groups[group]
	before := g.algorithm.keeps(&to.settings)
	for i, kept := range g.algorithm.keeps(&made) {
		if kept && !before[i] && !g.algorithm.begins {
			return invalid(operation, "group %d was begun without %s, which these options need",
				group, g.algorithm.tensors[i])
		}
	}
	to.settings, to.changed = made, true
	return nil
}

// LearningRates are the groups' learning rates.
func (g *paramGroups) LearningRates() []float64 {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	rates := make([]float64, len(g.groups))
	for i, group := range g.groups {
		rates[i] = group.settings.learningRate
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
		if err := (&settings{learningRate: rate}).check(operation); err != nil {
			panic(err)
		}
	}
	for i, rate := range rates {
		g.groups[i].settings.learningRate, g.groups[i].changed = rate, true
	}
}
