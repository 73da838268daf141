package optim

import (
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/lists"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A SequentialScheduler is a [Schedule] made by [SequentialLR].
type SequentialScheduler struct {
	parts      []*LRScheduler
	milestones []int64
	epoch      int
	last       []float64
}

// SequentialLR runs schedules one after another. It switches to the next one at each of the epochs
// in milestones, of which there is one fewer than schedules.
//
//	warmUp, err := optim.LinearLR(optimizer, 0.1, 1, 5)
//	...
//	cosine, err := optim.CosineAnnealingLR(optimizer, 45, 0)
//	...
//	schedule, err := optim.SequentialLR([]*optim.LRScheduler{warmUp, cosine}, []int{5})
func SequentialLR(parts []*LRScheduler, milestones []int) (*SequentialScheduler, error) {
	const operation = "SequentialLR"
	if len(parts) == 0 || len(milestones) != len(parts)-1 {
		return nil, invalid(operation, "%s and %s: there must be one milestone between two schedules", words.Count(len(parts), "schedule"), words.Count(len(milestones), "milestone"))
	}
	s := &SequentialScheduler{parts: slices.Clone(parts)}
	for i, milestone := range milestones {
		if milestone <= 0 || i > 0 && milestone <= milestones[i-1] {
			return nil, invalid(operation, "the milestones %v do not go up from 1", milestones)
		}
		s.milestones = append(s.milestones, int64(milestone))
	}
	for i, part := range parts {
		if part == nil {
			return nil, invalid(operation, "schedule %d is nil", i)
		}
		if err := part.check(operation); err != nil {
			return nil, invalid(operation, "schedule %d: %s", i, err.(*torch.Error).Message)
		}
		if part.groups != parts[0].groups {
			return nil, invalid(operation, "schedule %d is of another optimizer than schedule 0", i)
		}
	}
	// Each part has set its first rates when it was made; undo that.
	groups := parts[0].groups
	groups.mutex.Lock()
	for _, group := range groups.groups {
		*group.rule.learningRate() = group.extras[initialRate]
	}
	groups.mutex.Unlock()
	for _, part := range parts {
		part.epoch--
	}
	err := torch.Try(func() error {
		parts[0].begin()
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.last = parts[0].LearningRates()
	return s, nil
}

func (s *SequentialScheduler) check(operation string) error {
	if s == nil || len(s.parts) == 0 {
		return unmadeSchedule(operation, s == nil, "SequentialLR")
	}
	return nil
}

// Step sets the learning rates of the next epoch.
func (s *SequentialScheduler) Step() {
	must(s.check("Step"))
	s.epoch++
	at := 0
	for at < len(s.milestones) && s.milestones[at] <= int64(s.epoch) {
		at++
	}
	if at > 0 && s.milestones[at-1] == int64(s.epoch) {
		s.parts[at].restart()
	} else {
		s.parts[at].Step()
	}
	s.last = s.parts[at].LearningRates()
}

// LearningRates returns the learning rates of the groups after the last step.
func (s *SequentialScheduler) LearningRates() []float64 {
	must(s.check("LearningRates"))
	return slices.Clone(s.last)
}

func (s *SequentialScheduler) fields() []field {
	return []field{{"_milestones", &s.milestones}, {"last_epoch", &s.epoch}, {"_last_lr", &s.last}}
}

// StateDict returns the state of the schedule and its parts in the layout of Python's
// scheduler.state_dict().
func (s *SequentialScheduler) StateDict() *torch.Dict {
	must(s.check("StateDict"))
	state := torch.NewDict()
	writeFields(s.fields(), state)
	state.Set("_schedulers", partStates(s.parts))
	return state
}

// LoadStateDict restores a state from [SequentialScheduler.StateDict] or Python's
// scheduler.state_dict(). On error the schedule is unchanged.
func (s *SequentialScheduler) LoadStateDict(state *torch.Dict) error {
	if err := s.check("LoadStateDict"); err != nil {
		return err
	}
	read := *s
	if err := readFields(read.fields(), state); err != nil {
		return invalid("LoadStateDict", "the state of SequentialLR: %v", err)
	}
	if len(read.milestones) != len(s.milestones) {
		return invalid("LoadStateDict", "the state has %s, the schedule %d", words.Count(len(read.milestones), "milestone"), len(s.milestones))
	}
	if err := loadParts("SequentialLR", s.parts, state); err != nil {
		return err
	}
	*s = read
	return nil
}

// A ChainedLRScheduler is a [Schedule] made by [ChainedScheduler].
type ChainedLRScheduler struct {
	parts []Schedule
}

// ChainedScheduler runs several schedules of one optimizer at the same time, so that their factors
// multiply.
func ChainedScheduler(parts ...Schedule) (*ChainedLRScheduler, error) {
	if len(parts) == 0 {
		return nil, invalid("ChainedScheduler", "no schedules were given")
	}
	for i, part := range parts {
		if part == nil {
			return nil, invalid("ChainedScheduler", "schedule %d is nil", i)
		}
		if ours, ok := part.(interface{ check(operation string) error }); ok {
			if err := ours.check("ChainedScheduler"); err != nil {
				return nil, invalid("ChainedScheduler", "schedule %d: %s", i, err.(*torch.Error).Message)
			}
		}
	}
	return &ChainedLRScheduler{slices.Clone(parts)}, nil
}

func (s *ChainedLRScheduler) check(operation string) error {
	if s == nil || len(s.parts) == 0 {
		return unmadeSchedule(operation, s == nil, "ChainedScheduler")
	}
	return nil
}

// Step sets the learning rates of the next epoch.
func (s *ChainedLRScheduler) Step() {
	must(s.check("Step"))
	for _, part := range s.parts {
		part.Step()
	}
}

// LearningRates returns the learning rates of the groups after the last step.
func (s *ChainedLRScheduler) LearningRates() []float64 {
	must(s.check("LearningRates"))
	return s.parts[len(s.parts)-1].LearningRates()
}

// StateDict returns the states of the schedules in the layout of Python's scheduler.state_dict().
func (s *ChainedLRScheduler) StateDict() *torch.Dict {
	must(s.check("StateDict"))
	return torch.NewDict("_last_lr", lists.Anys(s.LearningRates()), "_schedulers", partStates(s.parts))
}

// LoadStateDict restores a state from [ChainedLRScheduler.StateDict] or Python's
// scheduler.state_dict(). On error the schedules are unchanged.
func (s *ChainedLRScheduler) LoadStateDict(state *torch.Dict) error {
	if err := s.check("LoadStateDict"); err != nil {
		return err
	}
	return loadParts("ChainedScheduler", s.parts, state)
}

func partStates[S Schedule](parts []S) []any {
	states := make([]any, len(parts))
	for i, part := range parts {
		states[i] = part.StateDict()
	}
	return states
}

// loadParts loads the state of all parts, or of none on failure.
func loadParts[S Schedule](name string, parts []S, state *torch.Dict) error {
	states, _ := anyList(state.Get("_schedulers"))
	if len(states) != len(parts) {
		return invalid("LoadStateDict", "the state has %s, the %s %d", words.Count(len(states), "schedule"), name, len(parts))
	}
	before := partStates(parts)
	for i, part := range parts {
		values, ok := states[i].(*torch.Dict)
		err := error(invalid("LoadStateDict", "schedule %d of the state is %s, no dict", i, describeValue(states[i])))
		if ok {
			err = part.LoadStateDict(values)
		}
		if err == nil {
			continue
		}
		for j := range i {
			if restoring := parts[j].LoadStateDict(before[j].(*torch.Dict)); restoring != nil {
				return fmt.Errorf("%w, and schedule %d was not restored: %v", err, j, restoring)
			}
		}
		return err
	}
	return nil
}
