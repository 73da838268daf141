package torch_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// autogradReference is what scripts/reference/reference_autograd.py wrote.
func autogradReference(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "autograd.json"))
	require.NoError(t, err)
	var values map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &values))
	require.NoError(t, json.Unmarshal(values[name], into))
}

// clippable are the script's parameters with their gradients.
func clippable(device torch.Device) []*torch.Tensor {
	a := torch.Zeros(torch.Shape{2, 2}, device).SetRequiresGrad(true)
	a.SetGrad(torch.FromSlice([]float32{3, -4, 0.5, 12}, torch.Shape{2, 2}, device))
	b := torch.Zeros(torch.Shape{2, 2}, device).SetRequiresGrad(true)
	c := torch.Zeros(torch.Shape{1, 3}, device).SetRequiresGrad(true)
	c.SetGrad(torch.FromSlice([]float32{0.25, -0.125, 8}, torch.Shape{1, 3}, device))
	return []*torch.Tensor{a, b, c}
}

func checkGradients(t *testing.T, want [][]float64, parameters []*torch.Tensor) {
	t.Helper()
	for i, parameter := range parameters {
		if want[i] == nil {
			assert.Nil(t, parameter.Grad())
			continue
		}
		// A few roundings of float32.
		for k, got := range parameter.Grad().Float32s() {
			assert.InEpsilon(t, want[i][k]+1, got+1, 5e-7)
		}
	}
}

func TestClipGradNorm(t *testing.T) {
	var cases []struct {
		NormType  any     `json:"norm_type"`
		MaxNorm   float64 `json:"max_norm"`
		Total     float64
		Gradients [][]float64
	}
	autogradReference(t, "clipped_norms", &cases)
	require.NotEmpty(t, cases)
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, c := range cases {
			options := torch.ClipGradNormOptions{NormType: new(math.Inf(1))}
			if order, ok := c.NormType.(float64); ok {
				options.NormType = &order
			}
			parameters := clippable(device)
			total := torch.ClipGradNorm(parameters, c.MaxNorm, options)
			assert.InEpsilon(t, c.Total, total.Item(), 5e-7)
			assert.Equal(t, device, total.Device())
			assert.False(t, total.RequiresGrad())
			checkGradients(t, c.Gradients, parameters)
		}
		parameters := clippable(device)
		assert.InEpsilon(t, math.Sqrt(9+16+0.25+144+0.0625+0.015625+64),
			torch.ClipGradNorm(parameters, 1, torch.ClipGradNormOptions{}).Item(), 1e-6, "the default is 2")
		assert.InEpsilon(t, 1, torch.ClipGradNorm(parameters, 100, torch.ClipGradNormOptions{}).Item(), 1e-5)
	})
}

func TestClipGradNormOfNothing(t *testing.T) {
	x := leaf(torch.CPU, 1)
	assert.Zero(t, torch.ClipGradNorm([]*torch.Tensor{x}, 1, torch.ClipGradNormOptions{}).Item())
	assert.Zero(t, torch.ClipGradNorm(nil, 1, torch.ClipGradNormOptions{}).Item())
	torch.ClipGradValue([]*torch.Tensor{x}, 1)
	assert.Nil(t, x.Grad())
	assert.ErrorIs(t, failure(t, func() { torch.ClipGradNorm([]*torch.Tensor{nil}, 1, torch.ClipGradNormOptions{}) }), torch.ErrInvalid)
}

func TestClipGradNormThatIsNotFinite(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		x := leaf(torch.CPU, 1, 2)
		x.SetGrad(torch.FromSlice([]float32{1, bad}, nil))
		err := failure(t, func() {
			torch.ClipGradNorm([]*torch.Tensor{x}, 1, torch.ClipGradNormOptions{ErrorIfNonFinite: true})
		})
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.Equal(t, float32(1), x.Grad().Float32s()[0], "left as it was")
		total := torch.ClipGradNorm([]*torch.Tensor{x}, 1, torch.ClipGradNormOptions{}).Item()
		assert.True(t, math.IsNaN(total) || math.IsInf(total, 0))
	}
}

func TestClipGradNormOfMixedTypes(t *testing.T) {
	a, b := torch.Zeros(torch.Shape{1}, torch.Float64).SetRequiresGrad(true), leaf(torch.CPU, 0)
	a.SetGrad(torch.FromSlice([]float64{3}, nil))
	b.SetGrad(torch.FromSlice([]float32{4}, nil))
	assert.InEpsilon(t, 5, torch.ClipGradNorm([]*torch.Tensor{a, b}, 1, torch.ClipGradNormOptions{}).Item(), 1e-6)
	assert.InEpsilon(t, 0.6, a.Grad().Item(), 1e-6)
	assert.InEpsilon(t, 0.8, b.Grad().Item(), 1e-6)
	torch.ClipGradValue([]*torch.Tensor{a, b}, 0.7)
	assert.InEpsilon(t, 0.7, b.Grad().Item(), 1e-6)
}

func TestClipGradValue(t *testing.T) {
	var cases []struct {
		Value     float64
		Gradients [][]float64
	}
	autogradReference(t, "clipped_values", &cases)
	require.NotEmpty(t, cases)
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, c := range cases {
			parameters := clippable(device)
			torch.ClipGradValue(parameters, c.Value)
			checkGradients(t, c.Gradients, parameters)
		}
	})
}

func TestClippingChangesTheGradientItself(t *testing.T) {
	x := leaf(torch.CPU, 1)
	gradient := torch.FromSlice([]float32{10}, nil)
	x.SetGrad(gradient)
	torch.ClipGradNorm([]*torch.Tensor{x}, 1, torch.ClipGradNormOptions{})
	assert.InEpsilon(t, 1, gradient.Item(), 1e-5)
}
