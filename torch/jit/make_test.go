package jit_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

const networkSource = `
# Comments and docstrings are left alone.
def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def activation(x):
    return quick_gelu(x)


class Linear:
    """A layer whose bias may be missing."""

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "bias"):
            return torch.linear(x, self.weight, self.bias)
        return torch.linear(x, self.weight)


class Attention:
    def forward(self, x: Tensor) -> Tensor:
        heads = self.qkv(x).unflatten(-1, [3, self.heads, -1]).permute(2, 0, 3, 1, 4)
        x = torch.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        return self.out(x.transpose(1, 2).flatten(2))


class Block:
    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.normalize(x))
        return x + self.fc2(activation(self.fc1(x)))

    def normalize(self, x: Tensor) -> Tensor:
        return torch.layer_norm(x, self.shape, self.weight, None, self.eps)


class Network:
    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x * self.scale

    def first(self, x: Tensor) -> Tensor:
        return self.blocks[0](x)

    def count(self) -> int:
        n = 0
        for block in self.blocks:
            n += 1
        return n

    def names(self) -> List[str]:
        return self.labels

    def in_float32(self, x: Tensor) -> Tensor:
        return x if x.dtype == torch.float32 else x.to(torch.float32)

    def refuse(self, n: int) -> int:
        if n < 0:
            raise ValueError("n is below 0")
        return n

    def numbered(self, x: Tensor) -> Tensor:
        for (i, block) in enumerate(self.blocks):
            x = block(x) + i
        return x
`

func linearParts(out, in int64, bias bool) *jit.Parts {
	parts := &jit.Parts{Class: "Linear", Parameters: []torch.NamedTensor{
		{Name: "weight", Tensor: torch.RandN(torch.Shape{out, in}, torch.Float64).MulScalar(0.3)}}}
	if bias {
		parts.Parameters = append(parts.Parameters, torch.NamedTensor{Name: "bias", Tensor: torch.RandN(torch.Shape{out}, torch.Float64)})
	}
	return parts
}

// networkParts returns blocks of attention and a perceptron, of which each second has no biases.
func networkParts(width int64, blocks int) *jit.Parts {
	list := &jit.Parts{}
	for i := range blocks {
		bias := i%2 == 0
		list.Children = append(list.Children, jit.Child{Name: fmt.Sprint(i), Parts: &jit.Parts{
			Class:      "Block",
			Parameters: []torch.NamedTensor{{Name: "weight", Tensor: torch.Ones(torch.Shape{width}, torch.Float64)}},
			Attributes: []jit.NamedAttribute{{Name: "shape", Value: []int64{width}}, {Name: "eps", Value: 1e-5}},
			Children: []jit.Child{
				{Name: "attention", Parts: &jit.Parts{
					Class:      "Attention",
					Attributes: []jit.NamedAttribute{{Name: "heads", Value: 2}},
					Children:   []jit.Child{{Name: "qkv", Parts: linearParts(3*width, width, bias)}, {Name: "out", Parts: linearParts(width, width, bias)}},
				}},
				{Name: "fc1", Parts: linearParts(2*width, width, bias)},
				{Name: "fc2", Parts: linearParts(width, 2*width, bias)},
			},
		}})
	}
	return &jit.Parts{
		Class:   "Network",
		Buffers: []torch.NamedTensor{{Name: "scale", Tensor: torch.Ones(torch.Shape{1}, torch.Float64).MulScalar(2)}},
		Attributes: []jit.NamedAttribute{
			{Name: "labels", Value: []string{"a", "b"}},
			{Name: "extra", Type: "Optional[Tensor]"},
			{Name: "sizes", Type: "List[int]", Value: []int64{}},
		},
		Children: []jit.Child{{Name: "blocks", Parts: list}},
	}
}

func makeNetwork(t *testing.T, blocks int) *jit.Module {
	t.Helper()
	torch.ManualSeed(1)
	module, err := jit.Make(networkParts(4, blocks), jit.Source{Name: "nets/network.py", Text: networkSource})
	require.NoError(t, err)
	t.Cleanup(module.Close)
	return module
}

// networkInGo is networkSource's Network in Go, on the module's own parameters.
func networkInGo(t *testing.T, module *jit.Module, x *torch.Tensor, blocks int) *torch.Tensor {
	t.Helper()
	get := func(name string) *torch.Tensor {
		value, err := module.Attribute(name)
		if err != nil {
			return nil
		}
		return value.(*torch.Tensor)
	}
	linear := func(x *torch.Tensor, name string) *torch.Tensor {
		x = x.MatMul(get(name + ".weight").T())
		if bias := get(name + ".bias"); bias != nil {
			x = x.Add(bias)
		}
		return x
	}
	for i := range blocks {
		prefix := fmt.Sprintf("blocks.%d.", i)
		mean := x.MeanDim([]int64{-1}, true)
		variance := x.Sub(mean).Square().MeanDim([]int64{-1}, true)
		h := x.Sub(mean).Div(variance.AddScalar(1e-5).Sqrt()).Mul(get(prefix + "weight"))
		shape := h.Shape()
		qkv := linear(h, prefix+"attention.qkv").Reshape(torch.Shape{shape[0], shape[1], 3, 2, shape[2] / 2}).Permute([]int64{2, 0, 3, 1, 4})
		q, k, v := qkv.Select(0, 0), qkv.Select(0, 1), qkv.Select(0, 2)
		weights := q.MatMul(k.Transpose(-1, -2)).MulScalar(1 / math.Sqrt(float64(shape[2]/2))).Softmax(-1)
		attended := weights.MatMul(v).Transpose(1, 2).Reshape(shape)
		x = x.Add(linear(attended, prefix+"attention.out"))
		h = linear(x, prefix+"fc1")
		x = x.Add(linear(h.Mul(h.MulScalar(1.702).Sigmoid()), prefix+"fc2"))
	}
	return x.MulScalar(2)
}

func TestMadeModuleComputes(t *testing.T) {
	const blocks = 3
	module := makeNetwork(t, blocks)
	x := torch.RandN(torch.Shape{2, 5, 4}, torch.Float64).SetRequiresGrad(true)
	y, err := module.Forward(x)
	require.NoError(t, err)
	y.Sum().Backward()
	gradient := x.Grad().Clone()

	other := x.Detach().Clone().SetRequiresGrad(true)
	wanted := networkInGo(t, module, other, blocks)
	assert.True(t, wanted.AllClose(y, 1e-9, 1e-12))
	wanted.Sum().Backward()
	assert.True(t, other.Grad().AllClose(gradient, 1e-9, 1e-12))

	parameters, err := module.NamedParameters()
	require.NoError(t, err)
	assert.Equal(t, "blocks.0.weight", parameters[0].Name)
	assert.Len(t, parameters, blocks+2*4*blocks-4, "the second block has no biases")

	count, err := module.Call("count")
	require.NoError(t, err)
	assert.Equal(t, int64(blocks), count)
	names, err := module.Call("names")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, names)
	_, err = module.CallTensor("numbered", x)
	require.NoError(t, err)
	_, err = module.Call("refuse", -1)
	assert.ErrorContains(t, err, "n is below 0")
	single, err := module.CallTensor("in_float32", x)
	require.NoError(t, err)
	assert.Equal(t, torch.Float32, single.DType())
	first, err := module.CallTensor("first", x)
	require.NoError(t, err)
	assert.False(t, first.AllClose(y, 1e-9, 1e-12))
}

// What Go makes lives like what Python exports.
func TestMadeModuleIsAModule(t *testing.T) {
	module := makeNetwork(t, 2)
	x := torch.RandN(torch.Shape{1, 3, 4}, torch.Float64)
	wanted, err := module.Forward(x)
	require.NoError(t, err)
	same := func(module *jit.Module, err error) {
		t.Helper()
		require.NoError(t, err)
		defer module.Close()
		got, err := module.Forward(x)
		require.NoError(t, err)
		assert.True(t, wanted.AllClose(got, 1e-9, 1e-12))
	}
	same(module.Freeze())
	same(module.Clone())

	path := filepath.Join(t.TempDir(), "network.pt")
	require.NoError(t, module.SetExtraFile("config.json", []byte("{}")))
	require.NoError(t, module.Save(path))
	loaded, err := jit.Load(path)
	same(loaded, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, absent := range []string{here, filepath.Dir(path), ".cc", "/root", "/home"} {
		assert.False(t, bytes.Contains(data, []byte(absent)), "the archive names %s", absent)
	}
	assert.True(t, bytes.Contains(data, []byte("nets/network.py")))

	require.NoError(t, module.To(torch.Float32))
	half, err := module.Forward(x.To(torch.Float32))
	require.NoError(t, err)
	assert.Equal(t, torch.Float32, half.DType())
	require.NoError(t, module.Train())
	assert.True(t, module.IsTraining())
}

func TestBlocksOfOneStructureShareTheirCode(t *testing.T) {
	source := jit.Source{Name: "n.py", Text: networkSource}
	save := func(blocks int) int {
		module, err := jit.Make(networkParts(2, blocks), source)
		require.NoError(t, err)
		defer module.Close()
		var archive bytes.Buffer
		require.NoError(t, module.Write(&archive))
		return bytes.Count(archive.Bytes(), []byte("def normalize"))
	}
	assert.Equal(t, save(2), save(8))
}

func TestMadeModuleHoldsOthers(t *testing.T) {
	inner, err := jit.Make(&jit.Parts{Class: "Inner", Parameters: []torch.NamedTensor{{Name: "w", Tensor: torch.FromSlice([]float32{3}, nil)}}}, jit.Source{Name: "inner.py", Text: "class Inner:\n  def forward(self, x: Tensor) -> Tensor:\n    return x * self.w\n"})
	require.NoError(t, err)
	loaded := loadModule(t, "net.pt")
	module, err := jit.Make(&jit.Parts{Class: "Outer", Children: []jit.Child{{Name: "inner", Module: inner}, {Name: "net", Module: loaded}}}, jit.Source{Name: "outer.py", Text: "class Outer:\n  def forward(self, x: Tensor) -> Tensor:\n    return self.inner(x) + 1\n\n  def net_output(self, x: Tensor) -> Tensor:\n    return self.net(x)\n"})
	require.NoError(t, err)
	defer module.Close()
	y, err := module.Forward(torch.FromSlice([]float32{1, 2}, nil))
	require.NoError(t, err)
	assert.Equal(t, []float32{4, 7}, y.Float32s())
	wanted, err := loaded.Forward(netInput())
	require.NoError(t, err)
	got, err := module.CallTensor("net_output", netInput())
	require.NoError(t, err)
	assert.True(t, wanted.AllClose(got, 1e-9, 1e-12))
	var archive bytes.Buffer
	require.NoError(t, module.Write(&archive))
	again, err := jit.Read(&archive)
	require.NoError(t, err)
	defer again.Close()
	got, err = again.CallTensor("net_output", netInput())
	require.NoError(t, err)
	assert.True(t, wanted.AllClose(got, 1e-9, 1e-12))
}

func TestMistakesInSource(t *testing.T) {
	lines := func(text ...string) string { return strings.Join(text, "\n") + "\n" }
	for name, each := range map[string]struct{ text, wanted string }{
		"unknown operator":  {lines("class A:", "    def forward(self, x):", "        return torch.no_such_thing(x)"), "a.py:3: Unknown builtin op: aten::no_such_thing"},
		"unknown name":      {lines("class A:", "    def forward(self, x):", "        return y"), "a.py:3: undefined value y"},
		"unknown attribute": {lines("class A:", "    def forward(self, x):", "        return self.weight"), "a.py:3: a module of class A has no weight"},
		"syntax":            {lines("class A:", "    def forward(self, x)", "        return x"), "a.py:3: expected : but found"},
		"not a class":       {lines("x = 3"), "a.py:1: expected class or def"},
		"class twice":       {lines("class A:", "    def f(self):", "        return 1", "class A:", "    def f(self):", "        return 1"), "a.py:4: class A is defined twice"},
		"statement":         {lines("class A:", "    x = 3", "    def f(self):", "        return 1"), "a.py:2: a class has methods alone"},
		"wrong type":        {lines("class A:", "    def forward(self, x: Tensor) -> Tensor:", "        return 'text'"), "a.py:3: Return value was annotated as having type Tensor but is actually of type str"},
		"no class":          {lines("class B:", "    def f(self):", "        return 1"), "the source has no class A"},
		"empty":             {"", "the source has no class A"},
		"unclosed":          {"class A:\n    def f(self):\n        return (1", "expected )"},
		"deep brackets":     {"class A:\n    def f(self):\n        return " + strings.Repeat("(", 200_000), "a.py:3: brackets or signs are nested"},
		"deep signs":        {"class A:\n    def f(self):\n        return " + strings.Repeat("-", 20_000) + "1", "a.py:3: brackets or signs are nested"},
		"text":              {"\x00\xff", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jit.Make(&jit.Parts{Class: "A"}, jit.Source{Name: "a.py", Text: each.text})
			require.Error(t, err)
			assert.Contains(t, err.Error(), each.wanted)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := jit.Make(&jit.Parts{Class: "A"}, jit.Source{Name: "a.py", Text: "class A:\n    def f(self):\n        return x\n"})
	assert.ErrorIs(t, err, torch.ErrModel)
	_, err = jit.Make(&jit.Parts{Class: "A"},
		jit.Source{Name: "a.py", Text: lines("class A:", "    def f(self):", "        return 2")},
		jit.Source{Name: "b.py", Text: lines("", "def half(x):", "    return y")})
	assert.ErrorContains(t, err, "b.py:3: undefined value y", "the place is that in its own source")
}

func TestSourcesKnowTheFunctionsOfEarlierOnes(t *testing.T) {
	module, err := jit.Make(&jit.Parts{Class: "A"},
		jit.Source{Name: "b.py", Text: "def half(x: int) -> float:\n    return x / 2\n"},
		jit.Source{Name: "a.py", Text: "class A:\n    def f(self):\n        return half(3)\n"})
	require.NoError(t, err)
	defer module.Close()
	value, err := module.Call("f")
	require.NoError(t, err)
	assert.Equal(t, 1.5, value)
}

func TestPartsThatMakeNoModule(t *testing.T) {
	source := jit.Source{Name: "a.py", Text: "class A:\n    def f(self):\n        return 1\n"}
	one := torch.Ones(torch.Shape{1})
	for wanted, parts := range map[string]*jit.Parts{
		"the module has no parts":                  nil,
		"the module b has no parts":                {Class: "A", Children: []jit.Child{{Name: "b"}}},
		`a part named ""`:                          {Class: "A", Parameters: []torch.NamedTensor{{Tensor: one}}},
		`a part named "a.b"`:                       {Class: "A", Buffers: []torch.NamedTensor{{Name: "a.b", Tensor: one}}},
		"two parts named w":                        {Class: "A", Parameters: []torch.NamedTensor{{Name: "w", Tensor: one}, {Name: "w", Tensor: one}}},
		"two parts named training":                 {Class: "A", Attributes: []jit.NamedAttribute{{Name: "training", Value: true}}},
		"w is nil":                                 {Class: "A", Parameters: []torch.NamedTensor{{Name: "w"}}},
		"attribute n wants int, not text":          {Class: "A", Attributes: []jit.NamedAttribute{{Name: "n", Type: "int", Value: "x"}}},
		"Unknown type name 'Thing'":                {Class: "A", Attributes: []jit.NamedAttribute{{Name: "n", Type: "Thing", Value: 1}}},
		"struct {} cannot be given to TorchScript": {Class: "A", Attributes: []jit.NamedAttribute{{Name: "n", Value: struct{}{}}}},
		"the module c.d has two parts named x":     {Class: "A", Children: []jit.Child{{Name: "c", Parts: &jit.Parts{Children: []jit.Child{{Name: "d", Parts: &jit.Parts{Attributes: []jit.NamedAttribute{{Name: "x", Value: 1}, {Name: "x", Value: 1}}}}}}}}},
		"A has a method and an attribute f":        {Class: "A", Attributes: []jit.NamedAttribute{{Name: "f", Value: 1}}},
	} {
		t.Run(wanted, func(t *testing.T) {
			_, err := jit.Make(parts, source)
			require.Error(t, err)
			assert.Contains(t, err.Error(), wanted)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	closed := torch.Ones(torch.Shape{1})
	closed.Close()
	_, err := jit.Make(&jit.Parts{Class: "A", Parameters: []torch.NamedTensor{{Name: "w", Tensor: closed}}}, source)
	assert.ErrorIs(t, err, torch.ErrClosed)
	endless := &jit.Parts{Class: "A"}
	endless.Children = []jit.Child{{Name: "again", Parts: endless}}
	_, err = jit.Make(endless, source)
	assert.ErrorContains(t, err, "nested more than")
}
