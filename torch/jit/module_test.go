package jit_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// moduleFile is a file that scripts/reference/reference_modules.py wrote.
func moduleFile(name string) string { return filepath.Join("testdata", "modules", name) }

func loadModule(t testing.TB, name string, where ...torch.Option) *jit.Module {
	t.Helper()
	module, err := jit.Load(moduleFile(name), where...)
	require.NoError(t, err)
	t.Cleanup(module.Close)
	return module
}

// netReference is what Python computes with net.pt.
type netReference struct {
	Shown         string
	Output        []float32
	InputGradient []float32 `json:"input_gradient"`
	HeadGradient  []float32 `json:"head_gradient"`
	Parameters    []string
	Buffers       []string
	Modules       []string
	Children      []string
}

func loadNetReference(t *testing.T) netReference {
	t.Helper()
	data, err := os.ReadFile(moduleFile("net.json"))
	require.NoError(t, err)
	var reference netReference
	require.NoError(t, json.Unmarshal(data, &reference))
	return reference
}

func netInput(where ...torch.Option) *torch.Tensor {
	return torch.Linspace(-1, 1, 100, where...).Reshape(torch.Shape{2, 2, 5, 5})
}

// float32Rounding bounds what another order of summation may change.
const float32Rounding = 1e-6

func TestModuleComputesWhatPythonDoes(t *testing.T) {
	reference := loadNetReference(t)
	for _, profiling := range []bool{false, true} {
		testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
			defer func(before bool) { assert.NoError(t, jit.SetProfiling(before)) }(jit.Profiling())
			require.NoError(t, jit.SetProfiling(profiling))
			net := loadModule(t, "net.pt", device)
			for range 4 { // the profiler specializes the second or third
				require.NoError(t, net.ZeroGrad())
				x := netInput(device).SetRequiresGrad(true)
				y, err := net.Forward(x)
				require.NoError(t, err)
				y.Square().Sum().Backward()
				assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
				assert.InDeltaSlice(t, reference.InputGradient, x.Grad().Float32s(), float32Rounding)
				weight, err := net.Attribute("head.weight")
				require.NoError(t, err)
				assert.InDeltaSlice(t, reference.HeadGradient, weight.(*torch.Tensor).Grad().Float32s(), float32Rounding)
			}
		})
	}
}

func TestEachCallIsTheSameWithoutProfiling(t *testing.T) {
	net := loadModule(t, "net.pt")
	var first []float32
	for i := range 4 {
		y, err := net.Forward(netInput())
		require.NoError(t, err)
		if i == 0 {
			first = y.Float32s()
		}
		assert.Equal(t, first, y.Float32s(), "call %d", i)
	}
}

func TestSetProfiling(t *testing.T) {
	assert.False(t, jit.Profiling(), "off at start")
	require.NoError(t, jit.SetProfiling(true))
	assert.True(t, jit.Profiling())
	require.NoError(t, jit.SetProfiling(false))
	assert.False(t, jit.Profiling())
}

func TestCallFailures(t *testing.T) {
	values := loadModule(t, "values.pt")
	x := torch.Ones(torch.Shape{2})
	closed := torch.Ones(torch.Shape{1})
	closed.Close()
	closedModule := loadModule(t, "values.pt")
	closedModule.Close()
	for name, test := range map[string]struct {
		kind      error
		message   string
		method    string
		arguments []any
	}{
		"raised":            {torch.ErrModel, "fail: this method always fails: Error: or so", "fail", []any{x}},
		"no such method":    {torch.ErrModel, "there is no method nothing; there are forward, absentees, anything", "nothing", nil},
		"too few arguments": {torch.ErrInvalid, "forward(x: Tensor, scale: float = 2., shift: Optional[Tensor] = None) was not given x", "forward", nil},
		"too many": {torch.ErrInvalid, "takes 3 arguments, not 4", "forward",
			[]any{x, 1, nil, 2}},
		"wrong type": {torch.ErrInvalid, "argument 1 of forward(x: Tensor, scale: float = 2., shift: Optional[Tensor] = None): " +
			"x wants Tensor, not text", "forward", []any{"text"}},
		"wrong type by name": {torch.ErrInvalid, "scale wants float, not a tensor", "forward", []any{x, jit.Kwargs{"scale": x}}},
		"unknown name":       {torch.ErrInvalid, "has no argument size", "forward", []any{x, jit.Kwargs{"size": 1}}},
		"given twice":        {torch.ErrInvalid, "was given x by place and by name", "forward", []any{x, jit.Kwargs{"x": x}}},
		"not whole":          {torch.ErrInvalid, "x wants int, not a number", "whole", []any{0.5}},
		"in a list":          {torch.ErrInvalid, "x[1] wants int, not text", "wholes", []any{[]any{1, "two"}}},
		"deep inside":        {torch.ErrInvalid, "x[0][1][1] wants str, not a whole number", "nested", []any{[]any{[]any{torch.Tuple{1, "a"}, torch.Tuple{1, 2}}}}},
		"in a dict":          {torch.ErrInvalid, `x["b"] wants Tensor, not a bool`, "by_name", []any{torch.NewDict("a", x, "b", true)}},
		"a key":              {torch.ErrInvalid, "x's key wants str, not a whole number", "by_name", []any{torch.NewDict(1, x)}},
		"tuple's size":       {torch.ErrInvalid, "x wants a tuple of 2", "tuple", []any{torch.Tuple{1}}},
		"field's name":       {torch.ErrInvalid, "x[0] is the field place, not plaice", "point", []any{torch.NamedTuple{{Name: "plaice", Value: x}, {Name: "label", Value: "a"}}}},
		"no member":          {torch.ErrInvalid, `(RED, BLUE), not "GREEN"`, "color", []any{"GREEN"}},
		"no such device":     {torch.ErrInvalid, "nowhere", "device", []any{"nowhere"}},
		"absent tensor":      {torch.ErrInvalid, "x wants Tensor, not nothing", "forward", []any{nil}},
		"in no union":        {torch.ErrInvalid, "not a tensor", "union", []any{x}},
		"unknown Go type":    {torch.ErrInvalid, "a struct {} cannot be given to TorchScript", "forward", []any{struct{}{}}},
		"closed tensor":      {torch.ErrClosed, "closed", "forward", []any{closed}},
		"closed in a list":   {torch.ErrClosed, "closed", "tensors", []any{[]any{x, closed}}},
		"closed module":      {torch.ErrClosed, "closed", "anything", []any{closedModule}},
		"holds itself":       {torch.ErrNotImplemented, "deep", "endless", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := values.Call(test.method, test.arguments...)
			require.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, test.message)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := loadModule(t, "net.pt").Forward(torch.Ones(torch.Shape{1}))
	assert.ErrorIs(t, err, torch.ErrInvalid, "shapes that do not fit")
	_, err = values.CallTensor("text", "a")
	assert.ErrorIs(t, err, torch.ErrModel)
	_, err = (*jit.Module)(nil).Forward(x)
	assert.ErrorIs(t, err, torch.ErrInvalid)

	// A failure of an operator inside.
	net := loadModule(t, "net.pt")
	_, err = net.Forward(x)
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.NotContains(t, err.Error(), "Traceback")

	endless := make([]any, 1)
	endless[0] = endless
	_, err = values.Call("anything", endless)
	assert.ErrorIs(t, err, torch.ErrInvalid)
}

func TestNamedArgumentsAndDefaults(t *testing.T) {
	values := loadModule(t, "values.pt")
	x := torch.FromSlice([]float32{1}, nil)
	for _, test := range []struct {
		want      float64
		arguments []any
	}{
		{2, []any{x}},
		{3, []any{x, 3}},
		{3.5, []any{x, 3.5, nil}},
		{4, []any{x, 3, x}},
		{5, []any{x, jit.Kwargs{"scale": 5}}},
		{3, []any{x, jit.Kwargs{"shift": x}}},
		{7, []any{jit.Kwargs{"shift": x, "scale": 6, "x": x}}},
		{2, []any{x, jit.Kwargs{}}},
	} {
		y, err := values.Forward(test.arguments...)
		require.NoError(t, err)
		assert.Equal(t, test.want, y.Item())
	}
}

func TestTrainAndEval(t *testing.T) {
	net := loadModule(t, "net.pt")
	assert.False(t, net.IsTraining())
	require.NoError(t, net.Train())
	assert.True(t, net.IsTraining())
	first, err := net.Call("features", netInput())
	require.NoError(t, err)
	// Two draws of so few features may well be the same.
	differs := false
	for range 64 {
		again, err := net.Call("features", netInput())
		require.NoError(t, err)
		differs = differs || !first.(*torch.Tensor).Equal(again.(*torch.Tensor))
	}
	assert.True(t, differs, "dropout is on")
	require.NoError(t, net.Eval())
	assert.False(t, net.IsTraining())
}

func TestModuleToAndGradients(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		net := loadModule(t, "net.pt", device)
		require.NoError(t, net.SetRequiresGrad(false))
		y, err := net.Forward(netInput(device))
		require.NoError(t, err)
		assert.False(t, y.RequiresGrad())
		require.NoError(t, net.SetRequiresGrad(true))
		y, err = net.Forward(netInput(device))
		require.NoError(t, err)
		y.Sum().Backward()

		require.NoError(t, net.To(torch.Float64))
		require.NoError(t, net.To(device))
		parameters, err := net.Parameters()
		require.NoError(t, err)
		for _, parameter := range parameters {
			assert.Equal(t, torch.Float64, parameter.DType())
			assert.Equal(t, device, parameter.Device())
			assert.Equal(t, torch.Float64, parameter.Grad().DType())
		}
		count, err := net.Attribute("first.norm.num_batches_tracked")
		require.NoError(t, err)
		assert.Equal(t, torch.Int64, count.(*torch.Tensor).DType(), "whole numbers stay whole")
		y, err = net.Forward(netInput(torch.Float64, device))
		require.NoError(t, err)
		assert.Equal(t, torch.Float64, y.DType())

		require.NoError(t, net.ZeroGrad())
		assert.Nil(t, parameters[0].Grad())
		require.NoError(t, net.ChannelsLast())
	})
}

func TestClone(t *testing.T) {
	net := loadModule(t, "net.pt")
	require.NoError(t, net.SetRequiresGrad(true))
	copied, err := net.Clone()
	require.NoError(t, err)
	parameters, err := copied.Parameters()
	require.NoError(t, err)
	for _, parameter := range parameters {
		assert.True(t, parameter.RequiresGrad())
		assert.True(t, parameter.IsLeaf())
		torch.NoGrad(func() { parameter.FillInPlace(0) })
	}
	assert.Equal(t, net.ExtraFiles(), copied.ExtraFiles())
	y, err := net.Forward(netInput())
	require.NoError(t, err)
	assert.InDeltaSlice(t, loadNetReference(t).Output, y.Float32s(), float32Rounding)
	y, err = copied.Forward(netInput())
	require.NoError(t, err)
	assert.Equal(t, make([]float32, 6), y.Float32s())

	require.NoError(t, net.SetRequiresGrad(false))
	copied, err = net.Clone()
	require.NoError(t, err)
	parameters, err = copied.Parameters()
	require.NoError(t, err)
	assert.False(t, parameters[0].RequiresGrad())
}

func TestFreeze(t *testing.T) {
	reference := loadNetReference(t)
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		net := loadModule(t, "net.pt", device)
		require.NoError(t, net.Train())
		_, err := net.Freeze()
		assert.ErrorIs(t, err, torch.ErrInvalid, "a module in training mode")
		require.NoError(t, net.Eval())
		_, err = net.Freeze("nothing")
		assert.ErrorIs(t, err, torch.ErrModel)
		assert.ErrorContains(t, err, "there are forward, features")

		for _, names := range [][]string{nil, {"features", "version"}} {
			frozen, err := net.Freeze(names...)
			require.NoError(t, err)
			x := netInput(device).SetRequiresGrad(true)
			y, err := frozen.Forward(x)
			require.NoError(t, err)
			assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
			y.Square().Sum().Backward()
			assert.InDeltaSlice(t, reference.InputGradient, x.Grad().Float32s(), float32Rounding)
			assert.Equal(t, names != nil, frozen.HasMethod("features"))
			_, err = frozen.Attribute("version")
			assert.Equal(t, names != nil, err == nil)
			assert.Contains(t, frozen.ExtraFiles(), "config.json")

			assert.False(t, frozen.IsTraining())
			assert.NoError(t, frozen.Eval())
			assert.ErrorIs(t, frozen.Train(), torch.ErrInvalid)
			parameters, err := frozen.Parameters()
			require.NoError(t, err)
			assert.Empty(t, parameters)
		}
		assert.True(t, net.HasMethod("features"), "the module stays as it was")
	})
}

func TestOptimizeForInference(t *testing.T) {
	net := loadModule(t, "net.pt")
	optimized, err := net.OptimizeForInference("features")
	require.NoError(t, err)
	torch.NoGrad(func() {
		for range 2 {
			y, err := optimized.Forward(netInput())
			require.NoError(t, err)
			assert.InDeltaSlice(t, loadNetReference(t).Output, y.Float32s(), float32Rounding)
			features, err := optimized.CallTensor("features", netInput())
			require.NoError(t, err)
			assert.Equal(t, []int64{2, 4}, features.Shape())
		}
	})
}

func TestModuleIsConcurrentAndCloses(t *testing.T) {
	reference := loadNetReference(t)
	net := loadModule(t, "net.pt")
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := 0; ; i++ {
				y, err := net.Forward(netInput())
				if err != nil {
					assert.ErrorIs(t, err, torch.ErrClosed)
					return
				}
				assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
				if i == 20 {
					net.Close()
				}
			}
		})
	}
	group.Wait()
	net.Close()
	_, err := net.Forward(netInput())
	var failure *torch.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, torch.ErrClosed, failure.Kind)
	assert.Equal(t, "forward", failure.Operation)
	for name, use := range map[string]func() error{
		"attribute": func() error { _, err := net.Attribute("version"); return err },
		"set":       func() error { return net.SetAttribute("version", 1) },
		"methods":   func() error { _, err := net.Methods(); return err },
		"state":     func() error { _, err := net.StateDict(); return err },
		"save":      func() error { return net.Save(filepath.Join(t.TempDir(), "a.pt")) },
		"file":      func() error { return net.SetExtraFile("a", nil) },
		"to":        func() error { return net.To(torch.CPU) },
		"clone":     func() error { _, err := net.Clone(); return err },
		"freeze":    func() error { _, err := net.Freeze(); return err },
	} {
		assert.ErrorIs(t, use(), torch.ErrClosed, name)
	}
	assert.False(t, net.HasMethod("forward"))
	assert.False(t, net.IsTraining())
}
