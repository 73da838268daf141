package optim

import (
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// PlateauOptions are the options of [ReduceLROnPlateau]. Start from [DefaultPlateau]: the zero value
// is an error.
type PlateauOptions struct {
	// Factor multiplies the learning rates, when the value has not improved for more than Patience
	// epochs.
	Factor   float64
	Patience int
	// Maximize means that larger values are better.
	Maximize bool
	// Threshold is the smallest improvement over the best value that counts, as a share of the best
	// value, or as a difference with Absolute.
	Threshold float64
	Absolute  bool
	// Cooldown is the number of epochs after a reduction that are not counted.
	Cooldown int
	// MinLearningRates are lower bounds of the learning rates: nil for 0, one for all groups, or
	// one for each.
	MinLearningRates []float64
	// Epsilon is the smallest change of a learning rate that is made.
	Epsilon float64
}

// DefaultPlateau returns PyTorch's defaults: a factor of 0.1 after a patience of 10 epochs, a
// threshold of 0.0001 of the best value, and an epsilon of 1e-8.
func DefaultPlateau() PlateauOptions {
	return PlateauOptions{Factor: 0.1, Patience: 10, Threshold: 1e-4, Epsilon: 1e-8}
}

// A PlateauScheduler is made by [ReduceLROnPlateau]. It is not a [Schedule], since its Step takes
// the observed value.
type PlateauScheduler struct {
	groups *paramGroups
	factor float64
	least  []float64
	// leastOfAll is the lower bound that all groups share, for Python; nil if each has its own.
	leastOfAll any
	// patience and cooldown are the options; bad and cooling count epochs against them.
	patience, cooldown, bad, cooling int
	epsilon, threshold               float64
	mode, thresholdMode              string
	best                             float64
	epoch                            int
	last                             []float64
}

// ReduceLROnPlateau lowers the learning rates when a value, such as the validation loss, stops
// improving (torch.optim.lr_scheduler.ReduceLROnPlateau).
func ReduceLROnPlateau(optimizer Scheduled, options PlateauOptions) (*PlateauScheduler, error) {
	const operation = "ReduceLROnPlateau"
	groups, err := groupsOfScheduled(operation, optimizer)
	if err != nil {
		return nil, err
	}
	switch {
	case options.Factor == 0 && options.Patience == 0 && options.Threshold == 0 && options.Epsilon == 0:
		return nil, zeroOptions(operation, "DefaultPlateau")
	case !(options.Factor >= 0 && options.Factor < 1):
		return nil, invalid(operation, "the factor is %v: it must be in [0, 1)", options.Factor)
	case options.Patience < 0 || options.Cooldown < 0:
		return nil, invalid(operation, "a patience of %d and a cooldown of %d: neither may be negative", options.Patience, options.Cooldown)
	}
	if err := notNegative(operation, setting{"threshold", options.Threshold}, setting{"epsilon", options.Epsilon}); err != nil {
		return nil, err
	}
	if err := checkRates(operation, options.MinLearningRates); err != nil {
		return nil, err
	}
	rates := groups.learningRates()
	least, leastOfAll := options.MinLearningRates, any(nil)
	switch len(least) {
	case 0, 1:
		one := append(slices.Clone(least), 0)[:1]
		least, leastOfAll = slices.Repeat(one, len(rates)), one[0]
	case len(rates):
		least = slices.Clone(least)
	default:
		return nil, invalid(operation, "%s for %s of parameters", words.Count(len(least), "least rate"), words.Count(len(rates), "group"))
	}
	s := &PlateauScheduler{groups: groups, factor: options.Factor, least: least, leastOfAll: leastOfAll, patience: options.Patience,
		cooldown: options.Cooldown, epsilon: options.Epsilon, threshold: options.Threshold,
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

// check returns an error for a schedule that is nil or that [ReduceLROnPlateau] did not make.
func (s *PlateauScheduler) check(operation string) error {
	if s == nil || s.groups == nil {
		return unmadeSchedule(operation, s == nil, "ReduceLROnPlateau")
	}
	return nil
}

// Step records the value of an epoch, and reduces the learning rates if it is time to.
func (s *PlateauScheduler) Step(value float64) {
	must(s.check("Step"))
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
	rates := s.groups.learningRates()
	if len(rates) != len(s.least) {
		panic(invalid("ReduceLROnPlateau", "the schedule began with %s of parameters, and the optimizer has %d", words.Count(len(s.least), "group"), len(rates)))
	}
	if s.bad > s.patience {
		for i, rate := range rates {
			if reduced := max(rate*s.factor, s.least[i]); rate-reduced > s.epsilon {
				rates[i] = reduced
			}
		}
		must(s.groups.setLearningRates("ReduceLROnPlateau", rates))
		s.cooling, s.bad = s.cooldown, 0
	}
	s.last = rates
}

// LearningRates returns the learning rates of the groups after the last step.
func (s *PlateauScheduler) LearningRates() []float64 {
	must(s.check("LearningRates"))
	return slices.Clone(s.last)
}

func (s *PlateauScheduler) fields() []field {
	return []field{{"factor", &s.factor}, {"min_lrs", &s.least}, {"default_min_lr", &s.leastOfAll}, {"patience", &s.patience},
		{"cooldown", &s.cooldown}, {"cooldown_counter", &s.cooling}, {"num_bad_epochs", &s.bad},
		{"eps", &s.epsilon}, {"threshold", &s.threshold}, {"mode", &s.mode},
		{"threshold_mode", &s.thresholdMode}, {"best", &s.best}, {"last_epoch", &s.epoch},
		{"_last_lr", &s.last}}
}

// StateDict returns the state of the schedule in the layout of Python's scheduler.state_dict().
func (s *PlateauScheduler) StateDict() *torch.Dict {
	must(s.check("StateDict"))
	state := torch.NewDict("mode_worse", s.worst())
	writeFields(s.fields(), state)
	return state
}

// LoadStateDict restores a state from [PlateauScheduler.StateDict] or Python's
// scheduler.state_dict(). On error the schedule is unchanged.
func (s *PlateauScheduler) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	if err := s.check(operation); err != nil {
		return err
	}
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
		return invalid(operation, "the state is of %s of parameters, the optimizer has %d", words.Count(len(read.least), "group"), len(s.least))
	}
	if (read.mode != "min" && read.mode != "max") || (read.thresholdMode != "rel" && read.thresholdMode != "abs") {
		return invalid(operation, "the state has mode %q and threshold mode %q", read.mode, read.thresholdMode)
	}
	*s = read
	return nil
}
