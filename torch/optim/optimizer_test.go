package optim_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// optimizerReference is what scripts/reference/reference_optimizers.py wrote.
type optimizerReference struct {
	// Optimizers are where 50 steps lead, one by one.
	Optimizers map[string][][]float64
	Schedules  map[string]struct {
		Rates   [][]float64
		Momenta []float64
	}
}

// savedAt is after how many steps the script saved the states.
const savedAt = 25

var readOptimizerReference = sync.OnceValues(func() (optimizerReference, error) {
	var reference optimizerReference
	data, err := os.ReadFile(filepath.Join("testdata", "optimizers.json"))
	if err != nil {
		return reference, err
	}
	return reference, json.Unmarshal(data, &reference)
})

// pythonStates are the state dicts that Python saved.
func pythonStates(t *testing.T) *torch.Dict {
	t.Helper()
	return loadDict(t, filepath.Join("testdata", "optimizers.pt"))
}

func loadDict(t *testing.T, path string) *torch.Dict {
	t.Helper()
	value, err := checkpoint.Load(path)
	require.NoError(t, err)
	return dict(t, value)
}

func dict(t *testing.T, value any) *torch.Dict {
	t.Helper()
	require.IsType(t, (*torch.Dict)(nil), value)
	return value.(*torch.Dict)
}

// trainer is what Optimizer and LBFGSOptimizer have in common.
type trainer interface {
	optim.Scheduled
	ZeroGrad()
	Groups() []optim.ParamGroup
	StateDict() *torch.Dict
	LoadStateDict(*torch.Dict) error
	Close()
}

type (
	tensors = []*torch.Tensor
	groups  = []optim.ParamGroup
)

// optimizerMakers make what the script of the reference makes, for the coordinates of a point.
var optimizerMakers = map[string]func(x, y *torch.Tensor) (trainer, error){
	"sgd": func(x, y *torch.Tensor) (trainer, error) {
		return optim.SGD(tensors{x, y}, optim.DefaultSGD())
	},
	"sgd_momentum": func(x, y *torch.Tensor) (trainer, error) {
		return optim.SGD(tensors{x, y}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 0.001; o.Momentum = 0.9; o.Dampening = 0.1 }))
	},
	"sgd_nesterov": func(x, y *torch.Tensor) (trainer, error) {
		return optim.SGD(tensors{x, y}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) {
			o.LearningRate = 0.0005
			o.Momentum = 0.9
			o.WeightDecay = 0.01
			o.Nesterov = true
		}))
	},
	"adam": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adam(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1 }))
	},
	"adam_amsgrad": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adam(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) {
			o.LearningRate = 0.1
			o.Betas = [2]float64{0.8, 0.99}
			o.Epsilon = 1e-6
			o.WeightDecay = 0.02
			o.AMSGrad = true
		}))
	},
	"adam_without_momentum": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adam(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.05; o.Betas = [2]float64{0, 0.9} }))
	},
	"adamw": func(x, y *torch.Tensor) (trainer, error) {
		return optim.AdamW(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1; o.WeightDecay = 0.05 }))
	},
	"adamw_amsgrad": func(x, y *torch.Tensor) (trainer, error) {
		return optim.AdamW(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1; o.WeightDecay = 0.01; o.AMSGrad = true }))
	},
	"rmsprop": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RMSprop(tensors{x, y}, edited(optim.DefaultRMSprop(), func(o *optim.RMSpropOptions) { o.LearningRate = 0.02 }))
	},
	"rmsprop_centered": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RMSprop(tensors{x, y}, edited(optim.DefaultRMSprop(), func(o *optim.RMSpropOptions) {
			o.LearningRate = 0.01
			o.Alpha = 0.9
			o.Epsilon = 1e-6
			o.WeightDecay = 0.01
			o.Momentum = 0.5
			o.Centered = true
		}))
	},
	"adagrad": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adagrad(tensors{x, y}, edited(optim.DefaultAdagrad(), func(o *optim.AdagradOptions) { o.LearningRate = 0.3 }))
	},
	"adagrad_decay": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adagrad(tensors{x, y}, edited(optim.DefaultAdagrad(), func(o *optim.AdagradOptions) {
			o.LearningRate = 0.3
			o.LearningRateDecay = 0.05
			o.WeightDecay = 0.01
			o.InitialAccumulatorValue = 0.2
			o.Epsilon = 1e-8
		}))
	},
	"adamw_default": func(x, y *torch.Tensor) (trainer, error) {
		return optim.AdamW(tensors{x, y}, optim.DefaultAdamW())
	},
	"adamax": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adamax(tensors{x, y}, edited(optim.DefaultAdamax(), func(o *optim.AdamaxOptions) { o.LearningRate = 0.1 }))
	},
	"adamax_decay": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adamax(tensors{x, y}, optim.AdamaxOptions{LearningRate: 0.05, Betas: [2]float64{0.8, 0.99}, Epsilon: 1e-6, WeightDecay: 0.02})
	},
	"radam": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RAdam(tensors{x, y}, edited(optim.DefaultRAdam(), func(o *optim.RAdamOptions) { o.LearningRate = 0.1 }))
	},
	"radam_decay": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RAdam(tensors{x, y}, optim.RAdamOptions{LearningRate: 0.1, Betas: [2]float64{0.7, 0.9}, Epsilon: 1e-6, WeightDecay: 0.05})
	},
	"radam_decoupled": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RAdam(tensors{x, y}, optim.RAdamOptions{LearningRate: 0.1, Betas: [2]float64{0.7, 0.9}, Epsilon: 1e-8, WeightDecay: 0.05, DecoupledWeightDecay: true})
	},
	"sgd_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.SGD(tensors{x, y}, optim.SGDOptions{LearningRate: 1e-5, Momentum: 0.9, WeightDecay: 0.1, Maximize: true})
	},
	"adam_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adam(tensors{x, y}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.WeightDecay = 0.1; o.Maximize = true }))
	},
	"adamw_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.AdamW(tensors{x, y}, edited(optim.DefaultAdamW(), func(o *optim.AdamOptions) { o.Maximize = true }))
	},
	"rmsprop_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RMSprop(tensors{x, y}, edited(optim.DefaultRMSprop(), func(o *optim.RMSpropOptions) { o.LearningRate = 1e-3; o.WeightDecay = 0.1; o.Maximize = true }))
	},
	"adagrad_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adagrad(tensors{x, y}, edited(optim.DefaultAdagrad(), func(o *optim.AdagradOptions) { o.WeightDecay = 0.1; o.Maximize = true }))
	},
	"adamax_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adamax(tensors{x, y}, edited(optim.DefaultAdamax(), func(o *optim.AdamaxOptions) { o.LearningRate = 1e-3; o.WeightDecay = 0.1; o.Maximize = true }))
	},
	"radam_maximize": func(x, y *torch.Tensor) (trainer, error) {
		return optim.RAdam(tensors{x, y}, edited(optim.DefaultRAdam(), func(o *optim.RAdamOptions) { o.WeightDecay = 0.1; o.Maximize = true }))
	},
	"groups_sgd": func(x, y *torch.Tensor) (trainer, error) {
		return optim.SGD(groups{
			{Parameters: tensors{x}, Options: edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 0.002; o.Momentum = 0.5 })},
			{Parameters: tensors{y}},
		}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 0.001 }))
	},
	// The first group's learning rate is libtorch's own default, which it must not lose.
	"groups_adam": func(x, y *torch.Tensor) (trainer, error) {
		return optim.Adam(groups{
			{Parameters: tensors{x}, Options: edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.001; o.Betas = [2]float64{0.5, 0.9} })},
			{Parameters: tensors{y}, Options: edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1; o.WeightDecay = 0.1; o.AMSGrad = true })},
		}, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1 }))
	},
	"groups_adagrad": func(x, y *torch.Tensor) (trainer, error) {
		options := edited(optim.DefaultAdagrad(), func(o *optim.AdagradOptions) { o.LearningRate = 0.2; o.InitialAccumulatorValue = 0.5 })
		slow := options
		slow.LearningRate = 0.01
		optimizer, err := optim.Adagrad(groups{{Parameters: tensors{y}, Options: slow}}, options)
		if err != nil {
			return nil, err
		}
		return optimizer, optimizer.AddParamGroup(optim.ParamGroup{Parameters: tensors{x}})
	},
	"lbfgs": func(x, y *torch.Tensor) (trainer, error) {
		return optim.LBFGS(tensors{x, y}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) {
			o.LearningRate = 0.2
			o.MaxIterations = 1
			o.MaxEvaluations = o.MaxIterations * 5 / 4
		}))
	},
	"lbfgs_history": func(x, y *torch.Tensor) (trainer, error) {
		return optim.LBFGS(tensors{x, y}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) {
			o.LearningRate = 0.1
			o.MaxIterations = 3
			o.HistorySize = 2
			o.MaxEvaluations = o.MaxIterations * 5 / 4
		}))
	},
	"lbfgs_wolfe": func(x, y *torch.Tensor) (trainer, error) {
		return optim.LBFGS(tensors{x, y}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) {
			o.LearningRate = 0.1
			o.MaxIterations = 1
			o.MaxEvaluations = 5
			o.StrongWolfe = true
		}))
	},
	"lbfgs_wolfe_far": func(x, y *torch.Tensor) (trainer, error) {
		return optim.LBFGS(tensors{x, y}, edited(optim.DefaultLBFGS(), func(o *optim.LBFGSOptions) {
			o.LearningRate = 5
			o.MaxIterations = 2
			o.MaxEvaluations = 6
			o.ToleranceChange = 1e-12
			o.HistorySize = 3
			o.StrongWolfe = true
		}))
	},
}

// rosenbrock is (1-x)^2 / 100 + (y-x^2)^2.
func rosenbrock(x, y *torch.Tensor) *torch.Tensor {
	valley := y.Sub(x.Square()).Square()
	return x.RSubScalar(1).Square().DivScalar(100).Add(valley).Sum()
}

// A run is a point on its way, and what moves it.
type run struct {
	x, y      *torch.Tensor
	optimizer trainer
}

func begin(t *testing.T, name string, x, y float64, device torch.Device) run {
	t.Helper()
	r := run{x: parameterOn(device, x), y: parameterOn(device, y)}
	var err error
	r.optimizer, err = optimizerMakers[name](r.x, r.y)
	require.NoError(t, err)
	t.Cleanup(r.optimizer.Close)
	return r
}

func parameter(values ...float64) *torch.Tensor { return parameterOn(torch.CPU, values...) }

func parameterOn(device torch.Device, values ...float64) *torch.Tensor {
	return torch.FromSlice(values, nil, device).SetRequiresGrad(true)
}

func (r run) place() []float64 { return []float64{r.x.Item(), r.y.Item()} }

func (r run) step() {
	closure := func() *torch.Tensor {
		r.optimizer.ZeroGrad()
		loss := rosenbrock(r.x, r.y)
		loss.Backward()
		return loss
	}
	switch optimizer := r.optimizer.(type) {
	case *optim.Optimizer:
		closure()
		optimizer.Step()
	case *optim.LBFGSOptimizer:
		optimizer.Step(closure)
	}
}

// tolerance is for rounding: the same sums in another order, over 50 steps. LBFGS without a line
// search steps far enough on this function for roundings to grow.
func tolerance(name string) float64 {
	if strings.HasPrefix(name, "lbfgs") {
		return 1e-9
	}
	return 1e-12
}

// TestTrajectoriesAgreeWithPyTorch: 50 steps on the same function, each in a scope of its own.
func TestTrajectoriesAgreeWithPyTorch(t *testing.T) {
	reference, err := readOptimizerReference()
	require.NoError(t, err)
	require.Len(t, reference.Optimizers, len(optimizerMakers))
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for name, want := range reference.Optimizers {
			t.Run(name, func(t *testing.T) {
				r := begin(t, name, -1.5, 2, device)
				for step, place := range want {
					torch.Scope(func(*torch.TensorScope) { r.step() })
					require.InDeltaSlice(t, place, r.place(), tolerance(name), "step %d", step)
				}
			})
		}
	})
}

// stepsTo is a run of so many steps.
func stepsTo(t *testing.T, name string, steps int) run {
	t.Helper()
	r := begin(t, name, -1.5, 2, torch.CPU)
	for range steps {
		r.step()
	}
	return r
}

// goesOn loads a state of 25 steps into an optimizer that has gone elsewhere, and compares 25 more
// with what 50 in one go are.
func goesOn(t *testing.T, name string, state *torch.Dict) {
	t.Helper()
	reference, err := readOptimizerReference()
	require.NoError(t, err)
	places := reference.Optimizers[name]
	place := places[savedAt-1]
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		r := begin(t, name, place[0]+1, place[1]-1, device)
		r.step()
		torch.NoGrad(func() {
			r.x.MulScalarInPlace(0).AddScalarInPlace(place[0])
			r.y.MulScalarInPlace(0).AddScalarInPlace(place[1])
		})
		torch.Scope(func(*torch.TensorScope) { require.NoError(t, r.optimizer.LoadStateDict(state)) })
		for step, place := range places[savedAt:] {
			r.step()
			require.InDeltaSlice(t, place, r.place(), tolerance(name), "step %d", savedAt+step)
		}
	})
}

func TestTrajectoriesGoOn(t *testing.T) {
	for name := range optimizerMakers {
		t.Run(name, func(t *testing.T) {
			r := stepsTo(t, name, savedAt)
			state := r.optimizer.StateDict()
			r.step() // which leaves what was saved alone
			goesOn(t, name, state)
		})
	}
}

func TestTrajectoriesGoOnFromPython(t *testing.T) {
	states := pythonStates(t)
	for name := range optimizerMakers {
		t.Run(name, func(t *testing.T) { goesOn(t, name, dict(t, states.Get(name))) })
	}
}

// TestStatesThroughAFile saves every optimizer's and schedule's state and loads it again. The file
// goes where scripts/reference/test_optimizer_states.py wants it, which has Python go on from it.
func TestStatesThroughAFile(t *testing.T) {
	path := os.Getenv("OPTIMIZER_STATES")
	if path == "" {
		path = filepath.Join(t.TempDir(), "states.pt")
	}
	states := torch.NewDict()
	for name := range optimizerMakers {
		states.Set(name, stepsTo(t, name, savedAt).optimizer.StateDict())
	}
	for name := range scheduleMakers {
		states.Set(name, epochsTo(t, name, savedAt).state())
	}
	require.NoError(t, checkpoint.Save(path, states))
	loaded := loadDict(t, path)
	for name := range optimizerMakers {
		t.Run(name, func(t *testing.T) { goesOn(t, name, dict(t, loaded.Get(name))) })
	}
	for name := range scheduleMakers {
		t.Run(name, func(t *testing.T) { scheduleGoesOn(t, name, dict(t, loaded.Get(name))) })
	}
}

// TestStateDictIsPythons: the same keys, and the same values, as Python's after the same steps.
func TestStateDictIsPythons(t *testing.T) {
	states := pythonStates(t)
	for name := range optimizerMakers {
		t.Run(name, func(t *testing.T) {
			sameState(t, name, states.Get(name), stepsTo(t, name, savedAt).optimizer.StateDict(), tolerance(name))
		})
	}
}

// sameState compares nested values, numbers and tensors of one element alike.
func sameState(t *testing.T, at string, want, got any, within float64) {
	t.Helper()
	switch want := want.(type) {
	case *torch.Dict:
		require.IsType(t, want, got, at)
		for key, value := range want.All() {
			if key == "al" { // LBFGS's scratch
				continue
			}
			item, ok := got.(*torch.Dict).Lookup(key)
			require.True(t, ok, "%s: no %v", at, key)
			sameState(t, fmt.Sprintf("%s.%v", at, key), value, item, within)
		}
	case torch.Tuple:
		require.IsType(t, want, got, at)
		sameState(t, at, []any(want), []any(got.(torch.Tuple)), within)
	case []any:
		list, ok := got.([]any)
		require.True(t, ok, "%s: a %T", at, got)
		require.Len(t, list, len(want), at)
		for i := range want {
			sameState(t, at, want[i], list[i], within)
		}
	case *torch.Tensor:
		if tensor, ok := got.(*torch.Tensor); ok {
			assert.Equal(t, want.Shape(), tensor.Shape(), at)
			assert.Equal(t, want.DType(), tensor.DType(), at)
			require.InDeltaSlice(t, numbers(want), numbers(tensor), within, at)
			return
		}
		sameState(t, at, want.Item(), got, within)
	case int64, float64:
		number := asFloat(t, at, want)
		if math.IsInf(number, 0) {
			require.Equal(t, number, got, at)
			return
		}
		require.InDelta(t, number, asFloat(t, at, got), within*max(1, math.Abs(number)), at)
	default:
		require.Equal(t, want, got, at)
	}
}

func numbers(t *torch.Tensor) []float64 { return torch.ToSlice[float64](t.To(torch.Float64)) }

func asFloat(t *testing.T, at string, value any) float64 {
	t.Helper()
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	default:
		require.Failf(t, "no number", "%s: a %T", at, value)
		return 0
	}
}

func TestLearningRatesAndOptions(t *testing.T) {
	x, y := parameter(0), parameter(0)
	optimizer, err := optim.SGD([]optim.ParamGroup{
		{Parameters: tensors{x}},
		{Parameters: tensors{y}, Options: edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 2 })},
	}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 1 }))
	require.NoError(t, err)
	defer optimizer.Close()
	x.SetGrad(torch.FromSlice([]float64{1}, nil))
	y.SetGrad(torch.FromSlice([]float64{1}, nil))
	optimizer.Step()
	assert.Equal(t, []float64{-1, -2}, []float64{x.Item(), y.Item()})
	assert.Equal(t, []float64{1, 2}, optimizer.LearningRates())
	require.NoError(t, optimizer.SetLearningRates(0, 0.5))
	optimizer.Step()
	assert.Equal(t, []float64{-1, -2.5}, []float64{x.Item(), y.Item()})
	require.NoError(t, optimizer.SetLearningRate(3))
	optimizer.Step()
	assert.Equal(t, []float64{-4, -5.5}, []float64{x.Item(), y.Item()})
	require.NoError(t, optimizer.SetOptions(1, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 1; o.Momentum = 0.5 })))
	optimizer.Step()
	optimizer.Step()
	assert.Equal(t, []float64{-10, -8}, []float64{x.Item(), y.Item()})
	got := optimizer.Groups()
	require.Len(t, got, 2)
	assert.Equal(t, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 1; o.Momentum = 0.5 }), got[1].Options)
	assert.Equal(t, -8.0, got[1].Parameters[0].Item())

	optimizer.ZeroGradInPlace()
	assert.Equal(t, 0.0, x.Grad().Item())
	optimizer.ZeroGrad()
	assert.Nil(t, x.Grad())
	optimizer.Step() // a parameter without a gradient stays
	assert.Equal(t, -10.0, x.Item())
}

// TestOptimizerOutlivesScopesAndHandles: what the optimizer keeps belongs to no scope, and a
// parameter's handle may be closed.
func TestOptimizerOutlivesScopesAndHandles(t *testing.T) {
	for _, name := range []string{"adam", "lbfgs_history"} {
		var r run
		torch.Scope(func(scope *torch.TensorScope) {
			r = begin(t, name, -1.5, 2, torch.CPU)
			scope.Keep(r.x)
			scope.Keep(r.y)
			r.step()
		})
		for range 5 {
			torch.Scope(func(*torch.TensorScope) { r.step() })
		}
		r.x.Close()
		got := r.optimizer.Groups()[0].Parameters[0]
		assert.NotEqual(t, -1.5, got.Item(), name)
	}
}

// TestComplexParameters: SGD's arithmetic is that of complex numbers. The place is Python's.
func TestComplexParameters(t *testing.T) {
	x := torch.FromSlice([]complex128{1 + 2i}, nil).SetRequiresGrad(true)
	optimizer, err := optim.SGD(tensors{x}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.LearningRate = 0.1; o.Momentum = 0.9 }))
	require.NoError(t, err)
	defer optimizer.Close()
	for range 3 {
		optimizer.ZeroGrad()
		x.Mul(x).SubScalar(1).Abs().Square().Sum().Backward()
		optimizer.Step()
	}
	place := torch.ToSlice[complex128](x)[0]
	assert.InDelta(t, 1.09975296, real(place), 1e-9)
	assert.InDelta(t, -5.73955072, imag(place), 1e-9)
}

// TestOptimizerStateIsCounted, so that optimizers that nobody closes make the collector run.
func TestOptimizerStateIsCounted(t *testing.T) {
	const bytes = int64(4 << 18)
	x := torch.Zeros(torch.Shape{1 << 18}).SetRequiresGrad(true)
	for tensors, options := range map[int64]optim.AdamOptions{
		2: optim.DefaultAdam(), 3: edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.AMSGrad = true }),
	} {
		optimizer, err := optim.Adam([]*torch.Tensor{x}, options)
		require.NoError(t, err)
		x.SetGrad(torch.Ones(x.Shape()))
		optimizer.Step()
		open := torch.NativeBytes()
		optimizer.Close()
		assert.GreaterOrEqual(t, open-torch.NativeBytes(), tensors*bytes)
	}
}

func TestOptimizerMisuse(t *testing.T) {
	x, y := parameter(1), parameter(1, 2)
	good := optim.DefaultAdam()
	invalid := func(err error, with string) {
		t.Helper()
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.Contains(t, err.Error(), with)
		assert.NotContains(t, err.Error(), "\n")
	}
	adam := func(options optim.AdamOptions, parameters ...*torch.Tensor) error {
		_, err := optim.Adam(parameters, options)
		return err
	}
	invalid(adam(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = -1 }), x), "the learning rate is -1")
	invalid(adam(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = math.NaN() }), x), "the learning rate is NaN")
	invalid(adam(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.Betas = [2]float64{0.5, 1} }), x), "beta 2 is 1")
	invalid(adam(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.WeightDecay = -0.1 }), x), "the weight decay is -0.1")
	invalid(adam(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.Epsilon = math.Inf(1) }), x), "the epsilon is +Inf")
	_, err := optim.SGD(tensors{x}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.Nesterov = true }))
	invalid(err, "Nesterov")
	invalid(adam(good), "group 0 has no parameters")
	invalid(adam(good, x, nil), "parameter 1 of group 0 is nil")
	invalid(adam(good, x, x.MulScalar(2)), "parameter 1 of group 0 is no leaf")
	invalid(adam(good, torch.Ones(torch.Shape{1}, torch.Int64)), "parameter 0 of group 0 is of int64")
	_, err = optim.LBFGS(tensors{torch.Ones(torch.Shape{1}, torch.Complex64).SetRequiresGrad(true)}, optim.DefaultLBFGS())
	invalid(err, "complex64, and LBFGS is for real ones")
	invalid(adam(good, x, y, x.Alias()), "parameter 2 of group 0 is the same tensor as parameter 0 of group 0")
	_, err = optim.Adam([]optim.ParamGroup{}, good)
	invalid(err, "no groups")
	_, err = optim.Adam(groups{{Parameters: tensors{x}}, {Parameters: tensors{y, x}}}, good)
	invalid(err, "parameter 1 of group 1 is the same tensor as parameter 0 of group 0")
	_, err = optim.Adam(groups{{Parameters: tensors{x}, Options: optim.DefaultSGD()}}, good)
	invalid(err, "group 0 has options of optim.SGDOptions")
	closed := parameter(1)
	closed.Close()
	assert.ErrorIs(t, adam(good, closed), torch.ErrClosed)

	optimizer, err := optim.Adam(tensors{x}, good)
	require.NoError(t, err)
	invalid(optimizer.AddParamGroup(optim.ParamGroup{Parameters: tensors{x}}), "parameter 0 of group 1 is the same tensor as parameter 0 of group 0")
	invalid(optimizer.SetOptions(1, good), "no group 1")
	invalid(optimizer.SetOptions(0, nil), "nil")
	invalid(optimizer.SetOptions(0, optim.DefaultSGD()), "options of optim.SGDOptions")
	invalid(optimizer.SetOptions(0, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.AMSGrad = true })), "max_exp_avg_sq")
	invalid(optimizer.SetLearningRate(-2), "the learning rate is -2")
	invalid(optimizer.SetLearningRates(1, 2), "2 learning rates for 1 group")
	optimizer.Close()
	optimizer.Close()
	assert.ErrorIs(t, failure(t, optimizer.Step), torch.ErrClosed)
	assert.ErrorIs(t, failure(t, optimizer.ZeroGrad), torch.ErrClosed)
	assert.ErrorIs(t, failure(t, func() { optimizer.StateDict() }), torch.ErrClosed)
	assert.ErrorIs(t, optimizer.LoadStateDict(torch.NewDict()), torch.ErrClosed)
	assert.ErrorIs(t, optimizer.AddParamGroup(optim.ParamGroup{Parameters: tensors{y}}), torch.ErrClosed)
	invalid(failure(t, (*optim.Optimizer)(nil).Step), "the optimizer is nil")
}

// TestStateThatDoesNotFit: each is refused with what is wrong, and changes nothing.
func TestStateThatDoesNotFit(t *testing.T) {
	trained := func(options optim.AdamOptions, values ...float64) (*optim.Optimizer, *torch.Tensor) {
		x := parameter(values...)
		optimizer, err := optim.Adam(tensors{x}, options)
		require.NoError(t, err)
		t.Cleanup(optimizer.Close)
		x.Square().Sum().Backward()
		optimizer.Step()
		return optimizer, x
	}
	optimizer, x := trained(optim.DefaultAdam(), 1, 2)
	wide, _ := trained(edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.5 }), 1, 2, 3)
	before := optimizer.StateDict()

	plain := func() *torch.Dict { return optimizer.StateDict() }
	group := func(state *torch.Dict) *torch.Dict { return state.Get("param_groups").([]any)[0].(*torch.Dict) }
	first := func(state *torch.Dict) *torch.Dict { return state.Get("state").(*torch.Dict).Get(0).(*torch.Dict) }
	changed := func(change func(*torch.Dict)) *torch.Dict {
		state := plain()
		change(state)
		return state
	}
	sgd, err := optim.SGD(tensors{parameter(1, 2)}, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.Momentum = 0.9 }))
	require.NoError(t, err)
	defer sgd.Close()
	decayed, err := optim.AdamW(tensors{parameter(1, 2)}, optim.DefaultAdam())
	require.NoError(t, err)
	defer decayed.Close()
	two, err := optim.Adam(groups{{Parameters: tensors{parameter(1)}}, {Parameters: tensors{parameter(2)}}}, optim.DefaultAdam())
	require.NoError(t, err)
	defer two.Close()
	pair, err := optim.Adam(tensors{parameter(1), parameter(2)}, optim.DefaultAdam())
	require.NoError(t, err)
	defer pair.Close()

	for with, state := range map[string]*torch.Dict{
		`no list "param_groups"`: torch.NewDict("state", torch.NewDict()),
		`no dict "state"`:        torch.NewDict("param_groups", []any{}),
		`parameter 0 has shape [2], but "exp_avg" of its state has [3]`: wide.StateDict(),
		"the state has 2 groups of parameters, the optimizer 1":         two.StateDict(),
		"group 0 of the state has 2 parameters, the optimizer's 1":      pair.StateDict(),
		"another kind of weight decay":                                  decayed.StateDict(),
		`has no tensor "exp_avg_sq"`:                                    changed(func(s *torch.Dict) { first(s).Delete("exp_avg_sq") }),
		`has no tensor "max_exp_avg_sq"`:                                changed(func(s *torch.Dict) { group(s).Set("amsgrad", true) }),
		"step is missing or None":                                       changed(func(s *torch.Dict) { first(s).Delete("step") }),
		"lr is fast, no number":                                         changed(func(s *torch.Dict) { group(s).Set("lr", "fast") }),
		"the learning rate is -1":                                       changed(func(s *torch.Dict) { group(s).Set("lr", int64(-1)) }),
		"betas has 1 number":                                            changed(func(s *torch.Dict) { group(s).Set("betas", []any{0.9}) }),
		"params is missing":                                             changed(func(s *torch.Dict) { group(s).Delete("params") }),
		"group 0 of the state is a string":                              torch.NewDict("state", torch.NewDict(), "param_groups", []any{"x"}),
		"the state of parameter 0 is a bool":                            changed(func(s *torch.Dict) { s.Get("state").(*torch.Dict).Set(0, true) }),
	} {
		err := optimizer.LoadStateDict(state)
		require.ErrorIs(t, err, torch.ErrInvalid, with)
		assert.Contains(t, err.Error(), with)
		sameState(t, with, before, optimizer.StateDict(), 1e-15)
	}
	assert.ErrorIs(t, optimizer.LoadStateDict(nil), torch.ErrInvalid)
	require.NoError(t, optimizer.LoadStateDict(changed(func(s *torch.Dict) { group(s).Set("maximize", true) })))
	assert.True(t, optimizer.Groups()[0].Options.(optim.AdamOptions).Maximize)

	// What has no state yet, or settings that older versions did not write, is no misfit.
	fresh := plain()
	fresh.Set("state", torch.NewDict())
	group(fresh).Delete("amsgrad")
	group(fresh).Set("initial_lr", 0.25)
	require.NoError(t, optimizer.LoadStateDict(fresh))
	assert.Zero(t, optimizer.StateDict().Get("state").(*torch.Dict).Len())
	assert.Equal(t, 0.25, group(optimizer.StateDict()).Get("initial_lr"))
	optimizer.Step()
	assert.NotNil(t, x.Grad())
	require.NoError(t, sgd.LoadStateDict(sgd.StateDict()))
}

// edited is options with some of them changed.
func edited[O any](options O, change func(*O)) O {
	change(&options)
	return options
}

// failure is the *torch.Error that f panics with.
func failure(t *testing.T, f func()) error {
	t.Helper()
	err := torch.Try(func() error {
		f()
		return nil
	})
	require.Error(t, err)
	return err
}

// capturableMakers make the optimizers that can count their steps on the device.
func capturableMakers(capturable bool) map[string]func(tensors) (*optim.Optimizer, error) {
	return map[string]func(tensors) (*optim.Optimizer, error){
		"Adam": func(p tensors) (*optim.Optimizer, error) {
			return optim.Adam(p, edited(optim.DefaultAdam(), func(o *optim.AdamOptions) { o.LearningRate = 0.1; o.Capturable = capturable }))
		},
		"AdamW": func(p tensors) (*optim.Optimizer, error) {
			return optim.AdamW(p, edited(optim.DefaultAdamW(), func(o *optim.AdamOptions) { o.LearningRate = 0.1; o.AMSGrad = true; o.Capturable = capturable }))
		},
		"RMSprop": func(p tensors) (*optim.Optimizer, error) {
			return optim.RMSprop(p, edited(optim.DefaultRMSprop(), func(o *optim.RMSpropOptions) { o.Momentum = 0.5; o.Capturable = capturable }))
		},
		"Adamax": func(p tensors) (*optim.Optimizer, error) {
			return optim.Adamax(p, edited(optim.DefaultAdamax(), func(o *optim.AdamaxOptions) { o.LearningRate = 0.1; o.Capturable = capturable }))
		},
		"RAdam": func(p tensors) (*optim.Optimizer, error) {
			return optim.RAdam(p, edited(optim.DefaultRAdam(), func(o *optim.RAdamOptions) { o.LearningRate = 0.1; o.Capturable = capturable }))
		},
	}
}

func descend(t *testing.T, make func(tensors) (*optim.Optimizer, error), device torch.Device, steps int) (place []float64, state *torch.Dict) {
	t.Helper()
	x, y := parameterOn(device, -1.5), parameterOn(device, 2)
	optimizer, err := make(tensors{x, y})
	require.NoError(t, err)
	defer optimizer.Close()
	for range steps {
		optimizer.ZeroGrad()
		rosenbrock(x, y).Backward()
		optimizer.Step()
	}
	return []float64{x.Item(), y.Item()}, optimizer.StateDict()
}

func TestCapturableStepsAreTheSame(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for name, make := range capturableMakers(true) {
			t.Run(name, func(t *testing.T) {
				want, wantState := descend(t, capturableMakers(false)[name], device, 20)
				got, state := descend(t, make, device, 20)
				assert.InDeltaSlice(t, want, got, 1e-12)
				sameState(t, name, wantState.Get("state"), state.Get("state"), 1e-12)
			})
		}
	})
}

// TestStepsInACUDAGraph: a captured step counts on in each replay.
func TestStepsInACUDAGraph(t *testing.T) {
	device := testkit.GPU(t)
	const steps = 12
	for name, make := range capturableMakers(true) {
		t.Run(name, func(t *testing.T) {
			want, _ := descend(t, make, device, steps)
			x, y := parameterOn(device, -1.5), parameterOn(device, 2)
			optimizer, err := make(tensors{x, y})
			require.NoError(t, err)
			defer optimizer.Close()
			step := func() {
				optimizer.ZeroGradInPlace()
				rosenbrock(x, y).Backward()
				optimizer.Step()
			}
			graph, err := cuda.NewGraph()
			require.NoError(t, err)
			defer graph.Close()
			require.NoError(t, graph.WarmUp(3, step, cuda.GraphOptions{}))
			require.NoError(t, graph.Capture(step, cuda.GraphOptions{}))
			for range steps - 3 {
				require.NoError(t, graph.Replay())
			}
			assert.InDeltaSlice(t, want, []float64{x.Item(), y.Item()}, 1e-9)
			count := dict(t, dict(t, optimizer.StateDict().Get("state")).Get(0)).Get("step").(*torch.Tensor)
			assert.Equal(t, float64(steps), count.Item())
		})
	}
}

// TestComplexAndStridedParameters: complex numbers are steps on their parts, and how a parameter lies in
// memory does not matter.
func TestComplexAndStridedParameters(t *testing.T) {
	makers := capturableMakers(false)
	makers["SGD"] = func(p tensors) (*optim.Optimizer, error) {
		return optim.SGD(p, edited(optim.DefaultSGD(), func(o *optim.SGDOptions) { o.Momentum = 0.9 }))
	}
	makers["Adagrad"] = func(p tensors) (*optim.Optimizer, error) { return optim.Adagrad(p, optim.DefaultAdagrad()) }
	values := []float64{1, -2, 0.5, 3, -1, 0.25}
	gradients := []float64{0.5, 1, -2, 0.1, -0.3, 4}
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			plain := torch.FromSlice(values, torch.Shape{3, 2}).SetRequiresGrad(true)
			numbers := torch.FromSlice(values, torch.Shape{3, 2}).ViewAsComplex().Clone().SetRequiresGrad(true)
			turned := torch.FromSlice(values, torch.Shape{3, 2}).T().Contiguous().T().Detach().SetRequiresGrad(true)
			require.False(t, turned.IsContiguous())
			all := tensors{plain, numbers, turned}
			optimizer, err := make(all)
			require.NoError(t, err)
			defer optimizer.Close()
			for range 3 {
				gradient := torch.FromSlice(gradients, torch.Shape{3, 2})
				plain.SetGrad(gradient)
				numbers.SetGrad(gradient.ViewAsComplex())
				turned.SetGrad(gradient.T().Contiguous().T())
				optimizer.Step()
			}
			want := torch.ToSlice[float64](plain)
			assert.NotEqual(t, values, want)
			assert.InDeltaSlice(t, want, torch.ToSlice[float64](numbers.Detach().ViewAsReal()), 1e-15)
			assert.InDeltaSlice(t, want, torch.ToSlice[float64](turned), 1e-15)
			require.NoError(t, optimizer.LoadStateDict(optimizer.StateDict()))
		})
	}
}

// TestParametersThatJoinLater count their own steps.
func TestParametersThatJoinLater(t *testing.T) {
	for name, make := range capturableMakers(false) {
		t.Run(name, func(t *testing.T) {
			early, late, twin := parameter(1), parameter(1), parameter(1)
			together, err := make(tensors{early, late})
			require.NoError(t, err)
			alone, err := make(tensors{twin})
			require.NoError(t, err)
			gradient := torch.FromSlice([]float64{1}, nil)
			for step := range 6 {
				early.SetGrad(gradient)
				if step >= 3 {
					late.SetGrad(gradient)
					twin.SetGrad(gradient)
					alone.Step()
				}
				together.Step()
			}
			assert.InDelta(t, twin.Item(), late.Item(), 1e-15)
			assert.Less(t, early.Item(), late.Item())
		})
	}
}
