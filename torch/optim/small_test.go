package optim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// TestManyParametersStepAsEachAlone: small and large ones, of several dtypes, some without a gradient in
// some steps, over a state dict in the middle.
func TestManyParametersStepAsEachAlone(t *testing.T) {
	shapes := []torch.Shape{{3, 2}, {}, {70, 70}, {0}, {4096}, {5}, {2, 1, 3}}
	dtypes := []torch.DType{torch.Float64, torch.Complex128}
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for name, make := range capturableMakers(false) {
			t.Run(name, func(t *testing.T) {
				generator, err := torch.NewGenerator(torch.CPU, 1)
				require.NoError(t, err)
				random := func(shape torch.Shape, dtype torch.DType) *torch.Tensor {
					return torch.RandN(shape, dtype, generator).To(device)
				}
				var all, twins tensors
				var alone []*optim.Optimizer
				for _, dtype := range dtypes {
					for _, shape := range shapes {
						x := random(shape, dtype)
						all = append(all, x.SetRequiresGrad(true))
						twins = append(twins, x.Detach().Clone().SetRequiresGrad(true))
						one, err := make(tensors{twins[len(twins)-1]})
						require.NoError(t, err)
						defer one.Close()
						alone = append(alone, one)
					}
				}
				together, err := make(all)
				require.NoError(t, err)
				defer together.Close()
				for step := range 9 {
					for i := range all {
						all[i].SetGrad(nil)
						if (i+step)%4 == 0 && step%3 == 0 {
							continue // other parameters than in the step before
						}
						gradient := random(all[i].Shape(), all[i].DType())
						all[i].SetGrad(gradient)
						twins[i].SetGrad(gradient)
						alone[i].Step()
					}
					together.Step()
					if step == 5 {
						require.NoError(t, together.LoadStateDict(together.StateDict()))
					}
				}
				for i := range all {
					difference := all[i].Sub(twins[i]).Abs().Sum().Item()
					assert.InDelta(t, 0, difference, 1e-10, fmt.Sprint(all[i].DType(), all[i].Shape()))
				}
			})
		}
	})
}

// TestJoinedStateIsFreed: what small parameters step in goes with the optimizer.
func TestJoinedStateIsFreed(t *testing.T) {
	before := torch.NativeBytes()
	torch.Scope(func(*torch.TensorScope) {
		parameters := manyParameters()
		optimizer, err := optim.RMSprop(parameters, optim.DefaultRMSprop())
		require.NoError(t, err)
		optimizer.Step()
		parameters[7].SetGrad(nil)
		optimizer.Step()
		optimizer.Close()
	})
	assert.LessOrEqual(t, torch.NativeBytes(), before)
}
