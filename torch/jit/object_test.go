package jit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// TestObjectsOfScriptedClasses go from a method to Go and back, alone and in containers.
func TestObjectsOfScriptedClasses(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		module := loadModule(t, "objects.pt", device)
		x := torch.FromSlice([]float32{3, 4}, nil, device)
		result, err := module.Call("forward", x)
		require.NoError(t, err)
		pair := result.(*jit.Object)
		assert.Contains(t, pair.Class(), "Pair")
		assert.Contains(t, pair.String(), "object of ")
		left, err := pair.Attribute("left")
		require.NoError(t, err)
		assert.Equal(t, []float32{3, 8}, left.(*torch.Tensor).Float32s())

		total, err := pair.Call("total")
		require.NoError(t, err)
		assert.Equal(t, 25.0, total.(*torch.Tensor).Item())
		_, err = pair.Call("bump", 2)
		require.NoError(t, err)
		require.NoError(t, pair.SetAttribute("notes", []string{"b", "c"}))
		notes, err := pair.Attribute("notes")
		require.NoError(t, err)
		assert.Equal(t, []string{"b", "c"}, notes)
		used, err := module.CallTensor("use", pair)
		require.NoError(t, err)
		assert.Equal(t, []float32{15, 40}, used.Float32s())
		used.Sum().Backward()
		weight, err := module.Parameters()
		require.NoError(t, err)
		assert.Equal(t, []float32{15, 20}, weight[0].Grad().Float32s(), "gradients flow through what an object holds")

		result, err = module.Call("many", x)
		require.NoError(t, err)
		all := result.(*torch.Dict).Get("all").([]any)
		require.Len(t, all, 2)
		sum, err := module.Call("sum_of", append(all, pair))
		require.NoError(t, err)
		assert.Equal(t, int64(1+2+5), sum)

		methods, err := pair.Methods()
		require.NoError(t, err)
		var signatures []string
		for _, method := range methods {
			signatures = append(signatures, method.String())
		}
		assert.Contains(t, signatures, "total(scale: float = 2) -> Tensor")
		attributes, err := pair.Attributes()
		require.NoError(t, err)
		assert.Equal(t, []jit.NamedType{{Name: "left", Type: "Tensor"}, {Name: "count", Type: "int"}, {Name: "notes", Type: "List[str]"}}, attributes)
	})
}

func TestObjectMisuse(t *testing.T) {
	module := loadModule(t, "objects.pt")
	result, err := module.Call("forward", torch.Ones(torch.Shape{2}))
	require.NoError(t, err)
	pair := result.(*jit.Object)
	_, err = pair.Attribute("right")
	require.ErrorIs(t, err, torch.ErrModel)
	assert.ErrorContains(t, err, "right")
	_, err = pair.Call("nothing")
	require.ErrorIs(t, err, torch.ErrModel)
	_, err = module.Call("use", module)
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, "Pair")
	_, err = module.Call("use", 3)
	require.ErrorIs(t, err, torch.ErrInvalid)
	_, err = loadModule(t, "objects.pt").Call("use", pair)
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, "is of another load: make it with a method of that model")
	pair.Close()
	pair.Close()
	_, err = module.Call("use", pair)
	require.ErrorIs(t, err, torch.ErrClosed)
	assert.ErrorContains(t, err, "the object is closed")
	for _, none := range []*jit.Object{nil, new(jit.Object)} {
		none.Close()
		assert.Empty(t, none.Class())
		_, err = none.Call("total")
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, "the object is nil")
		_, err = module.Call("use", none)
		require.ErrorIs(t, err, torch.ErrInvalid)
	}
	assert.Equal(t, "object(nil)", (*jit.Object)(nil).String())
}
