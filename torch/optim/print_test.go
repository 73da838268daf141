package optim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

func one() *torch.Tensor { return torch.Ones(torch.Shape{1}).SetRequiresGrad(true) }

func TestOptimizersPrintAsPyTorchs(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "printed.json"))
	require.NoError(t, err)
	var printed map[string]string
	require.NoError(t, json.Unmarshal(data, &printed))
	require.Len(t, printed, len(optimizerMakers))
	for name, make := range optimizerMakers {
		optimizer, err := make(one(), one())
		require.NoError(t, err)
		assert.Equal(t, printed[name], fmt.Sprint(optimizer), name)
	}
	assert.Equal(t, "Optimizer()", fmt.Sprint(new(optim.Optimizer)))
	assert.Equal(t, "Optimizer(nil)", fmt.Sprint((*optim.Optimizer)(nil)))
}

func TestSchedulesPrint(t *testing.T) {
	optimizer, err := optim.SGD(tensors{one()}, optim.DefaultSGD())
	require.NoError(t, err)
	schedule, err := optim.StepLR(optimizer, 2, 0.5)
	require.NoError(t, err)
	for range 2 {
		schedule.Step()
	}
	assert.Equal(t, "StepLR(last_epoch=2, last_lr=[0.0005])", fmt.Sprint(schedule))
	chained, err := optim.ChainedScheduler(schedule)
	require.NoError(t, err)
	assert.Equal(t, "ChainedScheduler\n  StepLR(last_epoch=2, last_lr=[0.0005])", fmt.Sprint(chained))
}

func TestGradScalersPrint(t *testing.T) {
	scaler, err := optim.NewGradScaler(optim.DefaultGradScaler())
	require.NoError(t, err)
	assert.Equal(t, "GradScaler(scale=65536, growth_factor=2, backoff_factor=0.5, growth_interval=2000)", fmt.Sprint(scaler))
	scaler.Scale(torch.Ones(nil))
	assert.Contains(t, fmt.Sprint(scaler), "scale=65536")
	scaler.Close()
	assert.Equal(t, "GradScaler(closed)", fmt.Sprint(scaler))
}

// TestZeroOptions are an error, since nothing would be learned with them; a learning rate of 0 is none.
func TestZeroOptions(t *testing.T) {
	for _, err := range []error{
		second(optim.SGD(tensors{one()}, optim.SGDOptions{Momentum: 0.9})),
		second(optim.Adam(tensors{one()}, optim.AdamOptions{LearningRate: 1e-3})),
		second(optim.AdamW(tensors{one()}, optim.AdamOptions{})),
		second(optim.Adamax(tensors{one()}, optim.AdamaxOptions{})),
		second(optim.RAdam(tensors{one()}, optim.RAdamOptions{})),
		second(optim.RMSprop(tensors{one()}, optim.RMSpropOptions{LearningRate: 1})),
		second(optim.Adagrad(tensors{one()}, optim.AdagradOptions{})),
		second(optim.LBFGS(tensors{one()}, optim.LBFGSOptions{LearningRate: 1})),
	} {
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, "start from Default")
	}
	frozen := optim.DefaultAdam()
	frozen.LearningRate = 0
	optimizer, err := optim.Adam(tensors{one()}, frozen)
	require.NoError(t, err)
	require.NoError(t, optimizer.SetLearningRates(0.1))
	assert.Equal(t, []float64{0.1}, optimizer.LearningRates())
}

func second[T any](_ T, err error) error { return err }

// TestZeroGradScaler is an error wherever it is used.
func TestZeroGradScaler(t *testing.T) {
	optimizer, err := optim.SGD(tensors{one()}, optim.DefaultSGD())
	require.NoError(t, err)
	scaler := new(optim.GradScaler)
	for _, err := range []error{
		torch.Try(func() error { scaler.Scale(torch.Ones(nil)); return nil }),
		scaler.Unscale(optimizer), second(scaler.Step(optimizer)), scaler.Update(), scaler.SetScale(2),
		scaler.LoadStateDict(torch.NewDict()),
	} {
		assert.ErrorContains(t, err, "was not made by NewGradScaler")
	}
	scaler.Close()
}
