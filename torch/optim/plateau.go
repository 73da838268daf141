package optim

import (
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// PlateauOptions are the options of [ReduceLROnPlateau]. The zero value is PyTorch's default.
type PlateauOptions struct {
	// Maximize means that larger values are better.
	Maximize bool
	// Threshold is the smallest improvement over the best value that counts, as a share of the best
	// value, or as a difference with Absolute. nil means 0.0001.
	Threshold *float64
	Absolute  bool
	// Cooldown is the number of epochs after a reduction that are not counted.
	Cooldown int
	// MinLearningRates are lower bounds of the learning rates: nil for 0, one for all groups, or
	// one for each.
	MinLearningRates []float64
	// Epsilon is the smallest change of a learning rate that is made. nil means 1e-8.
	Epsilon *float64
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

// ReduceLROnPlateau multiplies the learning rates by factor when a value, such as the validation
// loss, has not improved for more than patience epochs
// (torch.optim.lr_scheduler.ReduceLROnPlateau). PyTorch's defaults are a factor of 0.1 and a
// patience of 10.
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
		return nil, invalid(operation, "%s for %s of parameters", words.Count(len(least), "least rate"), words.Count(len(rates), "group"))
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

// Step records the value of an epoch, and reduces the learning rates if it is time to.
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
		panic(invalid("ReduceLROnPlateau", "the schedule began with %s of parameters, and the optimizer has %d", words.Count(len(s.least), "group"), len(rates)))
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

// LearningRates returns the learning rates of the groups after the last step.
func (s *PlateauScheduler) LearningRates() []float64 { return slices.Clone(s.last) }

func (s *PlateauScheduler) fields() []field {
	return []field{{"factor", &s.factor}, {"min_lrs", &s.least}, {"default_min_lr", &s.leastOfAll}, {"patience", &s.patience},
		{"cooldown", &s.cooldown}, {"cooldown_counter", &s.cooling}, {"num_bad_epochs", &s.bad},
		{"eps", &s.epsilon}, {"threshold", &s.threshold}, {"mode", &s.mode},
		{"threshold_mode", &s.thresholdMode}, {"best", &s.best}, {"last_epoch", &s.epoch},
		{"_last_lr", &s.last}}
}

// StateDict returns the state of the schedule in the layout of Python's scheduler.state_dict().
func (s *PlateauScheduler) StateDict() *torch.Dict {
	state := torch.NewDict("mode_worse", s.worst())
	writeFields(s.fields(), state)
	return state
}

// LoadStateDict restores a state from [PlateauScheduler.StateDict] or Python's
// scheduler.state_dict(). On error the schedule is unchanged.
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
		return invalid(operation, "the state is of %s of parameters, the optimizer has %d", words.Count(len(read.least), "group"), len(s.least))
	}
	if (read.mode != "min" && read.mode != "max") || (read.thresholdMode != "rel" && read.thresholdMode != "abs") {
		return invalid(operation, "the state has mode %q and threshold mode %q", read.mode, read.thresholdMode)
	}
	*s = read
	return nil
}
