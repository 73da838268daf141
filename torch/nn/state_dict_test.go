package nn_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/nn"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func TestStateDictThroughFiles(t *testing.T) {
	python := references(t, "network.pt")
	torch.ManualSeed(seed + 1)
	n := newNetwork()
	report, err := nn.LoadStateDict(n, python, torch.StateDictOptions{})
	require.NoError(t, err)
	assert.Empty(t, report)
	state := nn.StateDict(n)
	assertState(t, python, state, "loaded")
	assert.True(t, state.Ordered)

	// The versions of the layers are Python's, by the same names.
	versions := func(d *torch.Dict) map[any]any {
		all := map[any]any{}
		for name, entry := range d.Attributes.Get("_metadata").(*torch.Dict).All() {
			all[name] = entry.(*torch.Dict).Get("version")
		}
		return all
	}
	path := filepath.Join(t.TempDir(), "network.pt")
	require.NoError(t, checkpoint.Save(path, state))
	loaded, err := checkpoint.Load(path)
	require.NoError(t, err)
	assert.Equal(t, versions(python), versions(loaded.(*torch.Dict)))
	assertState(t, python, loaded.(*torch.Dict), "file of torch.save")

	path = filepath.Join(t.TempDir(), "network.safetensors")
	tensors, err := state.Tensors()
	require.NoError(t, err)
	require.NoError(t, safetensors.Save(path, tensors, nil))
	tensors, _, err = safetensors.Load(path)
	require.NoError(t, err)
	other := newNetwork()
	_, err = nn.LoadStateDict(other, torch.StateDict(tensors), torch.StateDictOptions{})
	require.NoError(t, err)
	assertState(t, python, nn.StateDict(other), "safetensors")
}

func TestStateDictsThatDoNotFit(t *testing.T) {
	n := newNetwork()
	state := nn.StateDict(n)
	before := n.Scale.Clone()
	state.Delete("heads.a.weight")
	state.Set("extra", torch.Zeros(torch.Shape{1}))
	state.Set("offset", torch.Zeros(torch.Shape{1}))
	state.Set("scale", torch.Zeros(torch.Shape{4}))
	report, err := nn.LoadStateDict(n, state, torch.StateDictOptions{})
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.EqualError(t, err, "torch: nn.LoadStateDict: the state dict does not fit: missing: heads.a.weight; "+
		"unexpected: extra; of another shape: offset is [1], [4] is wanted")
	assert.Equal(t, torch.StateDictReport{Missing: []string{"heads.a.weight"}, Unexpected: []string{"extra"}}, report)
	assert.True(t, before.Equal(n.Scale), "nothing is copied")

	_, err = nn.LoadStateDict(n, state, torch.StateDictOptions{Partial: true})
	assert.EqualError(t, err, "torch: nn.LoadStateDict: the state dict does not fit: "+
		"of another shape: offset is [1], [4] is wanted")
	state.Delete("offset")
	report, err = nn.LoadStateDict(n, state, torch.StateDictOptions{Partial: true})
	require.NoError(t, err)
	assert.Equal(t, torch.StateDictReport{Missing: []string{"offset", "heads.a.weight"}, Unexpected: []string{"extra"}}, report)
	assert.Zero(t, n.Scale.Abs().Max().Item())

	state.Set("scale", 3.0)
	_, err = nn.LoadStateDict(n, state, torch.StateDictOptions{Partial: true})
	assert.ErrorContains(t, err, `"scale" is a float64 in the state dict, not a tensor`)
	state.Delete("scale")
	state.Set(1, torch.Zeros(nil))
	_, err = nn.LoadStateDict(n, state, torch.StateDictOptions{Partial: true})
	assert.ErrorContains(t, err, "the key 1")
	_, err = nn.LoadStateDict(*n, state, torch.StateDictOptions{})
	assert.ErrorContains(t, err, "give a pointer to it")
	_, err = nn.LoadStateDict(nil, state, torch.StateDictOptions{})
	assert.ErrorContains(t, err, "the module is nil")
}

type base struct {
	nn.Mode
	Shared *torch.Tensor
}

type odd struct {
	base
	*nn.Linear
	nn.BatchNorm2d `nn:"bn"`

	MLPHead  [2]nn.Linear
	OutProj2 map[string]*torch.Tensor
	Tied     *torch.Tensor `nn:"tied"`
	Cache    *torch.Tensor `nn:",buffer,transient"`
	Absent   *nn.Linear
	Loss     *nn.Linear `nn:"-"`
	hidden   *nn.Linear `nn:"-"`

	Any  any
	Drop []any
}

func TestNamesByReflection(t *testing.T) {
	one := func() *torch.Tensor { return torch.Ones(torch.Shape{1}).SetRequiresGrad(true) }
	o := &odd{Linear: nn.NewLinear(1, 1, nn.LinearOptions{}), BatchNorm2d: *nn.NewBatchNorm2d(2, nn.BatchNormOptions{}),
		OutProj2: map[string]*torch.Tensor{"b": one(), "a": one()}, Cache: one(), hidden: nn.NewLinear(1, 1, nn.LinearOptions{})}
	o.Shared = one()
	o.Tied = o.Shared
	o.MLPHead[1].Weight = one()
	o.Any = &nn.Embedding{Weight: one()}
	o.Drop = []any{nn.NewDropout(0.1), nn.ReLU{}}
	assert.Equal(t, []string{"shared", "weight", "bias", "tied", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
		"bn.num_batches_tracked", "mlp_head.1.weight", "out_proj2.a", "out_proj2.b", "any.weight"}, stateNames(t, o))
	assert.Equal(t, []string{"shared", "weight", "bias", "bn.weight", "bn.bias", "mlp_head.1.weight", "out_proj2.a",
		"out_proj2.b", "any.weight"}, names(nn.NamedParameters(o)), "a tied parameter comes once")
	assert.Equal(t, []string{"cache", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"}, names(nn.NamedBuffers(o)))
	assert.EqualValues(t, 1+2+4+1+2+1, nn.NumParameters(o))

	nn.Eval(o)
	assert.False(t, o.base.Training() || o.BatchNorm2d.Training() || o.Drop[0].(*nn.Dropout).Training())
	nn.Train(o)
	assert.True(t, o.base.Training() && o.BatchNorm2d.Training() && o.Drop[0].(*nn.Dropout).Training())

	nn.To(o, torch.Float64)
	assert.Equal(t, torch.Float64, o.OutProj2["a"].DType())
	assert.Same(t, o.Tied, o.Shared, "tied parameters stay tied")
	nn.SetRequiresGrad(o, false)
	assert.False(t, o.Tied.RequiresGrad())
	nn.SetRequiresGrad(o, true)
	o.Tied.Sum().Backward()
	require.NotNil(t, o.Shared.Grad())
	nn.ZeroGrad(o)
	assert.Nil(t, o.Shared.Grad())

	var modules []string
	for name := range nn.Modules(newNetwork()) {
		modules = append(modules, name)
	}
	assert.Equal(t, []string{"", "stem", "stem.0", "stem.1", "blocks", "blocks.0", "blocks.0.conv1", "blocks.0.norm",
		"blocks.1", "blocks.1.conv1", "blocks.1.norm", "heads", "heads.a", "heads.b"}, modules)
	nn.Close(o)
	assert.ErrorIs(t, torch.Try(func() error { o.Shared.Shape(); return nil }), torch.ErrClosed)
}

func stateNames(t *testing.T, module any) []string {
	tensors, err := nn.StateDict(module).Tensors()
	require.NoError(t, err)
	return names(tensors)
}

type ring struct{ Next *ring }

func TestMisshapenModules(t *testing.T) {
	loop := &ring{}
	loop.Next = loop
	var none *network
	for message, module := range map[string]any{
		"field hidden of struct { hidden *nn.Linear } is not exported": &struct{ hidden *nn.Linear }{},
		"holds itself": loop,
		"the name \"a.b\" has a dot": &struct {
			A *torch.Tensor `nn:"a.b"`
		}{},
		"no option \"bufer\"": &struct {
			A *torch.Tensor `nn:"a,bufer"`
		}{},
		"has the name \"a\" twice": &struct {
			A *torch.Tensor
			B *torch.Tensor `nn:"a"`
		}{},
		"keys are not strings":                 &map[int]*torch.Tensor{},
		"cannot be changed: use a pointer":     map[string]nn.Linear{"a": {}},
		"a nn.Linear cannot be changed":        nn.Linear{},
		"the module is a nil *nn_test.network": none,
	} {
		err := torch.Try(func() error { nn.Parameters(module); return nil })
		assert.ErrorIs(t, err, torch.ErrInvalid, message)
		assert.ErrorContains(t, err, message)
	}
}
