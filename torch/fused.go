package torch

// The fused operators perform one step of an optimizer on lists of contiguous tensors of one dtype
// on one device. They are what package torch/optim steps with. PyTorch has no defaults for their
// settings: the fields are used as they are.

// FusedSGDOptions are the settings of [FusedSGDInPlace].
type FusedSGDOptions struct {
	LearningRate, WeightDecay, Momentum, Dampening float64
	Nesterov                                       bool
	Maximize                                       bool
	// FirstStep sets the momentum buffers to the gradients instead of updating them.
	FirstStep bool
	// GradientScale divides the gradients, and FoundInfinity skips the step where it is 1: float32
	// tensors of one element, as [AmpForeachNonFiniteCheckAndUnscaleInPlace] has them, or nil.
	GradientScale, FoundInfinity *Tensor
}

// FusedSGDInPlace performs a step of stochastic gradient descent in place. momentumBuffers is empty
// without momentum.
func FusedSGDInPlace(parameters, gradients, momentumBuffers []*Tensor, options FusedSGDOptions) {
	o := options
	fusedSGD(parameters, gradients, momentumBuffers, o.WeightDecay, o.Momentum, o.LearningRate, o.Dampening,
		o.Nesterov, o.Maximize, o.FirstStep, o.GradientScale, o.FoundInfinity)
}

// FusedAdamOptions are the settings of [FusedAdamInPlace] and [FusedAdamWInPlace].
type FusedAdamOptions struct {
	LearningRate float64
	Betas        [2]float64
	Epsilon      float64
	WeightDecay  float64
	AMSGrad      bool
	Maximize     bool
	// GradientScale and FoundInfinity are as in [FusedSGDOptions].
	GradientScale, FoundInfinity *Tensor
}

// FusedAdamInPlace performs a step of Adam in place. largestSquareAverages is empty without AMSGrad.
// steps are the numbers of steps including this one, float32 tensors of one element.
func FusedAdamInPlace(parameters, gradients, averages, squareAverages, largestSquareAverages, steps []*Tensor,
	options FusedAdamOptions) {
	o := options
	fusedAdam(parameters, gradients, averages, squareAverages, largestSquareAverages, steps, o.LearningRate,
		o.Betas[0], o.Betas[1], o.WeightDecay, o.Epsilon, o.AMSGrad, o.Maximize, o.GradientScale, o.FoundInfinity)
}

// FusedAdamWInPlace performs a step of AdamW in place; the arguments are those of
// [FusedAdamInPlace].
func FusedAdamWInPlace(parameters, gradients, averages, squareAverages, largestSquareAverages, steps []*Tensor,
	options FusedAdamOptions) {
	o := options
	fusedAdamW(parameters, gradients, averages, squareAverages, largestSquareAverages, steps, o.LearningRate,
		o.Betas[0], o.Betas[1], o.WeightDecay, o.Epsilon, o.AMSGrad, o.Maximize, o.GradientScale, o.FoundInfinity)
}

// FusedAdagradOptions are the settings of [FusedAdagradInPlace].
type FusedAdagradOptions struct {
	LearningRate, LearningRateDecay, WeightDecay, Epsilon float64
	Maximize                                              bool
	// GradientScale and FoundInfinity are as in [FusedSGDOptions].
	GradientScale, FoundInfinity *Tensor
}

// FusedAdagradInPlace performs a step of Adagrad in place, on the CPU. sums are the sums of the
// squared gradients, and steps are as in [FusedAdamInPlace].
func FusedAdagradInPlace(parameters, gradients, sums, steps []*Tensor, options FusedAdagradOptions) {
	o := options
	fusedAdagrad(parameters, gradients, sums, steps, o.LearningRate, o.LearningRateDecay, o.WeightDecay, o.Epsilon,
		o.Maximize, o.GradientScale, o.FoundInfinity)
}
