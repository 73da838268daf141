package torch

// #include "ctorch/ctorch.h"
import "C"

// AdagradOptions are Adagrad's settings. What is left out is PyTorch's default: learning rate 0.01
// ([Optimizer.SetLearningRate] sets 0 itself), epsilon 1e-10.
type AdagradOptions struct {
	LearningRate float64
	// LearningRateDecay divides the learning rate by 1 + LearningRateDecay * steps.
	LearningRateDecay float64
	WeightDecay       float64
	// InitialAccumulatorValue is where the sums of squared gradients start.
	InitialAccumulatorValue float64
	Epsilon                 float64
}

func (o AdagradOptions) settings() settings {
	setDefault(&o.LearningRate, 1e-2)
	setDefault(&o.Epsilon, 1e-10)
	return settings{learningRate: o.LearningRate, learningRateDecay: o.LearningRateDecay,
		weightDecay: o.WeightDecay, initialAccumulator: o.InitialAccumulatorValue, epsilon: o.Epsilon}
}

var adagrad = &algorithm{
	name:    "Adagrad",
	number:  C.CTORCH_ADAGRAD,
	accepts: isOptions[AdagradOptions],
	options: func(s settings) OptimizerOptions {
		return AdagradOptions{s.learningRate, s.learningRateDecay, s.weightDecay, s.initialAccumulator, s.epsilon}
	},
	fields: func(s *settings) []field {
		return []field{{"lr", &s.learningRate}, {"lr_decay", &s.learningRateDecay}, {"eps", &s.epsilon},
			{"weight_decay", &s.weightDecay}, {"initial_accumulator_value", &s.initialAccumulator}}
	},
	others: NewDict("foreach", nil, "maximize", false, "differentiable", false, "fused", nil),
	counts: true,
	// The sum is there before the first step.
	tensors: []string{"sum"},
	keeps:   func(*settings) []bool { return []bool{true} },
}

// Adagrad divides the gradient by the root of the sum of its squares (torch.optim.Adagrad).
func Adagrad[P OptimizerParameters](parameters P, options AdagradOptions) (*Optimizer, error) {
	return newOptimizer(adagrad, parameters, options)
}
