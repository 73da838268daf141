package optim

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Scheduled is what a learning-rate schedule changes: an [*Optimizer] or an [*LBFGSOptimizer].
type Scheduled interface{ scheduled() *paramGroups }

func (g *paramGroups) scheduled() *paramGroups { return g }

// A Schedule changes an optimizer's learning rates as training goes on. It starts when it is made;
// each Step, one an epoch or one a batch after the optimizer's own, goes on by one. The rates are
// those of the schedule of that name in torch.optim.lr_scheduler.
//
// A schedule counts its steps and goes on from the optimizer's present rates, so both are saved:
// the schedule's StateDict beside the optimizer's. One goroutine at a time uses a schedule.
type Schedule interface {
	// Step goes on by one. It panics with an [*Error] where groups were added to the optimizer
	// after the schedule was made.
	Step()
	// LearningRates are the groups' rates that the latest step set.
	LearningRates() []float64
	// StateDict is where the schedule stands, in Python's layout.
	StateDict() *torch.Dict
	// LoadStateDict goes on where StateDict, or Python's, was taken.
	LoadStateDict(state *torch.Dict) error
}

// An LRScheduler is a [Schedule] of one curve: [StepLR], [CosineAnnealingLR] and so on make one.
type LRScheduler struct {
	name   string
	groups *paramGroups
	curve  curve
	// base are the groups' rates at the beginning.
	base []float64
	// epoch is Python's last_epoch, steps its _step_count.
	epoch, steps int
	// initial is true in the step that the constructor makes.
	initial bool
	last    []float64
}

// A curve says the rates of an epoch, from the rates that hold or from the schedule's beginning.
// Python's curves go on from the rates that hold, so that two schedules can work on one optimizer.
type curve interface {
	rates(s *LRScheduler, now []float64) []float64
	// check reports what no epoch's rates can be worked out with.
	check(name string) error
	fields() []field
}

// A closedCurve can say an epoch's rates with no regard to those that hold.
type closedCurve interface {
	closed(s *LRScheduler) []float64
}

// initialRate is where a group keeps the rate that schedules start from, in Python too.
const initialRate = "initial_lr"

func newSchedule(name string, optimizer Scheduled, curve curve) (*LRScheduler, error) {
	groups, err := groupsOfScheduled(name, optimizer)
	if err != nil {
		return nil, err
	}
	if err := curve.check(name); err != nil {
		return nil, err
	}
	s := &LRScheduler{name: name, groups: groups, curve: curve, epoch: -1}
	groups.mutex.Lock()
	for _, group := range groups.groups {
		if _, ok := group.extras[initialRate]; !ok {
			group.extras[initialRate] = *group.rule.learningRate()
		}
		s.base = append(s.base, group.extras[initialRate])
	}
	groups.mutex.Unlock()
	err = torch.Try(func() error {
		s.begin()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func groupsOfScheduled(name string, optimizer Scheduled) (*paramGroups, error) {
	switch o := optimizer.(type) {
	case *Optimizer:
		if o != nil {
			return &o.paramGroups, nil
		}
	case *LBFGSOptimizer:
		if o != nil {
			return &o.paramGroups, nil
		}
	}
	return nil, invalid(name, "the optimizer is nil")
}

// begin makes the step that sets the first epoch's rates.
func (s *LRScheduler) begin() {
	s.steps, s.initial = 0, true
	defer func() { s.initial = false }()
	s.Step()
}

// Step sets the next epoch's learning rates.
func (s *LRScheduler) Step() {
	now := s.groups.LearningRates()
	if len(now) != len(s.base) {
		panic(invalid(s.name, "the schedule began with %d groups of parameters, and the optimizer has %d", len(s.base), len(now)))
	}
	if own, ok := s.curve.(interface{ advance(s *LRScheduler) }); ok {
		own.advance(s)
	} else {
		s.steps++
		s.epoch++
	}
	s.set(s.curve.rates(s, now))
}

// restart sets the rates of epoch 0, as a [SequentialScheduler] does when the schedule's turn comes.
func (s *LRScheduler) restart() {
	s.epoch = 0
	if curve, ok := s.curve.(closedCurve); ok {
		s.set(curve.closed(s))
		return
	}
	s.set(s.curve.rates(s, s.groups.LearningRates()))
}

func (s *LRScheduler) set(rates []float64) {
	s.groups.setLearningRates(s.name, rates)
	s.last = rates
}

// LearningRates are the groups' rates that the latest step set.
func (s *LRScheduler) LearningRates() []float64 { return slices.Clone(s.last) }

func (s *LRScheduler) fields() []field {
	return append(s.curve.fields(), field{"base_lrs", &s.base}, field{"last_epoch", &s.epoch},
		field{"_step_count", &s.steps}, field{"_is_initial", &s.initial}, field{"_last_lr", &s.last})
}

// StateDict is where the schedule stands, in the layout of Python's scheduler.state_dict().
func (s *LRScheduler) StateDict() *torch.Dict {
	state := torch.NewDict("_get_lr_called_within_step", false)
	writeFields(s.fields(), state)
	return state
}

// LoadStateDict goes on where [LRScheduler.StateDict], or Python's scheduler.state_dict(), was
// taken. The rates themselves are the optimizer's, whose state is loaded too. Where state does not
// fit, the schedule stays as it was.
func (s *LRScheduler) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	for _, field := range append(s.curve.fields(), field{"last_epoch", nil}) {
		if _, ok := state.Lookup(field.name); !ok {
			return invalid(operation, "the state has no %q: it is not %s's", field.name, s.name)
		}
	}
	before, count := torch.NewDict(), len(s.base)
	writeFields(s.fields(), before)
	err := readFields(s.fields(), state)
	switch {
	case err != nil:
		err = invalid(operation, "the state of %s: %v", s.name, err)
	case len(s.base) != count:
		err = invalid(operation, "the state is of %d groups of parameters, the optimizer has %d", len(s.base), count)
	default:
		err = s.curve.check(operation)
	}
	if err == nil {
		return nil
	}
	if restoring := readFields(s.fields(), before); restoring != nil {
		panic(restoring) // it was written a moment ago
	}
	return err
}
