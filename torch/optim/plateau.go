package optim

import (
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// PlateauOptions are ReduceLROnPlateau's settings. What is left out is PyTorch's default.
type PlateauOptions struct {
	// Maximize says that larger values are better.
	Maximize bool
	// Threshold is by how much a value must be better than the best one to count; nil: 0.0001. It is
	// a share of the best value, or, where Absolute, a difference.
	Threshold *float64
	Absolute  bool
	// Cooldown is how many epochs after a reduction do not count.
	Cooldown int
	// MinLearningRates are the least rates: none for 0, one for all groups, or one for each.
	MinLearningRates []float64
	// Epsilon is the smallest reduction that is made; nil: 1e-8.
	Epsilon *float64
}

// A PlateauScheduler is made by [ReduceLROnPlateau]. Its Step takes the value that is watched, so
// it is no [Schedule].
type PlateauScheduler struct {
	groups *paramGroups
	factor float64
	least  []float64
	// leastOfAll is the least rate that all groups have, for Python; nil where each has its own.
	leastOfAll any
	// patience and cooldown are as given, bad and cooling the epochs counted against them.
	patience, cooldown, bad, cooling int
	epsilon, threshold               float64
	mode, thresholdMode              string
	best                             float64
	epoch                            int
	last                             []float64
}

// ReduceLROnPlateau multiplies the learning rates by factor where a value, the validation loss for
// one, has not got better for more than patience epochs (PyTorch's defaults are 0.1 and 10).
func ReduceLROnPlateau(optimizer Scheduled, factor float64, patience int, options PlateauOptions) (*PlateauScheduler, error) {
	const operation = "ReduceLROnPlateau"
	groups, err := groupsOfScheduled(operation, optimizer)
	if err != nil {
		return nil, err
	}
	if !(factor >= 0 && factor < 1) {
		return nil, invalid(operation, "the factor is %v: it must be in [0, 1)", factor)
	}
	if patience < 0 || options.Cooldown < 0 {
		return nil, invalid(operation, "a patience of %d and a cooldown of %d: neither may be negative", patience, options.Cooldown)
	}
	rates := groups.LearningRates()
	least, leastOfAll := options.MinLearningRates, any(nil)
	switch len(least) {
	case 0, 1:
		one := append(slices.Clone(least), 0)[:1]
		least, leastOfAll = slices.Repeat(one, len(rates)), one[0]
	case len(rates):
		least = slices.Clone(least)
	default:
		return nil, invalid(operation, "%d least rates for %d groups of parameters", len(least), len(rates))
	}
	s := &PlateauScheduler{groups: groups, factor: factor, least: least, leastOfAll: leastOfAll, patience: patience,
		cooldown: options.Cooldown, epsilon: orDefault(options.Epsilon, 1e-8), threshold: orDefault(options.Threshold, 1e-4),
		mode: "min", thresholdMode: "rel", last: rates}
	if options.Maximize {
		s.mode = "max"
	}
	if options.Absolute {
		s.thresholdMode = "abs"
	}
	s.best = s.worst()
	return s, nil
}

func (s *PlateauScheduler) worst() float64 {
	if s.mode == "max" {
		return math.Inf(-1)
	}
	return math.Inf(1)
}

func (s *PlateauScheduler) better(value float64) bool {
	bound, sign := s.best, 1.0
	if s.mode == "max" {
		sign = -1
	}
	if s.thresholdMode == "rel" {
		bound *= 1 - sign*s.threshold
	} else {
		bound -= sign * s.threshold
	}
	if s.mode == "max" {
		return value > bound
	}
	return value < bound
}

// Step takes note of an epoch's value, and reduces the learning rates where it is time to.
func (s *PlateauScheduler) Step(value float64) {
	s.epoch++
	if s.better(value) {
		s.best, s.bad = value, 0
	} else {
		s.bad++
	}
	if s.cooling > 0 {
		s.cooling--
		s.bad = 0
	}
	rates := s.groups.LearningRates()
	if len(rates) != len(s.least) {
		panic(invalid("ReduceLROnPlateau", "the schedule began with %d groups of parameters, and the optimizer has %d", len(s.least), len(rates)))
	}
	if s.bad > s.patience {
		for i, rate := range rates {
			if reduced := max(rate*s.factor, s.least[i]); rate-reduced > s.epsilon {
				rates[i] = reduced
			}
		}
		s.groups.SetLearningRates(rates...)
		s.cooling, s.bad = s.cooldown, 0
	}
	s.last = rates
}

// LearningRates are the groups' rates after the latest step.
func (s *PlateauScheduler) LearningRates() []float64 { return slices.Clone(s.last) }

func (s *PlateauScheduler) fields() []field {
	return []field{{"factor", &s.factor}, {"min_lrs", &s.least}, {"default_min_lr", &s.leastOfAll}, {"patience", &s.patience},
		{"cooldown", &s.cooldown}, {"cooldown_counter", &s.cooling}, {"num_bad_epochs", &s.bad},
		{"eps", &s.epsilon}, {"threshold", &s.threshold}, {"mode", &s.mode},
		{"threshold_mode", &s.thresholdMode}, {"best", &s.best}, {"last_epoch", &s.epoch},
		{"_last_lr", &s.last}}
}

// StateDict is where the schedule stands, in the layout of Python's scheduler.state_dict().
func (s *PlateauScheduler) StateDict() *torch.Dict {
	state := torch.NewDict("mode_worse", s.worst())
	writeFields(s.fields(), state)
	return state
}

// LoadStateDict goes on where [PlateauScheduler.StateDict], or Python's scheduler.state_dict(), was
// taken.
func (s *PlateauScheduler) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	read := *s
	fields := read.fields()
	for _, field := range fields {
		if _, ok := state.Lookup(field.name); !ok {
			return invalid(operation, "the state has no %q: it is not ReduceLROnPlateau's", field.name)
		}
	}
	if err := readFields(fields, state); err != nil {
		return invalid(operation, "the state of ReduceLROnPlateau: %v", err)
	}
	if len(read.least) != len(s.least) {
		return invalid(operation, "the state is of %d groups of parameters, the optimizer has %d", len(read.least), len(s.least))
	}
	if (read.mode != "min" && read.mode != "max") || (read.thresholdMode != "rel" && read.thresholdMode != "abs") {
		return invalid(operation, "the state has mode %q and threshold mode %q", read.mode, read.thresholdMode)
	}
	*s = read
	return nil
}
