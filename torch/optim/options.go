package optim

import (
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Options are the settings of a group of parameters: [SGDOptions], [AdamOptions], [RMSpropOptions],
// [AdagradOptions], [AdamaxOptions], [RAdamOptions] or [LBFGSOptions].
type Options interface {
	// rule is a rule with a copy of the settings.
	rule() rule
}

// A rule is an algorithm with the settings of one group of parameters.
type rule interface {
	kind() *kind
	// options are the settings as they stand.
	options() Options
	check(operation string) error
	learningRate() *float64
	// fields are the settings by Python's names.
	fields() []field
	// keeps says which of the kind's tensors the settings ask for.
	keeps() []bool
	step(b *batch)
}

// A kind is what all groups of one optimizer have in common.
type kind struct {
	name string
	// others is what Python writes beside the settings.
	others *torch.Dict
	// momentum is the setting that a schedule cycles against the learning rate; nil: there is none.
	momentum func(rule) *float64
	// cyclesBeta says that it is the first beta.
	cyclesBeta bool
	// counts says whether Python's state counts steps. tensors are the names in that state.
	counts  bool
	tensors []string
	// begins says that a step which finds no state begins it, at whatever step that is.
	begins bool
	// real says that parameters may not be complex.
	real bool
}

// A setting is a number with its name.
type setting struct {
	name  string
	value float64
}

// notNegative reports the first setting that is below 0 or not finite.
func notNegative(operation string, settings ...setting) error {
	for _, s := range settings {
		if !(s.value >= 0) || math.IsInf(s.value, 1) {
			return invalid(operation, "the %s is %v: it must be 0 or more", s.name, s.value)
		}
	}
	return nil
}

// checkAdam checks what Adam and its kin have in common.
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

func invalid(operation, format string, arguments ...any) *torch.Error {
	return &torch.Error{Operation: "optim." + operation, Kind: torch.ErrInvalid, Message: fmt.Sprintf(format, arguments...)}
}

func closedError(operation string) *torch.Error {
	return &torch.Error{Operation: "optim." + operation, Kind: torch.ErrClosed, Message: "the optimizer is closed"}
}
