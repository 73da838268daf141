package optim_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// autocastReference is what scripts/reference/reference_autocast.py wrote for a dtype.
type autocastReference struct {
	Shapes         map[string]torch.Shape
	Initial, Final map[string][]float64
	X              []float64
	Labels         []int64
	Overflow       int
	Steps          []struct {
		Loss        float64
		OutputDType string `json:"output_dtype"`
		Scale       float64
		Weight      []float64
	}
	State map[string]float64
}

// autocastNet is the script's network.
type autocastNet map[string]*torch.Tensor

func (n autocastNet) forward(x *torch.Tensor) *torch.Tensor {
	h := x.Conv2d(n["0.weight"], n["0.bias"], torch.ConvOptions{Padding: []int64{1}}).ReLU().Flatten(1, -1)
	h = h.Linear(n["3.weight"], n["3.bias"]).LayerNorm(torch.Shape{8}, n["4.weight"], n["4.bias"], 1e-5)
	return h.Linear(n["5.weight"], n["5.bias"])
}

// TestMixedPrecisionAsPyTorch: 20 steps under autocast with a scaler, an overflow among them, whose
// gradients are unscaled early in every third.
func TestMixedPrecisionAsPyTorch(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "autocast.json"))
	require.NoError(t, err)
	var references map[string]autocastReference
	require.NoError(t, json.Unmarshal(text, &references))
	for name, want := range references {
		t.Run(name, func(t *testing.T) {
			testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
				mixedPrecision(t, name, want, device)
			})
		})
	}
}

func mixedPrecision(t *testing.T, name string, want autocastReference, device torch.Device) {
	dtype, err := torch.ParseDType(name)
	require.NoError(t, err)
	net := autocastNet{}
	var parameters tensors
	for _, name := range []string{"0.weight", "0.bias", "3.weight", "3.bias", "4.weight", "4.bias", "5.weight", "5.bias"} {
		net[name] = torch.FromSlice(want.Initial[name], want.Shapes[name]).To(torch.Float32, device).SetRequiresGrad(true)
		parameters = append(parameters, net[name])
	}
	optimizer, err := optim.SGD(parameters, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate, o.Momentum = 0.05, 0.9 }))
	require.NoError(t, err)
	defer optimizer.Close()
	scaler, err := optim.NewGradScaler(edited(optim.DefaultGradScaler(), func(o *optim.GradScalerOptions) { o.InitScale, o.GrowthInterval = 1024, 4 }))
	require.NoError(t, err)
	defer scaler.Close()
	x := torch.FromSlice(want.X, torch.Shape{6, 1, 4, 4}).To(torch.Float32, device)
	labels := torch.FromSlice(want.Labels, nil, device)
	// Processors round the sums of 16-bit numbers in their own ways, and GPUs in others.
	bound := map[torch.DType]float64{torch.Float16: 2e-4, torch.BFloat16: 1e-3}[dtype]
	if device.IsCUDA() {
		bound = 1e-2
	}
	for step, expected := range want.Steps {
		optimizer.ZeroGrad()
		var output, loss *torch.Tensor
		torch.Autocast(torch.AutocastOptions{Device: device, DType: dtype}, func() {
			output = net.forward(x)
			loss = output.CrossEntropyLoss(labels, torch.CrossEntropyOptions{})
		})
		assert.Equal(t, expected.OutputDType, output.DType().String())
		assert.Equal(t, torch.Float32, loss.DType())
		if step == want.Overflow {
			loss = loss.MulScalar(1e38)
		}
		scaler.Scale(loss).Backward()
		if step%3 == 0 {
			require.NoError(t, scaler.Unscale(optimizer))
		}
		stepped, err := scaler.Step(optimizer)
		require.NoError(t, err)
		assert.Equal(t, step != want.Overflow, stepped)
		require.NoError(t, scaler.Update())
		assert.InEpsilon(t, expected.Loss, loss.Item(), 100*bound, "step %d", step)
		assert.Equal(t, expected.Scale, scaler.CurrentScale(), "step %d", step)
		assert.InDeltaSlice(t, expected.Weight, doublesOf(net["0.weight"]), bound, "step %d", step)
	}
	for name, values := range want.Final {
		assert.InDeltaSlice(t, values, doublesOf(net[name]), 10*bound, name)
	}
	for key, value := range want.State {
		got, ok := scaler.StateDict().Get(key).(float64)
		if !ok {
			got = float64(scaler.StateDict().Get(key).(int64))
		}
		assert.Equal(t, value, got, key)
	}
}

func doublesOf(x *torch.Tensor) []float64 {
	return torch.ToSlice[float64](x.Detach().To(torch.Float64, torch.CPU))
}

func TestScalerGoesOn(t *testing.T) {
	first, err := optim.NewGradScaler(optim.DefaultGradScaler())
	require.NoError(t, err)
	state := torch.NewDict("scale", 512.0, "growth_factor", 3.0, "backoff_factor", 0.25, "growth_interval", int64(2), "_growth_tracker", int64(1))
	require.NoError(t, first.LoadStateDict(state))
	assert.Equal(t, state, first.StateDict())
	x := parameter(1, 2)
	optimizer, err := optim.SGD(tensors{x}, optim.DefaultSGD())
	require.NoError(t, err)
	first.Scale(x.Sum()).Backward()
	assert.Equal(t, []float64{512, 512}, doublesOf(x.Grad()))
	stepped, err := first.Step(optimizer)
	require.NoError(t, err)
	assert.True(t, stepped)
	require.NoError(t, first.Update())
	assert.Equal(t, 1536.0, first.CurrentScale(), "the second step in a row, by the state")
	require.NoError(t, first.LoadStateDict(state))
	assert.Equal(t, state, first.StateDict())
	require.NoError(t, first.SetScale(8))
	assert.Equal(t, 8.0, first.CurrentScale())
	first.Close()
	first.Close()
	assert.ErrorIs(t, first.SetScale(4), torch.ErrClosed)
	assert.ErrorIs(t, first.Unscale(optimizer), torch.ErrClosed)
	assert.ErrorIs(t, failure(t, func() { first.Scale(x.Sum()) }), torch.ErrClosed)
}

func TestScalerMisuse(t *testing.T) {
	for says, change := range map[string]func(*optim.GradScalerOptions){
		"first scale":     func(o *optim.GradScalerOptions) { o.InitScale = 0 },
		"growth factor":   func(o *optim.GradScalerOptions) { o.GrowthFactor = 1 },
		"backoff factor":  func(o *optim.GradScalerOptions) { o.BackoffFactor = math.NaN() },
		"growth interval": func(o *optim.GradScalerOptions) { o.GrowthInterval = 0 },
	} {
		_, err := optim.NewGradScaler(edited(optim.DefaultGradScaler(), change))
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, says)
	}
	scaler, err := optim.NewGradScaler(optim.DefaultGradScaler())
	require.NoError(t, err)
	x := parameter(1, 2)
	optimizer, err := optim.SGD(tensors{x}, optim.DefaultSGD())
	require.NoError(t, err)
	fails := func(says string, err error) {
		t.Helper()
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, says)
	}
	fails("no loss was scaled", scaler.Unscale(optimizer))
	fails("no optimizer's gradients", scaler.Update())
	fails("must be above 0", scaler.SetScale(-1))
	fails("scale", scaler.LoadStateDict(torch.NewDict()))
	scaler.Scale(x.Sum())
	_, err = scaler.Step(optimizer)
	fails("no gradients", err)
	require.NoError(t, scaler.Update())
	scaler.Scale(x.Sum()).Backward()
	require.NoError(t, scaler.Unscale(optimizer))
	fails("were unscaled", scaler.Unscale(optimizer))
	_, err = scaler.Step(optimizer)
	require.NoError(t, err)
	_, err = scaler.Step(optimizer)
	fails("made its step", err)
	fails("made its step", scaler.Unscale(optimizer))

	half := torch.Ones(torch.Shape{2}, torch.Float16).SetRequiresGrad(true)
	halves, err := optim.SGD(tensors{half}, optim.DefaultSGD())
	require.NoError(t, err)
	scaler.Scale(half.Sum()).Backward()
	fails("float16", scaler.Unscale(halves))
}
