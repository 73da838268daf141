package optim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// watchedValue is what the reference's plateau schedules watch.
func watchedValue(epoch int) float64 {
	return max(1-float64(epoch)/10, 0.3) + 0.01*float64(epoch%3)
}

// scheduler is what every schedule has, but for how it steps.
type scheduler interface {
	LearningRates() []float64
	StateDict() *torch.Dict
	LoadStateDict(*torch.Dict) error
}

// scheduleMakers make what the script of the reference makes, for an optimizer of two groups.
var scheduleMakers = map[string]func(o optim.Scheduled) (scheduler, error){
	"step":        func(o optim.Scheduled) (scheduler, error) { return optim.StepLR(o, 7, 0.5) },
	"multi_step":  func(o optim.Scheduled) (scheduler, error) { return optim.MultiStepLR(o, []int{3, 10, 10, 40}, 0.3) },
	"exponential": func(o optim.Scheduled) (scheduler, error) { return optim.ExponentialLR(o, 0.93) },
	"constant":    func(o optim.Scheduled) (scheduler, error) { return optim.ConstantLR(o, 0.25, 9) },
	"linear":      func(o optim.Scheduled) (scheduler, error) { return optim.LinearLR(o, 0.1, 0.8, 12) },
	"polynomial":  func(o optim.Scheduled) (scheduler, error) { return optim.PolynomialLR(o, 40, 2) },
	"cosine":      func(o optim.Scheduled) (scheduler, error) { return optim.CosineAnnealingLR(o, 20, 0.001) },
	"cosine_to_zero": func(o optim.Scheduled) (scheduler, error) {
		return optim.CosineAnnealingLR(o, 60, 0)
	},
	"restarts": func(o optim.Scheduled) (scheduler, error) {
		return optim.CosineAnnealingWarmRestarts(o, 7, 2, 0.001)
	},
	"restarts_alike": func(o optim.Scheduled) (scheduler, error) {
		return optim.CosineAnnealingWarmRestarts(o, 9, 1, 0)
	},
	"lambda": func(o optim.Scheduled) (scheduler, error) {
		return optim.LambdaLR(o, func(epoch int) float64 { return 1 / float64(1+epoch) })
	},
	"lambda_each": func(o optim.Scheduled) (scheduler, error) {
		return optim.LambdaLR(o,
			func(epoch int) float64 { return math.Pow(0.9, float64(epoch)) },
			func(epoch int) float64 { return min(1, float64(epoch+1)/10) })
	},
	"one_cycle": func(o optim.Scheduled) (scheduler, error) {
		return optim.OneCycleLR(o, []float64{0.5}, 60, optim.DefaultOneCycle())
	},
	"one_cycle_three": func(o optim.Scheduled) (scheduler, error) {
		return optim.OneCycleLR(o, []float64{0.5, 0.2}, 60, optim.OneCycleOptions{
			PctStart: 0.4, Linear: true, BaseMomentum: 0.8, MaxMomentum: 0.9, DivFactor: 10,
			FinalDivFactor: 100, ThreePhase: true})
	},
	"one_cycle_constant": func(o optim.Scheduled) (scheduler, error) {
		return optim.OneCycleLR(o, []float64{0.5}, 70,
			edited(optim.DefaultOneCycle(), func(o *optim.OneCycleOptions) { o.ConstantMomentum = true }))
	},
	"warm_up_cosine": func(o optim.Scheduled) (scheduler, error) {
		return inSequence([]int{5},
			func() (*optim.LRScheduler, error) { return optim.LinearLR(o, 0.1, 1, 5) },
			func() (*optim.LRScheduler, error) { return optim.CosineAnnealingLR(o, 40, 0) })
	},
	"three_in_sequence": func(o optim.Scheduled) (scheduler, error) {
		return inSequence([]int{10, 30},
			func() (*optim.LRScheduler, error) { return optim.ExponentialLR(o, 0.9) },
			func() (*optim.LRScheduler, error) { return optim.CosineAnnealingWarmRestarts(o, 6, 1, 0) },
			func() (*optim.LRScheduler, error) { return optim.StepLR(o, 5, 0.5) })
	},
	"chained": func(o optim.Scheduled) (scheduler, error) {
		warmUp, err := optim.LinearLR(o, 0.2, 1, 10)
		if err != nil {
			return nil, err
		}
		decay, err := optim.ExponentialLR(o, 0.95)
		if err != nil {
			return nil, err
		}
		return optim.ChainedScheduler(warmUp, decay)
	},
	"plateau": func(o optim.Scheduled) (scheduler, error) {
		return optim.ReduceLROnPlateau(o, edited(optim.DefaultPlateau(), func(o *optim.PlateauOptions) {
			o.Factor, o.Patience, o.Cooldown = 0.5, 2, 3
		}))
	},
	"plateau_max": func(o optim.Scheduled) (scheduler, error) {
		return optim.ReduceLROnPlateau(o, optim.PlateauOptions{Factor: 0.3, Patience: 3, Maximize: true, Threshold: 0.01,
			Absolute: true, MinLearningRates: []float64{0.001, 0.0005}, Epsilon: 1e-8})
	},
}

func inSequence(milestones []int, makers ...func() (*optim.LRScheduler, error)) (scheduler, error) {
	var parts []*optim.LRScheduler
	for _, make := range makers {
		part, err := make()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return optim.SequentialLR(parts, milestones)
}

// A scheduledRun is an optimizer of two groups and a schedule of it.
type scheduledRun struct {
	optimizer *optim.Optimizer
	schedule  scheduler
}

func beginSchedule(t *testing.T, name string) scheduledRun {
	t.Helper()
	options := edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 0.1; o.Momentum = 0.9 })
	slow := options
	slow.LearningRate = 0.02
	optimizer, err := optim.SGD(groups{
		{Parameters: tensors{parameter(0)}}, {Parameters: tensors{parameter(0)}, Options: slow},
	}, options)
	require.NoError(t, err)
	t.Cleanup(optimizer.Close)
	schedule, err := scheduleMakers[name](optimizer)
	require.NoError(t, err)
	return scheduledRun{optimizer, schedule}
}

func (r scheduledRun) step(epoch int) {
	switch schedule := r.schedule.(type) {
	case optim.Schedule:
		schedule.Step()
	case *optim.PlateauScheduler:
		schedule.Step(watchedValue(epoch))
	}
}

func (r scheduledRun) momentum() float64 {
	return r.optimizer.Groups()[0].Options.(optim.SGDOptions).Momentum
}

// state is what a program saves: where the schedule stands, and the optimizer.
func (r scheduledRun) state() *torch.Dict {
	return torch.NewDict("schedule", r.schedule.StateDict(), "optimizer", r.optimizer.StateDict())
}

func epochsTo(t *testing.T, name string, epochs int) scheduledRun {
	t.Helper()
	r := beginSchedule(t, name)
	for epoch := range epochs {
		r.step(epoch)
	}
	return r
}

// The same arithmetic; a cosine may be rounded otherwise, which a recursive schedule carries on.
const scheduleTolerance = 1e-13

// follows compares a run with the reference from an epoch on.
func follows(t *testing.T, name string, r scheduledRun, from int) {
	t.Helper()
	reference, err := readOptimizerReference()
	require.NoError(t, err)
	want := reference.Schedules[name]
	for epoch := from; epoch < len(want.Rates); epoch++ {
		if epoch > from {
			r.step(epoch - 1)
		}
		require.InDeltaSlice(t, want.Rates[epoch], r.optimizer.LearningRates(), scheduleTolerance, "epoch %d", epoch)
		require.InDelta(t, want.Momenta[epoch], r.momentum(), scheduleTolerance, "epoch %d", epoch)
		require.Equal(t, r.optimizer.LearningRates(), r.schedule.LearningRates())
	}
}

// scheduleGoesOn loads a state of 25 epochs into a schedule and an optimizer that have gone on to
// another.
func scheduleGoesOn(t *testing.T, name string, state *torch.Dict) {
	t.Helper()
	r := epochsTo(t, name, 3)
	require.NoError(t, r.schedule.LoadStateDict(dict(t, state.Get("schedule"))))
	require.NoError(t, r.optimizer.LoadStateDict(dict(t, state.Get("optimizer"))))
	follows(t, name, r, savedAt)
}

func TestSchedulesAgreeWithPyTorch(t *testing.T) {
	reference, err := readOptimizerReference()
	require.NoError(t, err)
	require.Len(t, reference.Schedules, len(scheduleMakers))
	states := pythonStates(t)
	for name := range scheduleMakers {
		t.Run(name, func(t *testing.T) {
			follows(t, name, beginSchedule(t, name), 0)
			want, got := dict(t, states.Get(name)), epochsTo(t, name, savedAt).state()
			sameState(t, "schedule", want.Get("schedule"), got.Get("schedule"), scheduleTolerance)
			groups := func(d *torch.Dict) any { return dict(t, d.Get("optimizer")).Get("param_groups") }
			sameState(t, "optimizer", groups(want), groups(got), scheduleTolerance)
		})
	}
}

func TestSchedulesGoOn(t *testing.T) {
	states := pythonStates(t)
	for name := range scheduleMakers {
		t.Run(name, func(t *testing.T) {
			r := epochsTo(t, name, savedAt)
			state := r.state()
			r.step(savedAt) // which leaves what was saved alone
			scheduleGoesOn(t, name, state)
		})
		t.Run(name+" from Python", func(t *testing.T) { scheduleGoesOn(t, name, dict(t, states.Get(name))) })
	}
}

// TestOneCycleOfAdam cycles the first beta, and the optimizer's steps heed the schedule.
func TestOneCycleOfAdam(t *testing.T) {
	x := parameter(0)
	optimizer, err := optim.Adam(tensors{x}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.Betas = [2]float64{0.9, 0.99} }))
	require.NoError(t, err)
	defer optimizer.Close()
	options := optim.DefaultOneCycle()
	options.PctStart, options.DivFactor = 0.5, 10
	schedule, err := optim.OneCycleLR(optimizer, []float64{0.5}, 4, options)
	require.NoError(t, err)
	betas := func() [2]float64 { return optimizer.Groups()[0].Options.(optim.AdamOptions).Betas }
	assert.Equal(t, [2]float64{0.95, 0.99}, betas())
	x.SetGrad(torch.FromSlice([]float64{1}, nil))
	optimizer.Step()
	assert.InDelta(t, -0.05, x.Item(), 1e-6, "Adam's first step is the learning rate")
	schedule.Step()
	assert.InDelta(t, 0.85, betas()[0], 1e-12)
	assert.InDelta(t, 0.5, optimizer.LearningRates()[0], 1e-12)
	for range 3 {
		schedule.Step()
	}
	assert.ErrorContains(t, failure(t, schedule.Step), "step 5 of a cycle of 4")
}

func TestScheduleOfLBFGS(t *testing.T) {
	optimizer, err := optim.LBFGS(tensors{parameter(1)}, optim.DefaultLBFGS())
	require.NoError(t, err)
	defer optimizer.Close()
	schedule, err := optim.ExponentialLR(optimizer, 0.5)
	require.NoError(t, err)
	schedule.Step()
	assert.Equal(t, []float64{0.5}, optimizer.LearningRates())
}

func TestScheduleMisuse(t *testing.T) {
	optimizer, err := optim.SGD(tensors{parameter(1)}, optim.DefaultSGD())
	require.NoError(t, err)
	defer optimizer.Close()
	other, err := optim.Adagrad(tensors{parameter(1)}, optim.DefaultAdagrad())
	require.NoError(t, err)
	defer other.Close()
	step, err := optim.StepLR(optimizer, 2, 0.5)
	require.NoError(t, err)
	elsewhere, err := optim.StepLR(other, 2, 0.5)
	require.NoError(t, err)
	plateau, err := optim.ReduceLROnPlateau(optimizer, optim.DefaultPlateau())
	require.NoError(t, err)
	half := func(int) float64 { return 0.5 }
	peak := []float64{1}
	cycle := func(edit func(*optim.OneCycleOptions)) func() (any, error) {
		return func() (any, error) {
			return optim.OneCycleLR(optimizer, peak, 3, edited(optim.DefaultOneCycle(), edit))
		}
	}
	reduce := func(edit func(*optim.PlateauOptions)) func() (any, error) {
		return func() (any, error) {
			return optim.ReduceLROnPlateau(optimizer, edited(optim.DefaultPlateau(), edit))
		}
	}

	for with, make := range map[string]func() (any, error){
		"the optimizer is nil":                func() (any, error) { return optim.StepLR(nil, 1, 1) },
		"StepLR: the optimizer is nil":        func() (any, error) { return optim.StepLR((*optim.Optimizer)(nil), 1, 1) },
		"the step size is 0":                  func() (any, error) { return optim.StepLR(optimizer, 0, 1) },
		"the factor is 2":                     func() (any, error) { return optim.ConstantLR(optimizer, 2, 1) },
		"the factor at the start is 0":        func() (any, error) { return optim.LinearLR(optimizer, 0, 1, 1) },
		"the factor at the end is -1":         func() (any, error) { return optim.LinearLR(optimizer, 0.1, -1, 1) },
		"LinearLR: the number of epochs is 0": func() (any, error) { return optim.LinearLR(optimizer, 0.1, 1, 0) },
		"the number of epochs is -1":          func() (any, error) { return optim.PolynomialLR(optimizer, -1, 1) },
		"CosineAnnealingLR: the number":       func() (any, error) { return optim.CosineAnnealingLR(optimizer, 0, 0) },
		"the factor is 0": func() (any, error) {
			return optim.CosineAnnealingWarmRestarts(optimizer, 1, 0, 0)
		},
		"2 functions for 1 group ": func() (any, error) { return optim.LambdaLR(optimizer, half, half) },
		"a function is nil":        func() (any, error) { return optim.LambdaLR(optimizer, nil) },
		"the learning rate is -": func() (any, error) {
			return optim.LambdaLR(optimizer, func(int) float64 { return -1 })
		},
		"the number of steps is 0": func() (any, error) {
			return optim.OneCycleLR(optimizer, peak, 0, optim.DefaultOneCycle())
		},
		"0 rates at the peak": func() (any, error) {
			return optim.OneCycleLR(optimizer, nil, 3, optim.DefaultOneCycle())
		},
		"OneCycleLR: the options are zero: start from DefaultOneCycle()": func() (any, error) {
			return optim.OneCycleLR(optimizer, peak, 3, optim.OneCycleOptions{})
		},
		"the share before the peak is 1.5": cycle(func(o *optim.OneCycleOptions) { o.PctStart = 1.5 }),
		"the rates are divided by 0 and":   cycle(func(o *optim.OneCycleOptions) { o.DivFactor = 0 }),
		"a bound of the momentum is 2":     cycle(func(o *optim.OneCycleOptions) { o.MaxMomentum = 2 }),
		"Adagrad has no momentum": func() (any, error) {
			return optim.OneCycleLR(other, peak, 3, optim.DefaultOneCycle())
		},
		"ReduceLROnPlateau: the options are zero: start from DefaultPlateau()": func() (any, error) {
			return optim.ReduceLROnPlateau(optimizer, optim.PlateauOptions{})
		},
		"the factor is 1: it must be in [0, 1)": reduce(func(o *optim.PlateauOptions) { o.Factor = 1 }),
		"a patience of -1":                      reduce(func(o *optim.PlateauOptions) { o.Patience = -1 }),
		"the threshold is -1":                   reduce(func(o *optim.PlateauOptions) { o.Threshold = -1 }),
		"2 least rates for 1 group ":            reduce(func(o *optim.PlateauOptions) { o.MinLearningRates = []float64{1, 2} }),
		"1 schedule and 1 milestone": func() (any, error) {
			return optim.SequentialLR([]*optim.LRScheduler{step}, []int{1})
		},
		"the milestones [0] do not go up": func() (any, error) {
			return optim.SequentialLR([]*optim.LRScheduler{step, step}, []int{0})
		},
		"schedule 1 is of another optimizer": func() (any, error) {
			return optim.SequentialLR([]*optim.LRScheduler{step, elsewhere}, []int{1})
		},
		"schedule 1 is nil": func() (any, error) {
			return optim.SequentialLR([]*optim.LRScheduler{step, nil}, []int{1})
		},
		"no schedules": func() (any, error) { return optim.ChainedScheduler() },
	} {
		_, err := make()
		require.ErrorIs(t, err, torch.ErrInvalid, with)
		assert.Contains(t, err.Error(), with)
	}

	before := step.StateDict()
	bad := func(key string, value any) *torch.Dict {
		state := step.StateDict()
		state.Set(key, value)
		return state
	}
	for with, state := range map[string]*torch.Dict{
		`no "step_size"`:        plateau.StateDict(),
		`no "last_epoch"`:       torch.NewDict("step_size", 1, "gamma", 1.0),
		"gamma is high":         bad("gamma", "high"),
		"the step size is 0":    bad("step_size", int64(0)),
		"of 2 groups":           bad("base_lrs", []any{1.0, 2.0}),
		"base_lrs is 1":         bad("base_lrs", int64(1)),
		"_step_count is 2.5":    bad("_step_count", 2.5),
		"_last_lr item 0 is no": bad("_last_lr", []any{"no"}),
	} {
		require.ErrorContains(t, step.LoadStateDict(state), with)
		sameState(t, with, before, step.StateDict(), 1e-15)
	}
	assert.ErrorContains(t, plateau.LoadStateDict(before), `no "factor"`)
	chained, err := optim.ChainedScheduler(step)
	require.NoError(t, err)
	assert.ErrorContains(t, chained.LoadStateDict(before), "the state has 0 schedules, the ChainedScheduler 1")
	assert.ErrorContains(t, chained.LoadStateDict(torch.NewDict("_schedulers", []any{1.0})), "schedule 0 of the state is 1, no dict")

	require.NoError(t, optimizer.AddParamGroup(optim.ParamGroup{Parameters: tensors{parameter(2)}}))
	assert.ErrorContains(t, failure(t, step.Step), "began with 1 group of parameters, and the optimizer has 2")
}
