package torch

// #include "ctorch/ctorch.h"
import "C"

// SGDOptions are stochastic gradient descent's settings. A LearningRate of 0 means PyTorch's
// default, 0.001 ([Optimizer.SetLearningRate] sets 0 itself).
type SGDOptions struct {
	LearningRate float64
	Momentum     float64
	Dampening    float64
	WeightDecay  float64
	Nesterov     bool
}

func (o SGDOptions) settings() settings {
	setDefault(&o.LearningRate, 1e-3)
	return settings{learningRate: o.LearningRate, momentum: o.Momentum, dampening: o.Dampening,
		weightDecay: o.WeightDecay, nesterov: o.Nesterov}
}

var sgd = &algorithm{
	name:    "SGD",
	number:  C.CTORCH_SGD,
	accepts: isOptions[SGDOptions],
	options: func(s settings) OptimizerOptions {
		return SGDOptions{s.learningRate, s.momentum, s.dampening, s.weightDecay, s.nesterov}
	},
	fields: func(s *settings) []field {
		return []field{{"lr", &s.learningRate}, {"momentum", &s.momentum}, {"dampening", &s.dampening},
			{"weight_decay", &s.weightDecay}, {"nesterov", &s.nesterov}}
	},
	others:   NewDict("maximize", false, "foreach", nil, "differentiable", false, "fused", nil),
	momentum: func(s *settings) *float64 { return &s.momentum },
	tensors:  []string{"momentum_buffer"},
	keeps:    func(s *settings) []bool { return []bool{s.momentum != 0} },
	begins:   true,
	complex:  true,
}

// SGD is stochastic gradient descent (torch.optim.SGD).
func SGD[P OptimizerParameters](parameters P, options SGDOptions) (*Optimizer, error) {
	return newOptimizer(sgd, parameters, options)
}
