package nn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/nn"
)

// TestZeroIsAChoice: what is nil by default can be 0.
func TestZeroIsAChoice(t *testing.T) {
	x := torch.FromSlice([]float32{-2, 2}, torch.Shape{1, 2})
	zero := new(0.0)
	assert.Equal(t, []float32{0, 2}, torch.ToSlice[float32](nn.LeakyReLU{NegativeSlope: zero}.Forward(x)))
	assert.Equal(t, []float32{0, 2}, torch.ToSlice[float32](nn.ELU{Alpha: zero}.Forward(x)))
	assert.InDeltaSlice(t, []float32{0.126928, 2}, torch.ToSlice[float32](nn.Softplus{Threshold: zero}.Forward(x)), 1e-6)
	assert.Equal(t, []float32{0}, torch.ToSlice[float32](nn.GLU{}.Forward(torch.Zeros(torch.Shape{1, 2}))), "of the last dimension")
	assert.Equal(t, []int64{1, 2}, []int64(nn.GLU{Dim: new(int64(0))}.Forward(torch.Zeros(torch.Shape{2, 2})).Shape()))
	for _, layer := range []nn.Layer{nn.Softmax{}, nn.LogSoftmax{}} {
		err := torch.Try(func() error { layer.Forward(x); return nil })
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, "Dim is not set")
	}
	norm := nn.NewLayerNorm(torch.Shape{2}, nn.LayerNormOptions{Eps: zero})
	assert.Equal(t, []float32{-1, 1}, torch.ToSlice[float32](norm.Forward(x)))
	batch := nn.NewBatchNorm1d(2, nn.BatchNormOptions{Momentum: zero})
	batch.Forward(torch.Cat([]*torch.Tensor{x, x.MulScalar(3)}, 0))
	assert.Equal(t, []float32{0, 0}, torch.ToSlice[float32](batch.RunningMean))
}
