package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// OneCycleOptions are the options of [OneCycleLR]. Start from [DefaultOneCycle]: the zero value is
// an error.
type OneCycleOptions struct {
	// PctStart is the share of the cycle before the peak, in [0, 1].
	PctStart float64
	// Linear anneals linearly instead of along a cosine.
	Linear bool
	// ConstantMomentum leaves the momentum (for Adam the first beta) unchanged. Otherwise it goes
	// from MaxMomentum down to BaseMomentum while the learning rate rises, and back.
	ConstantMomentum          bool
	BaseMomentum, MaxMomentum float64
	// DivFactor is the peak learning rate over the first one, and FinalDivFactor the first one over
	// the last.
	DivFactor, FinalDivFactor float64
	// ThreePhase falls to the first learning rate in as many steps as it rose, and then to the last
	// one.
	ThreePhase bool
}

// DefaultOneCycle returns PyTorch's defaults: the peak after a share of 0.3, along a cosine, from
// 1/25 of the peak and to 1/250,000 of it, with a momentum between 0.85 and 0.95.
func DefaultOneCycle() OneCycleOptions {
	return OneCycleOptions{PctStart: 0.3, BaseMomentum: 0.85, MaxMomentum: 0.95, DivFactor: 25, FinalDivFactor: 1e4}
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
// momentum the other way round (torch.optim.lr_scheduler.OneCycleLR). peaks are the learning rates
// at the peak, one for all groups or one for each, and totalSteps is the number of steps in the
// cycle. Call Step after each batch. Stepping past the end panics with an [*torch.Error].
func OneCycleLR(optimizer Scheduled, peaks []float64, totalSteps int, options OneCycleOptions) (*LRScheduler, error) {
	const operation = "OneCycleLR"
	groups, err := groupsOfScheduled(operation, optimizer)
	if err != nil {
		return nil, err
	}
	count := len(groups.learningRates())
	momentum := groups.kind.momentum
	switch {
	case options == OneCycleOptions{}:
		return nil, zeroOptions(operation, "DefaultOneCycle")
	case totalSteps <= 0:
		return nil, invalid(operation, "the number of steps is %d: it must be 1 or more", totalSteps)
	case len(peaks) != 1 && len(peaks) != count:
		return nil, invalid(operation, "%s at the peak for %s of parameters", words.Count(len(peaks), "rate"), words.Count(count, "group"))
	case !(options.PctStart >= 0 && options.PctStart <= 1):
		return nil, invalid(operation, "the share before the peak is %v: it must be in [0, 1]", options.PctStart)
	case !(options.DivFactor > 0) || !(options.FinalDivFactor > 0):
		return nil, invalid(operation, "the rates are divided by %v and %v: both must be above 0", options.DivFactor, options.FinalDivFactor)
	case momentum == nil && !options.ConstantMomentum:
		return nil, invalid(operation, "%s has no momentum to cycle: set ConstantMomentum", groups.kind.name)
	}
	if err := checkRates(operation, peaks); err != nil {
		return nil, err
	}
	curve := &cycleCurve{total: totalSteps, cycling: !options.ConstantMomentum,
		phases: cyclePhases(totalSteps, options), anneal: "cos", beta: groups.kind.cyclesBeta}
	if curve.cycling {
		for _, bound := range []float64{options.BaseMomentum, options.MaxMomentum} {
			if !(bound >= 0 && bound < 1) {
				return nil, invalid(operation, "a bound of the momentum is %v: it must be in [0, 1)", bound)
			}
		}
	}
	if options.Linear {
		curve.anneal = "linear"
	}
	groups.mutex.Lock()
	for i, group := range groups.groups {
		peak := peaks[min(i, len(peaks)-1)]
		group.extras[initialRate] = peak / options.DivFactor
		group.extras[cycleMaxRate] = peak
		group.extras[cycleMinRate] = group.extras[initialRate] / options.FinalDivFactor
		if curve.cycling {
			group.extras[cycleMaxMomentum], group.extras[cycleBaseMomentum] = options.MaxMomentum, options.BaseMomentum
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

func cyclePhases(totalSteps int, options OneCycleOptions) []cyclePhase {
	up := options.PctStart * float64(totalSteps)
	end := float64(totalSteps - 1)
	phases := []cyclePhase{{up - 1, initialRate, cycleMaxRate, cycleMaxMomentum, cycleBaseMomentum}}
	if !options.ThreePhase {
		return append(phases, cyclePhase{end, cycleMaxRate, cycleMinRate, cycleBaseMomentum, cycleMaxMomentum})
	}
	return append(phases,
		cyclePhase{2*up - 2, cycleMaxRate, initialRate, cycleBaseMomentum, cycleMaxMomentum},
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
	part := 1.0 // of a phase without length
	if phase.end != start {
		part = (float64(s.epoch) - start) / (phase.end - start)
	}
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
