package optim

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// LBFGSOptions are the options of [LBFGS]. Start from [DefaultLBFGS]: the zero value is an
// error.
type LBFGSOptions struct {
	LearningRate float64
	// MaxIterations and MaxEvaluations limit the iterations and the evaluations of the loss in one
	// step.
	MaxIterations  int64
	MaxEvaluations int64
	// ToleranceGrad ends a step when no element of the gradient is larger, ToleranceChange when
	// neither the parameters nor the loss change by more.
	ToleranceGrad, ToleranceChange float64
	// HistorySize is the number of past changes from which the curvature is estimated. Each takes
	// the memory of all parameters twice.
	HistorySize int64
	// StrongWolfe searches along each direction for a point that satisfies the strong Wolfe
	// conditions. Otherwise each iteration moves by the learning rate.
	StrongWolfe bool
}

// DefaultLBFGS returns PyTorch's defaults: learning rate 1, at most 20 iterations and 25
// evaluations in a step, tolerances of 1e-7 for the gradient and 1e-9 for changes, a history of
// 100. In PyTorch the default of evaluations is 5/4 of the iterations; set it if you change them.
func DefaultLBFGS() LBFGSOptions {
	return LBFGSOptions{LearningRate: 1, MaxIterations: 20, MaxEvaluations: 25, ToleranceGrad: 1e-7,
		ToleranceChange: 1e-9, HistorySize: 100}
}

const strongWolfe = "strong_wolfe"

func (o LBFGSOptions) rule() rule {
	r := &lbfgsRule{LBFGSOptions: o}
	if o.StrongWolfe {
		r.lineSearch = strongWolfe
	}
	return r
}

type lbfgsRule struct {
	LBFGSOptions
	// lineSearch is Python's name of the line search; "" means none.
	lineSearch string
}

var lbfgs = &kind{name: "LBFGS", others: torch.NewDict(), real: true}

func (r *lbfgsRule) kind() *kind { return lbfgs }
func (r *lbfgsRule) options() Options {
	options := r.LBFGSOptions
	options.StrongWolfe = r.lineSearch != ""
	return options
}
func (r *lbfgsRule) learningRate() *float64 { return &r.LearningRate }
func (r *lbfgsRule) keeps() []bool          { return nil }
func (r *lbfgsRule) unset() bool            { return r.MaxIterations == 0 && r.HistorySize == 0 }
func (r *lbfgsRule) step(*batch)            {} // LBFGSOptimizer has a Step of its own

func (r *lbfgsRule) check(operation string) error {
	err := notNegative(operation, setting{"learning rate", r.LearningRate},
		setting{"tolerance of the gradient", r.ToleranceGrad}, setting{"tolerance of the change", r.ToleranceChange},
		setting{"number of iterations", float64(r.MaxIterations)},
		setting{"number of evaluations", float64(r.MaxEvaluations)}, setting{"history size", float64(r.HistorySize)})
	if err != nil {
		return err
	}
	if r.lineSearch != "" && r.lineSearch != strongWolfe {
		return invalid(operation, "there is no line search %q, only %q", r.lineSearch, strongWolfe)
	}
	return nil
}

func (r *lbfgsRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"max_iter", &r.MaxIterations},
		{"max_eval", &r.MaxEvaluations}, {"tolerance_grad", &r.ToleranceGrad},
		{"tolerance_change", &r.ToleranceChange}, {"history_size", &r.HistorySize},
		{"line_search_fn", &r.lineSearch}}
}

// An LBFGSOptimizer is made by [LBFGS]. It must not be used by two goroutines at once.
type LBFGSOptimizer struct {
	paramGroups
	// busy guards state. The closure that a step calls must not use the optimizer's state.
	busy   sync.Mutex
	state  lbfgsState
	closed atomic.Bool
}

// lbfgsState is what one step leaves for the next.
type lbfgsState struct {
	evaluations, iterations int64
	// direction is the last direction and step the length along it; nil before the first step.
	direction *torch.Tensor
	step      float64
	// gradients and steps are the last changes of the gradient and of the parameters, and inverses
	// is 1 over the dot product of each pair.
	gradients, steps []*torch.Tensor
	inverses         []float64
	// diagonal is the diagonal of the initial estimate of the inverse Hessian.
	diagonal float64
	gradient *torch.Tensor
	loss     float64
}

func (s *lbfgsState) tensors() []*torch.Tensor {
	return slices.Concat([]*torch.Tensor{s.direction, s.gradient}, s.gradients, s.steps)
}

// LBFGS returns the limited-memory Broyden-Fletcher-Goldfarb-Shanno optimizer (torch.optim.LBFGS),
// for deterministic losses. It has one group of parameters, which must be real and on one device.
// It returns an error for options or parameters that do not fit.
func LBFGS(parameters []*torch.Tensor, options LBFGSOptions) (*LBFGSOptimizer, error) {
	o := &LBFGSOptimizer{}
	o.paramGroups.kind, o.defaults = lbfgs, options
	err := torch.Try(func() error {
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

// enter locks the state; busy.Unlock releases it.
func (o *LBFGSOptimizer) enter(operation string) error {
	if err := o.shared().check(operation); err != nil {
		return err
	}
	if !o.busy.TryLock() {
		return invalid(operation, "the optimizer is in a step: by another goroutine, or this is its own closure")
	}
	if o.closed.Load() {
		o.busy.Unlock()
		return closedError(operation)
	}
	return nil
}

// Step reduces the loss by up to MaxIterations iterations, and returns the loss before them.
// closure computes the loss and its gradients at the current parameters, and returns the loss; it
// is called several times:
//
//	loss := optimizer.Step(func() *torch.Tensor {
//		optimizer.ZeroGrad()
//		loss := compute()
//		loss.Backward()
//		return loss
//	})
//
// If closure panics, Step panics with the same value, and the optimizer keeps its state from before
// the step.
func (o *LBFGSOptimizer) Step(closure func() *torch.Tensor) float64 {
	const operation = "Step"
	if err := o.enter(operation); err != nil {
		panic(err)
	}
	defer o.busy.Unlock()
	if closure == nil {
		panic(invalid(operation, "the closure is nil"))
	}
	var loss float64
	torch.NoGrad(func() {
		bridge.OutsideScopes(func(inside func(func())) {
			o.mutex.Lock()
			settings := *o.groups[0].rule.(*lbfgsRule)
			o.mutex.Unlock()
			step := &lbfgsStep{
				settings: settings, parameters: o.groups[0].parameters, state: o.state, inside: inside, closure: closure,
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
	const operation = "ZeroGrad"
	must(o.shared().check(operation))
	if o.closed.Load() {
		panic(closedError(operation))
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, parameter := range o.groups[0].parameters {
		parameter.SetGrad(nil)
	}
}

// Close frees the optimizer's state. Closing it again does nothing.
func (o *LBFGSOptimizer) Close() {
	if o == nil || o.kind == nil {
		return
	}
	if err := o.enter("Close"); err != nil {
		if errors.Is(err, torch.ErrClosed) {
			return
		}
		panic(err)
	}
	defer o.busy.Unlock()
	o.closed.Store(true)
	bridge.CloseAll(o.state.tensors())
	for _, group := range o.groups {
		group.close()
	}
}

// An lbfgsStep is one step in progress.
type lbfgsStep struct {
	settings   lbfgsRule
	parameters []*torch.Tensor
	state      lbfgsState
	// inside runs a function in the scope that the step was called in.
	inside  func(func())
	closure func() *torch.Tensor
	// made are tensors to close when the step ends, except those that are part of its state.
	made []*torch.Tensor
}

func (s *lbfgsStep) keep(t *torch.Tensor) *torch.Tensor {
	s.made = append(s.made, t)
	return t
}

func (s *lbfgsStep) closeAllBut(kept []*torch.Tensor) {
	held := map[*torch.Tensor]bool{}
	for _, tensor := range kept {
		held[tensor] = true
	}
	for _, tensor := range s.made {
		if !held[tensor] {
			tensor.Close()
		}
	}
}

// take returns a tensor's only element and closes the tensor.
func take(t *torch.Tensor) float64 {
	defer t.Close()
	return t.Item()
}

func dot(a, b *torch.Tensor) float64 { return take(a.Dot(b)) }

// largest returns the largest absolute value.
func largest(t *torch.Tensor) float64 {
	size := t.Abs()
	defer size.Close()
	return take(size.Max())
}

// evaluate calls the closure, in the scope that the step was called in and with gradients enabled.
func (s *lbfgsStep) evaluate() (loss float64, gradient *torch.Tensor) {
	s.inside(func() {
		torch.EnableGrad(func() {
			value := s.closure()
			if value == nil {
				panic(invalid("Step", "the closure handed back no loss"))
			}
			loss = value.Item()
		})
	})
	return loss, s.flatGradient()
}

// flatGradient returns the parameters' gradients as one vector.
func (s *lbfgsStep) flatGradient() *torch.Tensor {
	gradients := torch.Grads(s.parameters)
	defer bridge.CloseAll(gradients)
	for i, gradient := range gradients {
		if gradient == nil {
			gradients[i] = torch.Zeros(s.parameters[i].Shape(), s.parameters[i].DType(), s.parameters[i].Device())
		}
	}
	return s.keep(torch.FlattenDenseTensors(gradients))
}

// withElements returns the parameters that are not empty: older versions of libtorch do not give
// empty tensors their shapes back.
func (s *lbfgsStep) withElements() []*torch.Tensor {
	var all []*torch.Tensor
	for _, parameter := range s.parameters {
		if parameter.NumElements() > 0 {
			all = append(all, parameter)
		}
	}
	return all
}

// move adds length * direction to the parameters.
func (s *lbfgsStep) move(length float64, direction *torch.Tensor) {
	parameters := s.withElements()
	if len(parameters) == 0 {
		return
	}
	parts := torch.UnflattenDenseTensors(direction, parameters)
	defer bridge.CloseAll(parts)
	torch.ForeachAddInPlace(parameters, parts, length)
}

// evaluateAt returns the loss and its gradient at length along direction from the current
// parameters, which it restores.
func (s *lbfgsStep) evaluateAt(length float64, direction *torch.Tensor) (float64, *torch.Tensor) {
	parameters := s.withElements()
	before := make([]*torch.Tensor, len(parameters))
	for i, parameter := range parameters {
		before[i] = parameter.Clone()
	}
	defer func() {
		if len(parameters) > 0 {
			torch.ForeachCopyInPlace(parameters, before, false)
		}
		bridge.CloseAll(before)
	}()
	s.move(length, direction)
	return s.evaluate()
}

func (s *lbfgsStep) run() float64 {
	state, set := &s.state, s.settings
	loss, gradient := s.evaluate()
	first, evaluations := loss, int64(1)
	state.evaluations++
	done := largest(gradient) <= set.ToleranceGrad
	for n := int64(1); !done && n <= set.MaxIterations; n++ {
		state.iterations++
		s.turn(gradient)
		state.gradient, state.loss = gradient, loss
		state.step = set.LearningRate
		if state.iterations == 1 {
			size := gradient.Abs()
			state.step *= min(1, 1/take(size.Sum()))
			size.Close()
		}
		slope := dot(gradient, state.direction)
		if slope > -set.ToleranceChange {
			break
		}
		tried := int64(0)
		switch {
		case set.lineSearch != "":
			search := lineSearch{evaluate: s.evaluateAt, direction: state.direction}
			loss, gradient, state.step, tried = search.run(state.step, loss, gradient, slope, set.MaxEvaluations-evaluations)
			s.move(state.step, state.direction)
		case n < set.MaxIterations:
			s.move(state.step, state.direction)
			loss, gradient = s.evaluate()
			tried = 1
		default:
			// The loss after the last iteration is not needed.
			s.move(state.step, state.direction)
		}
		evaluations += tried
		state.evaluations += tried
		done = evaluations >= set.MaxEvaluations ||
			largest(gradient) <= set.ToleranceGrad ||
			math.Abs(state.step)*largest(state.direction) <= set.ToleranceChange ||
			math.Abs(loss-state.loss) < set.ToleranceChange
	}
	return first
}

// turn updates the history with the gradient, and the direction with the history.
func (s *lbfgsStep) turn(gradient *torch.Tensor) {
	state := &s.state
	if state.iterations == 1 {
		state.direction, state.diagonal = s.keep(gradient.Neg()), 1
		state.gradients, state.steps, state.inverses = nil, nil, nil
		return
	}
	change := s.keep(gradient.Sub(state.gradient))
	step := s.keep(state.direction.MulScalar(state.step))
	if curvature := dot(change, step); curvature > 1e-10 {
		for int64(len(state.gradients)) >= max(s.settings.HistorySize, 1) {
			state.gradients, state.steps, state.inverses = state.gradients[1:], state.steps[1:], state.inverses[1:]
		}
		state.gradients = append(state.gradients, change)
		state.steps = append(state.steps, step)
		state.inverses = append(state.inverses, 1/curvature)
		state.diagonal = curvature / dot(change, change)
	}
	// The two-loop recursion, which multiplies the gradient by the estimated inverse Hessian.
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
