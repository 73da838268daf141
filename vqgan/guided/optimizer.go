package guided

import (
	"cmp"
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// An Optimizer says how the latent moves in each step. The algorithms have PyTorch's settings but
// for the learning rate.
type Optimizer struct {
	// Algorithm is the optimizer.
	Algorithm Algorithm `json:"algorithm" yaml:"algorithm"`

	// LearningRate is the learning rate, 0 or more, before the schedule and the drops.
	LearningRate float64 `json:"learning_rate" yaml:"learning_rate"`

	// WarmUp is the number of first steps, 0 or more, over which the learning rate rises evenly.
	WarmUp int `json:"warm_up" yaml:"warm_up"`

	// Schedule says how the learning rate falls over all steps.
	Schedule Schedule `json:"schedule" yaml:"schedule"`

	// FinalShare is the share of the learning rate, from 0 to 1, that [LinearSchedule] and
	// [CosineSchedule] come down to in the last step.
	FinalShare float64 `json:"final_share" yaml:"final_share"`

	// Drops multiply the learning rate from a step on. Pixray drops it to a tenth after three
	// quarters of the steps.
	Drops []Drop `json:"drops" yaml:"drops"`
}

// An Algorithm is an optimizer of package optim.
type Algorithm string

// The algorithms. LBFGS computes the loss up to 20 times in a step, with the step's cutouts.
const (
	Adam    Algorithm = "adam"
	AdamW   Algorithm = "adamw"
	RAdam   Algorithm = "radam"
	Adamax  Algorithm = "adamax"
	Adagrad Algorithm = "adagrad"
	RMSprop Algorithm = "rmsprop"
	LBFGS   Algorithm = "lbfgs"
)

// A Schedule says how the learning rate falls over all steps.
type Schedule string

const (
	// ConstantSchedule leaves the learning rate as it is.
	ConstantSchedule Schedule = "constant"
	// LinearSchedule falls along a line.
	LinearSchedule Schedule = "linear"
	// CosineSchedule falls along half a wave of the cosine (Loshchilov and Hutter 2017, "SGDR",
	// equation 5, without restarts).
	CosineSchedule Schedule = "cosine"
)

// A Drop multiplies the learning rate by Factor, 0 or more, from the step with the number Step, 1 or
// more.
type Drop struct {
	Step   int     `json:"step" yaml:"step"`
	Factor float64 `json:"factor" yaml:"factor"`
}

func (o Optimizer) validate() error {
	notNegative := interval{high: math.Inf(1)}
	err := cmp.Or(
		oneOf("optimizer.algorithm", o.Algorithm, Adam, AdamW, RAdam, Adamax, Adagrad, RMSprop, LBFGS),
		check("optimizer.learning_rate", o.LearningRate, notNegative),
		check("optimizer.warm_up", o.WarmUp, notNegative),
		oneOf("optimizer.schedule", o.Schedule, ConstantSchedule, LinearSchedule, CosineSchedule),
		check("optimizer.final_share", o.FinalShare, interval{high: 1}),
	)
	for i, drop := range o.Drops {
		err = cmp.Or(err,
			check(fmt.Sprintf("optimizer.drops[%d].step", i), drop.Step, interval{low: 1, high: math.Inf(1)}),
			check(fmt.Sprintf("optimizer.drops[%d].factor", i), drop.Factor, notNegative))
	}
	return err
}

// rate returns the learning rate of a step, from 1, of steps.
func (o Optimizer) rate(step, steps int) float64 {
	rate := o.LearningRate
	if step <= o.WarmUp {
		rate *= float64(step) / float64(o.WarmUp+1)
	}
	progress := 0.0 // 0 in the first step, 1 in the last
	if steps > 1 {
		progress = float64(step-1) / float64(steps-1)
	}
	switch o.Schedule {
	case ConstantSchedule:
	case LinearSchedule:
		rate *= 1 - (1-o.FinalShare)*progress
	case CosineSchedule:
		rate *= o.FinalShare + (1-o.FinalShare)*(1+math.Cos(math.Pi*progress))/2
	}
	for _, drop := range o.Drops {
		if step >= drop.Step {
			rate *= drop.Factor
		}
	}
	return rate
}

// A mover changes the latent. It is an optimizer of package optim.
type mover interface {
	SetLearningRate(rate float64) error
	StateDict() *torch.Dict
	LoadStateDict(state *torch.Dict) error
	Close()
}

// mover returns the optimizer of a latent.
func (o Optimizer) mover(latent *torch.Tensor) (made mover, err error) {
	parameters := []*torch.Tensor{latent}
	switch o.Algorithm {
	case Adam:
		made, err = optim.Adam(parameters, optim.DefaultAdam())
	case AdamW:
		made, err = optim.AdamW(parameters, optim.DefaultAdamW())
	case RAdam:
		made, err = optim.RAdam(parameters, optim.DefaultRAdam())
	case Adamax:
		made, err = optim.Adamax(parameters, optim.DefaultAdamax())
	case Adagrad:
		made, err = optim.Adagrad(parameters, optim.DefaultAdagrad())
	case RMSprop:
		made, err = optim.RMSprop(parameters, optim.DefaultRMSprop())
	case LBFGS:
		made, err = optim.LBFGS(parameters, optim.DefaultLBFGS())
	default:
		return nil, o.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	return made, nil
}
