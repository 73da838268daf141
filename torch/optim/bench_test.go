package optim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// BenchmarkStep is a step on 300 parameters of 64 elements each, where the work is the calls.
func BenchmarkStep(b *testing.B) {
	makers := map[string]func([]*torch.Tensor) (*optim.Optimizer, error){
		"SGD": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.SGD(p, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.Momentum = 0.9 }))
		},
		"AdamW": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.AdamW(p, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.WeightDecay = 0.01 }))
		},
		"RMSprop": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.RMSprop(p, optim.DefaultRMSprop())
		},
		"RMSpropCentered": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.RMSprop(p, edited(optim.DefaultRMSprop(), func(o *optim.RMSpropOptions) { o.Centered, o.Momentum = true, 0.9 }))
		},
		"Adamax": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.Adamax(p, optim.DefaultAdamax())
		},
		"RAdam": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.RAdam(p, optim.DefaultRAdam())
		},
		"Adagrad": func(p []*torch.Tensor) (*optim.Optimizer, error) {
			return optim.Adagrad(p, optim.DefaultAdagrad())
		},
	}
	for name, make := range makers {
		b.Run(name, func(b *testing.B) {
			optimizer, err := make(manyParameters())
			require.NoError(b, err)
			defer optimizer.Close()
			for b.Loop() {
				optimizer.Step()
			}
		})
	}
	b.Run("LBFGS", func(b *testing.B) {
		parameters := manyParameters()
		optimizer, err := optim.LBFGS(parameters, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) {
			o.LearningRate = 1e-9
			o.MaxIterations = 2
			o.ToleranceGrad = 1e-30
			o.ToleranceChange = 1e-30
			o.HistorySize = 10
			o.MaxEvaluations = o.MaxIterations * 5 / 4
		}))
		require.NoError(b, err)
		defer optimizer.Close()
		loss := torch.FromSlice([]float32{1}, nil)
		for b.Loop() {
			optimizer.Step(func() *torch.Tensor { return loss })
		}
	})
}

func manyParameters() []*torch.Tensor {
	parameters := make([]*torch.Tensor, 300)
	for i := range parameters {
		parameters[i] = torch.RandN(torch.Shape{64}).SetRequiresGrad(true)
		parameters[i].SetGrad(torch.RandN(torch.Shape{64}))
	}
	return parameters
}
