package torch_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestTrajectoriesAgreeWithPyTorch: 50 steps on the same function, each position compared with the
// one that scripts/reference_optimizers.py wrote.
func TestTrajectoriesAgreeWithPyTorch(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "optimizers.json"))
	require.NoError(t, err)
	var reference map[string][][]float64
	require.NoError(t, json.Unmarshal(data, &reference))
	makers := map[string]func([]*torch.Tensor) (*torch.Optimizer, error){
		"sgd": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.SGD(p, torch.SGDOptions{LearningRate: 0.001})
		},
		"sgd_nesterov": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.SGD(p, torch.SGDOptions{LearningRate: 0.0005, Momentum: 0.9, WeightDecay: 0.01, Nesterov: true})
		},
		"adam": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.Adam(p, torch.AdamOptions{LearningRate: 0.1})
		},
		"adam_amsgrad": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.Adam(p, torch.AdamOptions{LearningRate: 0.1, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-6, WeightDecay: 0.02, AMSGrad: true})
		},
		"adamw": func(p []*torch.Tensor) (*torch.Optimizer, error) {
			return torch.AdamW(p, torch.AdamOptions{LearningRate: 0.1, WeightDecay: 0.05})
		},
	}
	require.Len(t, reference, len(makers))
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			x := torch.FromSlice([]float64{-1.5, 2}, nil).SetRequiresGrad(true)
			optimizer, err := make([]*torch.Tensor{x})
			require.NoError(t, err)
			defer optimizer.Close()
			for step, want := range reference[name] {
				optimizer.ZeroGrad()
				rosenbrock(x).Backward()
				optimizer.Step()
				require.InDeltaSlice(t, want, torch.ToSlice[float64](x), 1e-9, "step %d", step)
			}
		})
	}
}

// rosenbrock is (1-x)^2 + 100(y-x^2)^2, over 100.
func rosenbrock(point *torch.Tensor) *torch.Tensor {
	x, y := point.Select(0, 0), point.Select(0, 1)
	valley := y.Sub(x.Square()).Square()
	return x.RSubScalar(1).Square().DivScalar(100).Add(valley)
}

func TestSetLearningRate(t *testing.T) {
	x := torch.Zeros([]int64{1}).SetRequiresGrad(true)
	optimizer, err := torch.SGD([]*torch.Tensor{x}, torch.SGDOptions{LearningRate: 1})
	require.NoError(t, err)
	x.SetGrad(torch.Ones([]int64{1}))
	optimizer.Step()
	assert.Equal(t, -1.0, x.Item())
	optimizer.SetLearningRate(0.5)
	optimizer.Step()
	assert.Equal(t, -1.5, x.Item())
	optimizer.ZeroGrad()
	assert.Nil(t, x.Grad())
}

func TestOptimizerMisuse(t *testing.T) {
	_, err := torch.Adam(nil, torch.AdamOptions{LearningRate: -1})
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, err = torch.SGD([]*torch.Tensor{torch.Ones([]int64{1}).SetRequiresGrad(true).MulScalar(2)}, torch.SGDOptions{LearningRate: 1})
	assert.ErrorIs(t, err, torch.ErrInvalid, "not a leaf")
	x := torch.Zeros([]int64{1}).SetRequiresGrad(true)
	optimizer, err := torch.SGD([]*torch.Tensor{x}, torch.SGDOptions{LearningRate: 1})
	require.NoError(t, err)
	optimizer.Close()
	optimizer.Close()
	assert.ErrorIs(t, failure(t, optimizer.Step), torch.ErrClosed)
}
