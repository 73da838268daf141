package torch

// #include "ctorch/ctorch.h"
import "C"

// RMSpropOptions are RMSprop's settings. What is left out is PyTorch's default: learning rate 0.01
// ([Optimizer.SetLearningRate] sets 0 itself), alpha 0.99, epsilon 1e-8.
type RMSpropOptions struct {
	LearningRate float64
	// Alpha is how much the average of the squared gradient keeps at each step.
	Alpha       float64
	Epsilon     float64
	WeightDecay float64
	Momentum    float64
	// Centered divides by the gradient's standard deviation instead of its root mean square.
	Centered bool
}

func (o RMSpropOptions) settings() settings {
	setDefault(&o.LearningRate, 1e-2)
	setDefault(&o.Alpha, 0.99)
	setDefault(&o.Epsilon, 1e-8)
	return settings{learningRate: o.LearningRate, alpha: o.Alpha, epsilon: o.Epsilon,
		weightDecay: o.WeightDecay, momentum: o.Momentum, centered: o.Centered}
}

var rmsprop = &algorithm{
	name:    "RMSprop",
	number:  C.CTORCH_RMSPROP,
	accepts: isOptions[RMSpropOptions],
	options: func(s settings) OptimizerOptions {
		return RMSpropOptions{s.learningRate, s.alpha, s.epsilon, s.weightDecay, s.momentum, s.centered}
	},
	fields: func(s *settings) []field {
		return []field{{"lr", &s.learningRate}, {"momentum", &s.momentum}, {"alpha", &s.alpha},
			{"eps", &s.epsilon}, {"centered", &s.centered}, {"weight_decay", &s.weightDecay}}
	},
	others: NewDict("capturable", false, "foreach", nil, "maximize", false,
		"differentiable", false),
	momentum: func(s *settings) *float64 { return &s.momentum },
	counts:   true,
	tensors:  []string{"square_avg", "momentum_buffer", "grad_avg"},
	keeps:    func(s *settings) []bool { return []bool{true, s.momentum > 0, s.centered} },
}

// RMSprop divides the gradient by a running root mean square of it (torch.optim.RMSprop).
func RMSprop[P OptimizerParameters](parameters P, options RMSpropOptions) (*Optimizer, error) {
	return newOptimizer(rmsprop, parameters, options)
}
