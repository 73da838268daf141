package optim

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// RAdamOptions are the options of [RAdam]. Start from [DefaultRAdam]: the zero value is an
// error.
type RAdamOptions struct {
	LearningRate float64
	// Betas are the decay rates of the running averages of the gradient and of its square.
	Betas       [2]float64
	Epsilon     float64 // added to the denominator
	WeightDecay float64 // factor of the L2 penalty
	// DecoupledWeightDecay subtracts the weight decay from the parameters, as AdamW does, instead
	// of adding it to the gradient.
	DecoupledWeightDecay bool
	// Maximize ascends the gradient instead of descending it.
	Maximize bool
	// Capturable keeps the number of steps on the parameters' device only, for captured CUDA
	// graphs.
	Capturable bool
}

// DefaultRAdam returns PyTorch's defaults: learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-8.
func DefaultRAdam() RAdamOptions {
	return RAdamOptions{LearningRate: 1e-3, Betas: [2]float64{0.9, 0.999}, Epsilon: 1e-8}
}

func (o RAdamOptions) rule() rule { return &radamRule{o} }

type radamRule struct{ RAdamOptions }

var radam = &kind{
	name:       "RAdam",
	others:     torch.NewDict("foreach", nil, "differentiable", false),
	momentum:   func(r rule) *float64 { return &r.(*radamRule).Betas[0] },
	cyclesBeta: true,
	counts:     true,
	tensors:    []string{"exp_avg", "exp_avg_sq"},
}

// RAdam returns rectified Adam (Liu et al. 2020; torch.optim.RAdam). It returns an error for
// options or parameters that do not fit.
func RAdam[P Parameters](parameters P, options RAdamOptions) (*Optimizer, error) {
	return newOptimizer(radam, parameters, options)
}

func (r *radamRule) kind() *kind            { return radam }
func (r *radamRule) options() Options       { return r.RAdamOptions }
func (r *radamRule) learningRate() *float64 { return &r.LearningRate }
func (r *radamRule) keeps() []bool          { return []bool{true, true} }
func (r *radamRule) unset() bool            { return r.Betas == [2]float64{} && r.Epsilon == 0 }

func (r *radamRule) check(operation string) error {
	return checkAdam(operation, r.LearningRate, r.WeightDecay, r.Epsilon, r.Betas)
}

func (r *radamRule) fields() []field {
	return []field{{"lr", &r.LearningRate}, {"betas", &r.Betas}, {"eps", &r.Epsilon},
		{"weight_decay", &r.WeightDecay}, {"maximize", &r.Maximize}, {"capturable", &r.Capturable},
		{decoupledDecay, &r.DecoupledWeightDecay}}
}

func (r *radamRule) step(b *batch) {
	b.advance()
	if r.Capturable {
		b.steps()
	}
	for _, part := range b.byCounter() {
		part.stepSmallJoined(r.WeightDecay != 0, r.move)
	}
}

// move updates parameters that have taken the same number of steps.
func (r *radamRule) move(b *batch) {
	gradients := b.maximized(r.Maximize)
	if r.DecoupledWeightDecay {
		torch.ForeachMulScalarInPlace(b.parameters, 1-r.LearningRate*r.WeightDecay)
	} else {
		gradients = b.decayed(gradients, r.WeightDecay)
	}
	averages, squares := b.tensors(average, zeros), b.tensors(squareAverage, zeros)
	torch.ForeachLerpInPlace(averages, gradients, 1-r.Betas[0])
	torch.ForeachMulScalarInPlace(squares, r.Betas[1])
	torch.ForeachAddCMulInPlace(squares, gradients, gradients, 1-r.Betas[1])
	if counter := b.states[0].counter; r.Capturable {
		r.moveOnDevice(b, averages, squares, counter.tensor)
	} else {
		r.moveOnHost(b, averages, squares, float64(counter.steps))
	}
}

// longestAverage is rho infinity of the paper, the maximum length of the approximated simple moving
// average.
func (r *radamRule) longestAverage() float64 { return 2/(1-r.Betas[1]) - 1 }

// moveOnHost performs lines 9 and following of algorithm 2.
func (r *radamRule) moveOnHost(b *batch, averages, squares []*torch.Tensor, steps float64) {
	firstCorrection := 1 - math.Pow(r.Betas[0], steps)
	secondCorrection := 1 - math.Pow(r.Betas[1], steps)
	longest := r.longestAverage()
	length := longest - 2*steps*math.Pow(r.Betas[1], steps)/secondCorrection
	if length <= 5 { // the variance is not tractable yet
		torch.ForeachAddInPlace(b.parameters, averages, -r.LearningRate/firstCorrection)
		return
	}
	rectification := math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
	roots := torch.ForeachSqrt(squares)
	torch.ForeachAddScalarInPlace(roots, r.Epsilon)
	torch.ForeachAddCDivInPlace(b.parameters, averages, roots,
		-r.LearningRate*rectification*math.Sqrt(secondCorrection)/firstCorrection)
}

// moveOnDevice is moveOnHost with numbers that stay on the device: it performs both forms of the
// step, one of them times 0.
func (r *radamRule) moveOnDevice(b *batch, averages, squares []*torch.Tensor, counted *torch.Tensor) {
	steps := counted.To(torch.Float64)
	power := steps.RPowScalar(r.Betas[1])
	firstCorrection := steps.RPowScalar(r.Betas[0]).RSubScalar(1)
	secondCorrection := power.RSubScalar(1)
	longest := r.longestAverage()
	length := steps.Mul(power).Div(secondCorrection).MulScalar(-2).AddScalar(longest)
	known := length.GtScalar(5)
	held := length.ClampMin(5)
	rectification := held.SubScalar(4).Mul(held.SubScalar(2)).MulScalar(longest / ((longest - 4) * (longest - 2))).Div(held).Sqrt()
	rate := firstCorrection.Reciprocal().MulScalar(-r.LearningRate)
	rectified := rate.Mul(rectification).Mul(secondCorrection.Sqrt()).Mul(known.To(torch.Float64))
	plain := rate.Mul(known.LogicalNot().To(torch.Float64))

	dtype := b.parameters[0].DType()
	factors := torch.ForeachSqrt(squares)
	torch.ForeachAddScalarInPlace(factors, r.Epsilon)
	torch.ForeachReciprocalInPlace(factors)
	torch.ForeachMulTensorInPlace(factors, rectified.To(dtype))
	torch.ForeachAddTensorInPlace(factors, plain.To(dtype), 1)
	torch.ForeachAddCMulInPlace(b.parameters, averages, factors, 1)
}
