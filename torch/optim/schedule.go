package optim

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Scheduled is an optimizer whose learning rates a schedule changes: an [*Optimizer] or an
// [*LBFGSOptimizer].
type Scheduled interface{ shared() *paramGroups }

// A Schedule changes an optimizer's learning rates during training. The constructor sets the rates
// of epoch 0. Call Step after the optimizer's steps of each epoch, or after each batch. The
// constructors have the names, and compute the learning rates, of PyTorch's
// torch.optim.lr_scheduler.
//
// The state of a schedule and that of its optimizer, which holds the learning rates, belong
// together: save and load both. A schedule must not be used by two goroutines at once.
type Schedule interface {
	// Step sets the learning rates of the next epoch. It panics with an [*torch.Error] if groups
	// were added to the optimizer after the schedule was made.
	Step()
	// LearningRates returns the learning rates of the groups after the last step.
	LearningRates() []float64
	// StateDict returns the state of the schedule in Python's layout.
	StateDict() *torch.Dict
	// LoadStateDict restores a state from StateDict or from Python.
	LoadStateDict(state *torch.Dict) error
}

// An LRScheduler is a [Schedule] along one curve, as [StepLR], [CosineAnnealingLR] and others
// return.
type LRScheduler struct {
	name   string
	groups *paramGroups
	curve  curve
	// base are the groups' learning rates at the start.
	base []float64
	// epoch is Python's last_epoch, and steps its _step_count.
	epoch, steps int
	// initial is true during the step that the constructor makes.
	initial bool
	last    []float64
}

// A curve computes the learning rates of an epoch from the current ones or from the schedule's
// start. As in Python, most curves start from the current ones, so that two schedules can act on
// one optimizer.
type curve interface {
	rates(s *LRScheduler, now []float64) []float64
	// check returns an error for parameters with which some epoch's rates cannot be computed.
	check(name string) error
	fields() []field
}

// A closedCurve can compute an epoch's rates without the current ones.
type closedCurve interface {
	closed(s *LRScheduler) []float64
}

// initialRate is the name under which a group stores its learning rate at the start, as in Python.
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
	if optimizer == nil {
		return nil, invalid(name, "the optimizer is nil")
	}
	groups := optimizer.shared()
	return groups, groups.check(name)
}

// begin makes the step that sets the rates of epoch 0.
func (s *LRScheduler) begin() {
	s.steps, s.initial = 0, true
	defer func() { s.initial = false }()
	s.Step()
}

// check returns an error for a schedule that is nil or that no constructor made.
func (s *LRScheduler) check(operation string) error {
	if s == nil || s.curve == nil {
		return unmadeSchedule(operation, s == nil, "a constructor such as StepLR")
	}
	return nil
}

// unmadeSchedule is the error for a schedule that is nil or the zero value of its type.
func unmadeSchedule(operation string, isNil bool, constructor string) error {
	if isNil {
		return invalid(operation, "the schedule is nil")
	}
	return invalid(operation, "the schedule was not made by %s", constructor)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Step sets the learning rates of the next epoch.
func (s *LRScheduler) Step() {
	must(s.check("Step"))
	now := s.groups.learningRates()
	if len(now) != len(s.base) {
		panic(invalid(s.name, "the schedule began with %s of parameters, and the optimizer has %d", words.Count(len(s.base), "group"), len(now)))
	}
	if own, ok := s.curve.(interface{ advance(s *LRScheduler) }); ok {
		own.advance(s)
	} else {
		s.steps++
		s.epoch++
	}
	s.set(s.curve.rates(s, now))
}

// restart sets the rates of epoch 0, for a [SequentialScheduler] that switches to this schedule.
func (s *LRScheduler) restart() {
	s.epoch = 0
	if curve, ok := s.curve.(closedCurve); ok {
		s.set(curve.closed(s))
		return
	}
	s.set(s.curve.rates(s, s.groups.learningRates()))
}

func (s *LRScheduler) set(rates []float64) {
	must(s.groups.setLearningRates(s.name, rates))
	s.last = rates
}

// LearningRates returns the learning rates of the groups after the last step.
func (s *LRScheduler) LearningRates() []float64 {
	must(s.check("LearningRates"))
	return slices.Clone(s.last)
}

func (s *LRScheduler) fields() []field {
	return append(s.curve.fields(), field{"base_lrs", &s.base}, field{"last_epoch", &s.epoch},
		field{"_step_count", &s.steps}, field{"_is_initial", &s.initial}, field{"_last_lr", &s.last})
}

// StateDict returns the state of the schedule in the layout of Python's scheduler.state_dict().
func (s *LRScheduler) StateDict() *torch.Dict {
	must(s.check("StateDict"))
	state := torch.NewDict("_get_lr_called_within_step", false)
	writeFields(s.fields(), state)
	return state
}

// LoadStateDict restores a state from [LRScheduler.StateDict] or Python's scheduler.state_dict().
// The learning rates are part of the optimizer's state, which must be loaded too. On error the
// schedule is unchanged.
func (s *LRScheduler) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	if err := s.check(operation); err != nil {
		return err
	}
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
		err = invalid(operation, "the state is of %s of parameters, the optimizer has %d", words.Count(len(s.base), "group"), count)
	default:
		err = s.curve.check(operation)
	}
	if err == nil {
		return nil
	}
	if restoring := readFields(s.fields(), before); restoring != nil {
		panic(restoring) // cannot happen: the state was just written
	}
	return err
}
