package jit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func tensorNames(named []torch.NamedTensor) []string {
	var names []string
	for _, each := range named {
		names = append(names, each.Name)
	}
	return names
}

func moduleNames(named []jit.NamedModule) []string {
	var names []string
	for _, each := range named {
		names = append(names, each.Name)
	}
	return names
}

func TestModuleMembers(t *testing.T) {
	reference := loadNetReference(t)
	net := loadModule(t, "net.pt")
	parameters, err := net.NamedParameters()
	require.NoError(t, err)
	assert.Equal(t, reference.Parameters, tensorNames(parameters))
	unnamed, err := net.Parameters()
	require.NoError(t, err)
	require.Len(t, unnamed, len(parameters))
	for i, tensor := range unnamed {
		assert.True(t, tensor.Equal(parameters[i].Tensor))
	}
	buffers, err := net.NamedBuffers()
	require.NoError(t, err)
	assert.Equal(t, reference.Buffers, tensorNames(buffers))
	unnamed, err = net.Buffers()
	require.NoError(t, err)
	assert.Len(t, unnamed, len(buffers))

	modules, err := net.NamedModules()
	require.NoError(t, err)
	assert.Equal(t, reference.Modules, moduleNames(modules))
	children, err := net.NamedChildren()
	require.NoError(t, err)
	assert.Equal(t, reference.Children, moduleNames(children))

	// A module in a module shares its weights, and works by itself.
	head := children[len(children)-1].Module
	bias, err := head.Attribute("bias")
	require.NoError(t, err)
	torch.NoGrad(func() { bias.(*torch.Tensor).FillInPlace(9) })
	shared, err := net.Attribute("head.bias")
	require.NoError(t, err)
	assert.Equal(t, []float32{9, 9, 9}, shared.(*torch.Tensor).Float32s())
}

func TestMethods(t *testing.T) {
	values := loadModule(t, "values.pt")
	methods, err := values.Methods()
	require.NoError(t, err)
	signatures := map[string]string{}
	for _, method := range methods {
		signatures[method.Name] = method.String()
	}
	assert.Equal(t, "forward(x: Tensor, scale: float = 2, shift: Optional[Tensor] = None) -> Tensor", signatures["forward"])
	assert.Equal(t, "counter() -> __torch__.Counter", signatures["counter"])
	assert.Equal(t, "nested(x: List[List[Tuple[int, str]]]) -> List[List[Tuple[int, str]]]", signatures["nested"])
	assert.Equal(t, jit.Argument{Name: "scale", Type: "float", HasDefault: true, Default: 2.0}, methods[0].Arguments[1])
	assert.False(t, methods[0].Arguments[0].HasDefault)
	assert.True(t, values.HasMethod("forward"))
	assert.False(t, values.HasMethod("nothing"))
	assert.Equal(t, `mode: str = "a"`, jit.Argument{Name: "mode", Type: "str", HasDefault: true, Default: "a"}.String())
}

func TestAttributes(t *testing.T) {
	values := loadModule(t, "values.pt")
	attributes, err := values.Attributes()
	require.NoError(t, err)
	for _, want := range []jit.NamedType{
		{Name: "training", Type: "bool"}, {Name: "names", Type: "List[str]"}, {Name: "sizes", Type: "Dict[str, int]"},
		{Name: "rate", Type: "float"}, {Name: "where", Type: "Device"}, {Name: "absent", Type: "Optional[Tensor]"},
		{Name: "limit", Type: "int"},
	} {
		assert.Contains(t, attributes, want)
	}
	for name, value := range map[string]struct{ before, after any }{
		"names": {[]string{"first", "second"}, []string{}},
		"sizes": {torch.NewDict("b", int64(2), "a", int64(1)), torch.NewDict("c", int64(3))},
		"rate":  {0.5, 1.0},
		"where": {torch.CPU, torch.CUDA(0)},
	} {
		got, err := values.Attribute(name)
		require.NoError(t, err)
		assert.Equal(t, value.before, got)
		require.NoError(t, values.SetAttribute(name, value.after))
		got, err = values.Attribute(name)
		require.NoError(t, err)
		assert.Equal(t, value.after, got)
	}
	limit, err := values.Attribute("limit")
	require.NoError(t, err)
	assert.Equal(t, int64(7), limit)

	absent, err := values.Attribute("absent")
	require.NoError(t, err)
	assert.Nil(t, absent)
	require.NoError(t, values.SetAttribute("absent", torch.Scalar(4)))
	absent, err = values.Attribute("absent")
	require.NoError(t, err)
	assert.Equal(t, 4.0, absent.(*torch.Tensor).Item())

	net := loadModule(t, "net.pt")
	require.NoError(t, net.SetAttribute("head.bias", torch.Ones(torch.Shape{3}).SetRequiresGrad(true)))
	require.NoError(t, net.SetAttribute("head.weight", torch.Zeros(torch.Shape{3, 4})))
	y, err := net.Forward(netInput())
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 1, 1, 1, 1, 1}, y.Float32s())
}

func TestAttributeFailures(t *testing.T) {
	values, net := loadModule(t, "values.pt"), loadModule(t, "net.pt")
	for name, message := range map[string]string{
		"nothing": "version, first, second, dropout, head", "": "no attribute",
		"head.nothing": "there are weight, bias, training", "nothing.weight": "no attribute", "version.x": "no attribute",
		"head.": "no attribute", ".": "no attribute",
	} {
		_, err := net.Attribute(name)
		require.ErrorIs(t, err, torch.ErrModel, name)
		assert.ErrorContains(t, err, message)
		assert.ErrorIs(t, net.SetAttribute(name, 1), torch.ErrModel, name)
	}
	err := values.SetAttribute("rate", "fast")
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, "rate wants float, not text")
	err = values.SetAttribute("limit", 8)
	require.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorContains(t, err, "limit is a constant")
	assert.ErrorIs(t, net.SetAttribute("head", net), torch.ErrInvalid, "another type of module")
	assert.ErrorIs(t, net.SetAttribute("version", struct{}{}), torch.ErrInvalid)
}
