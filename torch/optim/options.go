package optim

import (
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Options are the options of a group of parameters: [SGDOptions], [AdamOptions], [RMSpropOptions],
// [AdagradOptions], [AdamaxOptions], [RAdamOptions] or [LBFGSOptions].
type Options interface {
	// rule returns a rule with a copy of the options.
	rule() rule
}

// A rule is an algorithm with the options of one group.
type rule interface {
	kind() *kind
	// options returns the current options.
	options() Options
	check(operation string) error
	// unset reports whether the options are those of a struct that was not begun from the defaults,
	// with which no training gets anywhere.
	unset() bool
	learningRate() *float64
	// fields returns the options with Python's names.
	fields() []field
	// keeps says which of the kind's tensors the options need.
	keeps() []bool
	step(b *batch)
}

// A kind is what all groups of one optimizer have in common.
type kind struct {
	name string
	// others is what Python stores beside the options.
	others *torch.Dict
	// momentum returns the option that OneCycleLR cycles against the learning rate; nil if there is
	// none.
	momentum func(rule) *float64
	// cyclesBeta says that this option is the first beta.
	cyclesBeta bool
	// counts says whether Python's state has a step count. tensors are the names of the tensors in
	// the state.
	counts  bool
	tensors []string
	// begins says that a step that finds no state creates it, at any time.
	begins bool
	// real says that parameters must not be complex.
	real bool
}

// A setting is a number and its name.
type setting struct {
	name  string
	value float64
}

// notNegative returns an error for the first setting that is negative or not finite.
func notNegative(operation string, settings ...setting) error {
	for _, s := range settings {
		if !(s.value >= 0) || math.IsInf(s.value, 1) {
			return invalid(operation, "the %s is %v: it must be 0 or more", s.name, s.value)
		}
	}
	return nil
}

// checkAdam checks the options that Adam and its variants share.
func checkAdam(operation string, learningRate, weightDecay, epsilon float64, betas [2]float64) error {
	err := notNegative(operation, setting{"learning rate", learningRate}, setting{"weight decay", weightDecay},
		setting{"epsilon", epsilon})
	if err != nil {
		return err
	}
	for i, beta := range betas {
		if !(beta >= 0 && beta < 1) {
			return invalid(operation, "beta %d is %v: it must be in [0, 1)", i+1, beta)
		}
	}
	return nil
}

// zeroOptions is the error for options that are the zero value of their struct.
func zeroOptions(operation, from string) *torch.Error {
	return invalid(operation, "the options are zero: start from %s()", from)
}

func invalid(operation, format string, arguments ...any) *torch.Error {
	return &torch.Error{Operation: "optim." + operation, Kind: torch.ErrInvalid, Message: fmt.Sprintf(format, arguments...)}
}

func closedError(operation string) *torch.Error {
	return &torch.Error{Operation: "optim." + operation, Kind: torch.ErrClosed, Message: "the optimizer is closed"}
}
