package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// OneCycleOptions are the options of [OneCycleLR]. Zero and nil mean PyTorch's defaults, except for
// MaxLearningRates and TotalSteps, which are required.
type OneCycleOptions struct {
	// MaxLearningRates are the learning rates at the peak: one for all groups, or one for each.
	MaxLearningRates []float64
	// TotalSteps is the number of steps in the cycle, usually batches.
	TotalSteps int
	// PctStart is the share of the cycle before the peak. 0 means 0.3.
	PctStart float64
	// Linear anneals linearly instead of along a cosine.
	Linear bool
	// ConstantMomentum leaves the momentum (for Adam the first beta) unchanged. Otherwise it goes
	// from MaxMomentum (nil means 0.95) down to BaseMomentum (nil means 0.85) while the learning
	// rate rises, and back.
	ConstantMomentum          bool
	BaseMomentum, MaxMomentum *float64
	// DivFactor is the peak learning rate over the first one (0 means 25), and FinalDivFactor the
	// first one over the last (0 means 10000).
	DivFactor, FinalDivFactor float64
	// ThreePhase falls to the first learning rate in as many steps as it rose, and then to the last
	// one.
	ThreePhase bool
}

// The names under which a cycle stores numbers in each group of parameters, as in Python. A phase
// goes from one of these numbers to another.
const (
	cycleMaxRate      = "max_lr"
	cycleMinRate      = "min_lr"
	cycleMaxMomentum  = "max_momentum"
	cycleBaseMomentum = "base_momentum"
)

// OneCycleLR raises the learning rates to a peak and then lowers them to nearly 0, once, and the
// momentum the other way round (torch.optim.lr_scheduler.OneCycleLR). Call Step after each batch.
// Stepping past the end panics with an [*torch.Error].
func OneCycleLR(optimizer Scheduled, options OneCycleOptions) (*LRScheduler, error) {
	const operation = "OneCycleLR"
	groups, err := groupsOfScheduled(operation, optimizer)
	if err != nil {
		return nil, err
	}
	setDefault(&options.PctStart, 0.3)
	setDefault(&options.DivFactor, 25)
	setDefault(&options.FinalDivFactor, 1e4)
	count := len(groups.LearningRates())
	momentum := groups.kind.momentum
	switch peaks := len(options.MaxLearningRates); {
	case options.TotalSteps <= 0:
		return nil, invalid(operation, "the number of steps is %d: it must be 1 or more", options.TotalSteps)
	case peaks != 1 && peaks != count:
		return nil, invalid(operation, "%s at the peak for %s of parameters", words.Count(peaks, "rate"), words.Count(count, "group"))
	case !(options.PctStart > 0 && options.PctStart < 1):
		return nil, invalid(operation, "the share before the peak is %v: it must be between 0 and 1", options.PctStart)
	case !(options.DivFactor > 0) || !(options.FinalDivFactor > 0):
		return nil, invalid(operation, "the rates are divided by %v and %v: both must be above 0", options.DivFactor, options.FinalDivFactor)
	case momentum == nil && !options.ConstantMomentum:
		return nil, invalid(operation, "%s has no momentum to cycle: set ConstantMomentum", groups.kind.name)
	}
	for _, peak := range options.MaxLearningRates {
		if err := checkRate(operation, peak); err != nil {
			return nil, err
		}
	}
	curve := &cycleCurve{total: options.TotalSteps, cycling: !options.ConstantMomentum,
		phases: cyclePhases(options), anneal: "cos", beta: groups.kind.cyclesBeta}
	if options.Linear {
		curve.anneal = "linear"
	}
	groups.mutex.Lock()
	for i, group := range groups.groups {
		peak := options.MaxLearningRates[min(i, len(options.MaxLearningRates)-1)]
		group.extras[initialRate] = peak / options.DivFactor
		group.extras[cycleMaxRate] = peak
		group.extras[cycleMinRate] = group.extras[initialRate] / options.FinalDivFactor
		if curve.cycling {
			group.extras[cycleMaxMomentum], group.extras[cycleBaseMomentum] = orDefault(options.MaxMomentum, 0.95), orDefault(options.BaseMomentum, 0.85)
		}
	}
	groups.mutex.Unlock()
	return newSchedule(operation, optimizer, curve)
}

type cyclePhase struct {
	// end is the last step of the phase.
	end                                            float64
	startRate, endRate, startMomentum, endMomentum string
}

func cyclePhases(options OneCycleOptions) []cyclePhase {
	up := options.PctStart * float64(options.TotalSteps)
	end := float64(options.TotalSteps - 1)
	phases := []cyclePhase{{up - 1, initialRate, cycleMaxRate, cycleMaxMomentum, cycleBaseMomentum}}
	if !options.ThreePhase {
		return append(phases, cyclePhase{end, cycleMaxRate, cycleMinRate, cycleBaseMomentum, cycleMaxMomentum})
	}
	return append(phases,
		cyclePhase{2*options.PctStart*float64(options.TotalSteps) - 2, cycleMaxRate, initialRate, cycleBaseMomentum, cycleMaxMomentum},
		cyclePhase{end, initialRate, cycleMinRate, cycleMaxMomentum, cycleMaxMomentum})
}

func (p *cyclePhase) fields() []field {
	return []field{{"end_step", &p.end}, {"start_lr", &p.startRate}, {"end_lr", &p.endRate},
		{"start_momentum", &p.startMomentum}, {"end_momentum", &p.endMomentum}}
}

type cycleCurve struct {
	total   int
	cycling bool
	phases  []cyclePhase
	// anneal is "cos" or "linear".
	anneal string
	// beta tells Python that the momentum is the first beta.
	beta bool
}

func (c *cycleCurve) rates(s *LRScheduler, now []float64) []float64 {
	if s.epoch > c.total {
		panic(invalid(s.name, "step %d of a cycle of %d", s.epoch, c.total))
	}
	at, start := 0, 0.0
	for at < len(c.phases)-1 && float64(s.epoch) > c.phases[at].end {
		start = c.phases[at].end
		at++
	}
	phase := c.phases[at]
	part := (float64(s.epoch) - start) / (phase.end - start)
	s.groups.mutex.Lock()
	defer s.groups.mutex.Unlock()
	rates := make([]float64, len(now))
	for i, group := range s.groups.groups {
		rates[i] = c.along(group.extras[phase.startRate], group.extras[phase.endRate], part)
		if c.cycling {
			*s.groups.kind.momentum(group.rule) =
				c.along(group.extras[phase.startMomentum], group.extras[phase.endMomentum], part)
		}
	}
	return rates
}

func (c *cycleCurve) along(from, to, part float64) float64 {
	if c.anneal == "linear" {
		return (to-from)*part + from
	}
	return to + (from-to)/2*(math.Cos(math.Pi*part)+1)
}

func (c *cycleCurve) check(name string) error {
	if len(c.phases) == 0 {
		return invalid(name, "the cycle has no phases")
	}
	return positive(name, "number of steps", c.total)
}

func (c *cycleCurve) fields() []field {
	fields := []field{{"total_steps", &c.total}, {"_schedule_phases", &c.phases},
		{"_anneal_func_type", &c.anneal}, {"cycle_momentum", &c.cycling}}
	if c.cycling {
		fields = append(fields, field{"use_beta1", &c.beta})
	}
	return fields
}
