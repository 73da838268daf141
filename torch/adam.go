package torch

// #include "ctorch/ctorch.h"
import "C"

// AdamOptions are the settings of Adam and AdamW. What is left out is PyTorch's default: learning
// rate 0.001 ([Optimizer.SetLearningRate] sets 0 itself), betas 0.9 and 0.999, epsilon 1e-8.
// WeightDecay is as given, 0 included.
type AdamOptions struct {
	LearningRate float64
	// Betas are how much the averages of the gradient and of its square keep at each step. One of
	// them may be 0.
	Betas       [2]float64
	Epsilon     float64
	WeightDecay float64
	AMSGrad     bool
}

func (o AdamOptions) settings() settings {
	setDefault(&o.LearningRate, 1e-3)
	setDefault(&o.Betas, [2]float64{0.9, 0.999})
	setDefault(&o.Epsilon, 1e-8)
	return settings{learningRate: o.LearningRate, betas: o.Betas, epsilon: o.Epsilon,
		weightDecay: o.WeightDecay, amsgrad: o.AMSGrad}
}

func adamLike(name string, number C.int32_t, decoupled bool) *algorithm {
	return &algorithm{
		name:    name,
		number:  number,
		accepts: isOptions[AdamOptions],
		options: func(s settings) OptimizerOptions {
			return AdamOptions{s.learningRate, s.betas, s.epsilon, s.weightDecay, s.amsgrad}
		},
		fields: func(s *settings) []field {
			return []field{{"lr", &s.learningRate}, {"betas", &s.betas}, {"eps", &s.epsilon},
				{"weight_decay", &s.weightDecay}, {"amsgrad", &s.amsgrad}}
		},
		others: NewDict("maximize", false, "foreach", nil, "capturable", false,
			"differentiable", false, "fused", nil, decoupledDecay, decoupled),
		momentum:   func(s *settings) *float64 { return &s.betas[0] },
		cyclesBeta: true,
		counts:     true,
		tensors:    []string{"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
		keeps:      func(s *settings) []bool { return []bool{true, true, s.amsgrad} },
	}
}

// decoupledDecay is what tells AdamW's state from Adam's in Python.
const decoupledDecay = "decoupled_weight_decay"

var (
	adam  = adamLike("Adam", C.CTORCH_ADAM, false)
	adamW = adamLike("AdamW", C.CTORCH_ADAMW, true)
)

// Adam is Kingma and Ba's optimiser (torch.optim.Adam); weight decay is added to the gradient.
func Adam[P OptimizerParameters](parameters P, options AdamOptions) (*Optimizer, error) {
	return newOptimizer(adam, parameters, options)
}

// AdamW is Adam with decoupled weight decay (torch.optim.AdamW, whose default decay of 0.01 is
// not assumed here: what is given holds).
func AdamW[P OptimizerParameters](parameters P, options AdamOptions) (*Optimizer, error) {
	return newOptimizer(adamW, parameters, options)
}
