package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// LBFGSOptions are LBFGS's settings. What is left out is PyTorch's default: learning rate 1, at
// most 20 iterations a step and 5 evaluations for 4 iterations, tolerances of 1e-7 for the gradient
// and 1e-9 for a change, a history of 100.
type LBFGSOptions struct {
	LearningRate   float64
	MaxIterations  int64
	MaxEvaluations int64
	// ToleranceGrad ends a step where no element of the gradient is larger, ToleranceChange where
	// neither the parameters nor the loss change by more.
	ToleranceGrad, ToleranceChange float64
	// HistorySize is how many changes the estimate of the curvature rests on. Each keeps two
	// tensors as large as all parameters.
	HistorySize int64
	// StrongWolfe searches along each direction for a point that meets the strong Wolfe conditions,
	// instead of going as far as the learning rate says.
	StrongWolfe bool
}

const strongWolfe = "strong_wolfe"

func (o LBFGSOptions) settings() settings {
	setDefault(&o.LearningRate, 1)
	setDefault(&o.MaxIterations, 20)
	setDefault(&o.MaxEvaluations, o.MaxIterations*5/4)
	setDefault(&o.ToleranceGrad, 1e-7)
	setDefault(&o.ToleranceChange, 1e-9)
	setDefault(&o.HistorySize, 100)
	s := settings{learningRate: o.LearningRate, maxIterations: o.MaxIterations,
		maxEvaluations: o.MaxEvaluations, toleranceGrad: o.ToleranceGrad,
		toleranceChange: o.ToleranceChange, historySize: o.HistorySize}
	if o.StrongWolfe {
		s.lineSearch = strongWolfe
	}
	return s
}

var lbfgs = &algorithm{
	name:    "LBFGS",
	accepts: isOptions[LBFGSOptions],
	options: func(s settings) OptimizerOptions {
		return LBFGSOptions{s.learningRate, s.maxIterations, s.maxEvaluations, s.toleranceGrad,
			s.toleranceChange, s.historySize, s.lineSearch != ""}
	},
	fields: func(s *settings) []field {
		return []field{{"lr", &s.learningRate}, {"max_iter", &s.maxIterations},
			{"max_eval", &s.maxEvaluations}, {"tolerance_grad", &s.toleranceGrad},
			{"tolerance_change", &s.toleranceChange}, {"history_size", &s.historySize},
			{"line_search_fn", &s.lineSearch}}
	},
	others: NewDict(),
	keeps:  func(*settings) []bool { return nil },
}

// An LBFGSOptimizer is made by [LBFGS]. One goroutine at a time uses it.
type LBFGSOptimizer struct {
	paramGroups
	// state is used by whoever holds busy. The closure that a step calls must not.
	busy   sync.Mutex
	state  lbfgsState
	closed atomic.Bool
}

// lbfgsState is what a step leaves to the next.
type lbfgsState struct {
	evaluations, iterations int64
	// direction was gone for step. nil before the first step.
	direction *Tensor
	step      float64
	// gradients and steps are the latest changes of the gradient and of the parameters, and
	// inverses one over each pair's dot product.
	gradients, steps []*Tensor
	inverses         []float64
	// diagonal is the first estimate of the inverse Hessian's diagonal.
	diagonal float64
	gradient *Tensor
	loss     float64
}

func (s *lbfgsState) tensors() []*Tensor {
	return slices.Concat([]*Tensor{s.direction, s.gradient}, s.gradients, s.steps)
}

// LBFGS is the limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (torch.optim.LBFGS),
// for losses without noise. There is one group of parameters, all real and on one device.
func LBFGS(parameters []*Tensor, options LBFGSOptions) (*LBFGSOptimizer, error) {
	o := &LBFGSOptimizer{}
	o.algorithm, o.defaults = lbfgs, options
	err := Try(func() error {
		group, err := o.newGroup("LBFGS", ParamGroup{Parameters: parameters})
		if err != nil {
			return err
		}
		o.groups = []*paramGroup{group}
		for i, parameter := range group.parameters {
			if parameter.Device() != group.parameters[0].Device() {
				return invalid("LBFGS", "parameter %d is on %s, parameter 0 on %s: LBFGS takes one device",
					i, parameter.Device(), group.parameters[0].Device())
			}
		}
		return nil
	})
	if err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// enter begins a use of the state, which busy.Unlock ends.
func (o *LBFGSOptimizer) enter(operation string) error {
	if o == nil {
		return invalid(operation, "the optimizer is nil")
	}
	if !o.busy.TryLock() {
		return invalid(operation, "the optimizer is in a step: by another goroutine, or this is its own closure")
	}
	if o.closed.Load() {
		o.busy.Unlock()
		return &Error{operation, ErrClosed, "the optimizer is closed"}
	}
	return nil
}

// Step looks for parameters with a smaller loss. closure computes the loss at the parameters as
// they are and its gradient, and hands back the loss; it is called several times:
//
//	loss := optimizer.Step(func() *torch.Tensor {
//		optimizer.ZeroGrad()
//		loss := compute()
//		loss.Backward()
//		return loss
//	})
//
// Step gives the loss before it. Where closure panics, the panic goes on, and what the optimiser
// had learned before the step stays.
func (o *LBFGSOptimizer) Step(closure func() *Tensor) float64 {
	const operation = "Step"
	if err := o.enter(operation); err != nil {
		panic(err)
	}
	defer o.busy.Unlock()
	if closure == nil {
		panic(invalid(operation, "the closure is nil"))
	}
	var loss float64
	NoGrad(func() {
		outsideScopes(func(scope C.uint64_t) {
			o.mutex.Lock()
			settings := o.groups[0].settings
			o.mutex.Unlock()
			step := &lbfgsStep{
				settings: settings, parameters: o.groups[0].parameters, state: o.state, scope: scope, closure: closure,
			}
			step.state.gradients = slices.Clone(o.state.gradients)
			step.state.steps = slices.Clone(o.state.steps)
			step.state.inverses = slices.Clone(o.state.inverses)
			step.made = o.state.tensors()
			defer func() { step.closeAllBut(o.state.tensors()) }()
			loss = step.run()
			o.state = step.state
		})
	})
	return loss
}

// ZeroGrad removes the parameters' gradients.
func (o *LBFGSOptimizer) ZeroGrad() {
	if o.closed.Load() {
		panic(&Error{"ZeroGrad", ErrClosed, "the optimizer is closed"})
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, parameter := range o.groups[0].parameters {
		parameter.SetGrad(nil)
	}
}

// Close frees the optimiser's state. Closing it again does nothing.
func (o *LBFGSOptimizer) Close() {
	if o == nil {
		return
	}
	if err := o.enter("Close"); err != nil {
		if errors.Is(err, ErrClosed) {
			return
		}
		panic(err)
	}
	defer o.busy.Unlock()
	o.closed.Store(true)
	closeAll(o.state.tensors())
	for _, group := range o.groups {
		group.close()
	}
}

// An lbfgsStep is one step in progress.
type lbfgsStep struct {
	settings   settings
	parameters []*Tensor
	state      lbfgsState
	scope      C.uint64_t
	closure    func() *Tensor
	// made are the tensors to close when the step ends, those that its state holds aside.
	made []*Tensor
}

func (s *lbfgsStep) keep(t *Tensor) *Tensor {
	s.made = append(s.made, t)
	return t
}

func (s *lbfgsStep) closeAllBut(kept []*Tensor) {
	held := map[*Tensor]bool{}
	for _, tensor := range kept {
		held[tensor] = true
	}
	for _, tensor := range s.made {
		if !held[tensor] {
			tensor.Close()
		}
	}
}

// take is a tensor's only element. The tensor is closed.
func take(t *Tensor) float64 {
	defer t.Close()
	return t.Item()
}

func dot(a, b *Tensor) float64 { return take(a.Dot(b)) }

// largest is the absolute value of the element that is farthest from 0.
func largest(t *Tensor) float64 {
	size := t.Abs()
	defer size.Close()
	return take(size.Max())
}

// evaluate calls the closure, in the scope that the step was called in and with gradients.
func (s *lbfgsStep) evaluate() (loss float64, gradient *Tensor) {
	inScope(s.scope, func(C.uint64_t) {
		EnableGrad(func() {
			value := s.closure()
			if value == nil {
				panic(invalid("Step", "the closure handed back no loss"))
			}
			loss = value.Item()
		})
	})
	return loss, s.flatGradient()
}

// flatGradient is the parameters' gradients in one row.
func (s *lbfgsStep) flatGradient() *Tensor {
	rows := make([]*Tensor, len(s.parameters))
	defer closeAll(rows)
	for i, parameter := range s.parameters {
		gradient := parameter.Grad()
		if gradient == nil {
			gradient = Zeros(parameter.Shape(), parameter.DType(), parameter.Device())
		}
		rows[i] = gradient.Reshape(Shape{-1})
		gradient.Close()
	}
	return s.keep(Cat(rows, 0))
}

// move adds length * direction to the parameters.
func (s *lbfgsStep) move(length float64, direction *Tensor) {
	at := int64(0)
	for _, parameter := range s.parameters {
		count := parameter.NumElements()
		part := direction.Narrow(0, at, count)
		shaped := part.ViewAs(parameter)
		parameter.AddScaledInPlace(shaped, length)
		shaped.Close()
		part.Close()
		at += count
	}
}

// evaluateAt is the loss and its gradient at length along direction from where the parameters are,
// which is where they are afterwards.
func (s *lbfgsStep) evaluateAt(length float64, direction *Tensor) (float64, *Tensor) {
	before := make([]*Tensor, len(s.parameters))
	for i, parameter := range s.parameters {
		before[i] = parameter.Clone()
	}
	defer func() {
		for i, parameter := range s.parameters {
			parameter.CopyInPlace(before[i])
			before[i].Close()
		}
	}()
	s.move(length, direction)
	return s.evaluate()
}

func (s *lbfgsStep) run() float64 {
	state, set := &s.state, s.settings
	loss, gradient := s.evaluate()
	first, evaluations := loss, int64(1)
	state.evaluations++
	done := largest(gradient) <= set.toleranceGrad
	for n := int64(1); !done && n <= set.maxIterations; n++ {
		state.iterations++
		s.turn(gradient)
		state.gradient, state.loss = gradient, loss
		state.step = set.learningRate
		if state.iterations == 1 {
			size := gradient.Abs()
			state.step *= min(1, 1/take(size.Sum()))
			size.Close()
		}
		slope := dot(gradient, state.direction)
		if slope > -set.toleranceChange {
			break
		}
		tried := int64(0)
		switch {
		case set.lineSearch != "":
			search := lineSearch{evaluate: s.evaluateAt, direction: state.direction}
			loss, gradient, state.step, tried = search.run(state.step, loss, gradient, slope, set.maxEvaluations-evaluations)
			s.move(state.step, state.direction)
		case n < set.maxIterations:
			s.move(state.step, state.direction)
			loss, gradient = s.evaluate()
			tried = 1
		default:
			// Nobody would look at the loss after the last iteration.
			s.move(state.step, state.direction)
		}
		evaluations += tried
		state.evaluations += tried
		done = evaluations >= set.maxEvaluations ||
			largest(gradient) <= set.toleranceGrad ||
			math.Abs(state.step)*largest(state.direction) <= set.toleranceChange ||
			math.Abs(loss-state.loss) < set.toleranceChange
	}
	return first
}

// turn updates the history with the gradient, and the direction with the history.
func (s *lbfgsStep) turn(gradient *Tensor) {
	state := &s.state
	if state.iterations == 1 {
		state.direction, state.diagonal = s.keep(gradient.Neg()), 1
		state.gradients, state.steps, state.inverses = nil, nil, nil
		return
	}
	change := s.keep(gradient.Sub(state.gradient))
	step := s.keep(state.direction.MulScalar(state.step))
	if curvature := dot(change, step); curvature > 1e-10 {
		for int64(len(state.gradients)) >= max(s.settings.historySize, 1) {
			state.gradients, state.steps, state.inverses = state.gradients[1:], state.steps[1:], state.inverses[1:]
		}
		state.gradients = append(state.gradients, change)
		state.steps = append(state.steps, step)
		state.inverses = append(state.inverses, 1/curvature)
		state.diagonal = curvature / dot(change, change)
	}
	// The two loops that multiply the gradient by the estimate of the inverse Hessian.
	direction := s.keep(gradient.Neg())
	shares := make([]float64, len(state.gradients))
	for i := len(shares) - 1; i >= 0; i-- {
		shares[i] = dot(state.steps[i], direction) * state.inverses[i]
		direction.AddScaledInPlace(state.gradients[i], -shares[i])
	}
	direction.MulScalarInPlace(state.diagonal)
	for i, share := range shares {
		back := dot(state.gradients[i], direction) * state.inverses[i]
		direction.AddScaledInPlace(state.steps[i], share-back)
	}
	state.direction = direction
}
