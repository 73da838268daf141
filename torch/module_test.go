package torch_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// archive is written by scripts/reference_shims.py.
var archive = filepath.Join("..", "csrc", "tests", "testdata", "values.pt")

func loadModule(t *testing.T, device torch.Device) *torch.Module {
	t.Helper()
	module, _, err := torch.LoadModule(archive, device)
	require.NoError(t, err)
	return module
}

func TestLoadModule(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		module, files, err := torch.LoadModule(archive, device, "note.txt", "missing.txt")
		require.NoError(t, err)
		assert.Equal(t, map[string][]byte{"note.txt": []byte("a file beside the code")}, files)
		y, err := module.Forward(torch.FromSlice([]float32{1, 2}, nil, device))
		require.NoError(t, err)
		assert.Equal(t, []float32{2, 4}, y.Float32s())
		assert.Equal(t, device, y.Device())
	})
}

func TestReadModule(t *testing.T) {
	data, err := os.ReadFile(archive)
	require.NoError(t, err)
	module, files, err := torch.ReadModule(bytes.NewReader(data), torch.CPU, "note.txt")
	require.NoError(t, err)
	assert.Len(t, files, 1)
	y, err := module.Forward(torch.Ones([]int64{1}))
	require.NoError(t, err)
	assert.Equal(t, 2.0, y.Item())
}

func TestValuesOfAllKindsCross(t *testing.T) {
	module := loadModule(t, torch.CPU)
	result, err := module.Call("describe", torch.Ones([]int64{1}), []int64{1, 2}, torch.Tuple{"name", 0.5}, nil)
	require.NoError(t, err)
	described, ok := result.(map[string]any)["name"].(torch.Tuple)
	require.True(t, ok)
	assert.Equal(t, 4.0, described[0].(*torch.Tensor).Item())
	assert.Equal(t, torch.Tuple{int64(3), 0.5, true, []any{"name", "last"}}, described[1:])

	result, err = module.Call("describe", torch.Ones([]int64{1}), []any{4}, torch.Tuple{"n", 1.0}, torch.Ones([]int64{1}))
	require.NoError(t, err)
	described = result.(map[string]any)["n"].(torch.Tuple)
	assert.Equal(t, int64(4), described[1])
	assert.Equal(t, false, described[3])
}

func TestModuleFailures(t *testing.T) {
	module := loadModule(t, torch.CPU)
	x := torch.Ones([]int64{1})
	closed := torch.Ones([]int64{1})
	closed.Close()
	for name, test := range map[string]struct {
		kind error
		call func() error
	}{
		"raised":            {torch.ErrInvalid, func() error { _, err := module.Call("fail", x); return err }},
		"no such method":    {torch.ErrModel, func() error { _, err := module.Call("nothing", x); return err }},
		"too few arguments": {torch.ErrInvalid, func() error { _, err := module.Call("forward"); return err }},
		"wrong type":        {torch.ErrInvalid, func() error { _, err := module.Call("forward", "text"); return err }},
		"unknown Go type":   {torch.ErrInvalid, func() error { _, err := module.Call("forward", struct{}{}); return err }},
		"closed tensor":     {torch.ErrClosed, func() error { _, err := module.Call("forward", closed); return err }},
		"not one tensor": {torch.ErrModel, func() error {
			_, err := module.CallTensor("describe", x, []int64{1}, torch.Tuple{"n", 1.0}, nil)
			return err
		}},
		"no attribute":        {torch.ErrModel, func() error { _, err := module.Attribute("nothing"); return err }},
		"no nested attribute": {torch.ErrModel, func() error { _, err := module.Attribute("scale.nothing"); return err }},
		"save to no folder":   {os.ErrNotExist, func() error { return module.Save(filepath.Join(t.TempDir(), "none", "a.pt"), nil) }},
		"missing file":        {os.ErrNotExist, func() error { _, _, err := torch.LoadModule("none.pt", torch.CPU); return err }},
		"no archive": {torch.ErrModel, func() error {
			_, _, err := torch.ReadModule(bytes.NewReader([]byte("text")), torch.CPU)
			return err
		}},
		"damaged archive": {torch.ErrModel, func() error {
			_, _, err := torch.ReadModule(bytes.NewReader([]byte("PK\x03\x04 and then nothing")), torch.CPU)
			return err
		}},
		"nil module": {torch.ErrInvalid, func() error { _, err := (*torch.Module)(nil).Forward(x); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.call()
			require.Error(t, err)
			assert.ErrorIs(t, err, test.kind)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := module.Call("fail", x)
	assert.ErrorContains(t, err, "this method always fails")
}

func TestModuleParts(t *testing.T) {
	module := loadModule(t, torch.CPU)
	methods, err := module.Methods()
	require.NoError(t, err)
	assert.Subset(t, methods, []string{"forward", "describe", "fail"})
	assert.True(t, module.HasMethod("describe"))
	assert.False(t, module.HasMethod("nothing"))
	parameters, err := module.Parameters()
	require.NoError(t, err)
	require.Len(t, parameters, 1)
	assert.Equal(t, "scale", parameters[0].Name)
	buffers, err := module.Buffers()
	require.NoError(t, err)
	assert.Empty(t, buffers)
	scale, err := module.Attribute("scale")
	require.NoError(t, err)
	assert.Equal(t, 2.0, scale.(*torch.Tensor).Item())
}

func TestModuleToAndGradients(t *testing.T) {
	module := loadModule(t, torch.CPU)
	require.NoError(t, module.SetRequiresGrad(false))
	y, err := module.Forward(torch.Ones([]int64{1}))
	require.NoError(t, err)
	assert.False(t, y.RequiresGrad())
	require.NoError(t, module.SetRequiresGrad(true))
	y, err = module.Forward(torch.Full([]int64{1}, 3))
	require.NoError(t, err)
	y.Backward()
	parameters, err := module.Parameters()
	require.NoError(t, err)
	assert.Equal(t, 3.0, parameters[0].Tensor.Grad().Item())

	require.NoError(t, module.To(torch.Float64))
	y, err = module.Forward(torch.Ones([]int64{1}, torch.Float64))
	require.NoError(t, err)
	assert.Equal(t, torch.Float64, y.DType())
	require.NoError(t, module.Train())
	require.NoError(t, module.Eval())
	require.NoError(t, module.ChannelsLast())
}

func TestFreeze(t *testing.T) {
	module := loadModule(t, torch.CPU)
	_, err := module.Freeze("forward")
	assert.ErrorIs(t, err, torch.ErrInvalid, "a module in training mode")
	require.NoError(t, module.Eval())
	frozen, err := module.Freeze("forward")
	require.NoError(t, err)
	x := torch.Full([]int64{1}, 5).SetRequiresGrad(true)
	y, err := frozen.Forward(x)
	require.NoError(t, err)
	assert.Equal(t, 10.0, y.Item())
	y.Backward()
	assert.Equal(t, 2.0, x.Grad().Item())
	assert.False(t, frozen.HasMethod("describe"))
	assert.True(t, module.HasMethod("describe"))
}

func TestSaveAndLoad(t *testing.T) {
	module := loadModule(t, torch.CPU)
	path := filepath.Join(t.TempDir(), "saved.pt")
	require.NoError(t, module.Save(path, map[string][]byte{"config.json": []byte("{}")}))
	again, files, err := torch.LoadModule(path, torch.CPU, "config.json")
	require.NoError(t, err)
	assert.Equal(t, []byte("{}"), files["config.json"])
	y, err := again.Forward(torch.Ones([]int64{1}))
	require.NoError(t, err)
	assert.Equal(t, 2.0, y.Item())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file is left")
}

func TestModuleIsConcurrentAndCloses(t *testing.T) {
	module := loadModule(t, torch.CPU)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := 0; ; i++ {
				y, err := module.Forward(torch.Full([]int64{1}, float64(i)))
				if err != nil {
					assert.ErrorIs(t, err, torch.ErrClosed)
					return
				}
				assert.Equal(t, float64(2*i), y.Item())
				if i == 100 {
					module.Close()
				}
			}
		})
	}
	group.Wait()
	module.Close()
}

func TestSetProfiling(t *testing.T) {
	assert.False(t, torch.SetProfiling(true), "off at start")
	assert.True(t, torch.SetProfiling(false))
}
