package torch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// BenchmarkStep is a step on 200 parameters of 64 elements each, where the work is the calls.
func BenchmarkStep(b *testing.B) {
	makers := map[string]func([]*torch.Tensor) (*torch.Optimizer, error){
		"SGD": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.SGD(p, torch.SGDOptions{Momentum: 0.9})
		},
		"AdamW": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.AdamW(p, torch.AdamOptions{WeightDecay: 0.01})
		},
		"RMSprop": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.RMSprop(p, torch.RMSpropOptions{})
		},
		"Adagrad": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.Adagrad(p, torch.AdagradOptions{})
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
		optimizer, err := torch.LBFGS(parameters, torch.LBFGSOptions{LearningRate: 1e-9, MaxIterations: 2,
			ToleranceGrad: 1e-30, ToleranceChange: 1e-30, HistorySize: 10})
		require.NoError(b, err)
		defer optimizer.Close()
		loss := torch.FromSlice([]float32{1}, nil)
		for b.Loop() {
			optimizer.Step(func() *torch.Tensor { return loss })
		}
	})
}

func manyParameters() []*torch.Tensor {
	parameters := make([]*torch.Tensor, 200)
	for i := range parameters {
		parameters[i] = torch.RandN(torch.Shape{64}).SetRequiresGrad(true)
		parameters[i].SetGrad(torch.RandN(torch.Shape{64}))
	}
	return parameters
}
