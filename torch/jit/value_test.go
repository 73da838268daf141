package jit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// plain stands in for values with tensors, which are compared by what they hold.
func plain(value any) any {
	switch v := value.(type) {
	case *torch.Tensor:
		if v == nil {
			return nil
		}
		return v.String()
	case []*torch.Tensor:
		all := make([]string, len(v))
		for i, tensor := range v {
			all[i] = tensor.String()
		}
		return all
	case torch.Tuple:
		return torch.Tuple(plain([]any(v)).([]any))
	case torch.NamedTuple:
		all := make(torch.NamedTuple, len(v))
		for i, field := range v {
			all[i] = torch.NamedValue{Name: field.Name, Value: plain(field.Value)}
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = plain(item)
		}
		return all
	case *torch.Dict:
		all := torch.NewDict()
		for key, item := range v.All() {
			all.Set(key, plain(item))
		}
		return all
	default:
		return value
	}
}

func TestValuesCrossBothWays(t *testing.T) {
	values := loadModule(t, "values.pt")
	x, y := torch.Ones(torch.Shape{2}), torch.Scalar(3)
	for _, test := range []struct {
		method      string
		given, want any
	}{
		{"number", 0.5, 0.5},
		{"number", float32(0.5), 0.5},
		{"number", 2, 2.0},
		{"whole", 1 << 60, int64(1 << 60)},
		{"whole", int32(-3), int64(-3)},
		{"whole", torch.Float16, int64(torch.Float16)},
		{"truth", true, true},
		{"truth", false, false},
		{"text", "", ""},
		{"text", "Grüße\x00 日本", "Grüße\x00 日本"},
		{"imaginary", 1 + 2i, 1 + 2i},
		{"imaginary", 0.5, 0.5 + 0i},
		{"imaginary", 2, 2 + 0i},
		{"device", torch.CPU, torch.CPU},
		{"device", torch.CUDA(1), torch.CUDA(1)},
		{"device", "cuda:2", torch.CUDA(2)},
		{"optional", nil, nil},
		{"optional", 4, int64(4)},
		{"union", "a", "a"},
		{"union", 1, int64(1)},
		{"union", []any{1}, []int64{1}},
		{"union", []any{}, []int64{}},
		{"anything", nil, nil},
		{"anything", (*torch.Tensor)(nil), nil},
		{"anything", x, x},
		{"anything", 1.5i, 1.5i},
		{"anything", torch.CPU, torch.CPU},
		{"anything", []any{1, 2}, []int64{1, 2}},
		{"anything", []any{1, "a"}, []any{int64(1), "a"}},
		{"anything", []any{}, []*torch.Tensor{}},
		{"anything", torch.Tuple{}, torch.Tuple{}},
		{"anything", torch.Tuple{1, torch.Tuple{"a", nil}}, torch.Tuple{int64(1), torch.Tuple{"a", nil}}},
		{"anything", map[string]any{"k": []any{x, y}}, torch.NewDict("k", []*torch.Tensor{x, y})},
		{"anything", map[string]any{}, torch.NewDict()},
		{"anything", torch.NewDict(2, "b", 1, "a"), torch.NewDict(2, "b", 1, "a")},
		{"tensors", []*torch.Tensor{x, y}, []*torch.Tensor{x, y}},
		{"tensors", []any{y}, []*torch.Tensor{y}},
		{"tensors", []*torch.Tensor{}, []*torch.Tensor{}},
		{"absentees", []any{x, nil}, []any{x, nil}},
		{"absentees", []*torch.Tensor{nil, y}, []any{nil, y}},
		{"wholes", []int64{3, -1}, []int64{3, -1}},
		{"wholes", []int{}, []int64{}},
		{"floats", []float64{0.5}, []float64{0.5}},
		{"floats", []any{1, 0.5}, []float64{1, 0.5}},
		{"floats", []any{}, []float64{}},
		{"truths", []bool{true, false}, []bool{true, false}},
		{"texts", []string{"a", ""}, []string{"a", ""}},
		{"nested", []any{}, []any{}},
		{"nested", []any{[]any{}, []any{torch.Tuple{1, "a"}}}, []any{[]any{}, []any{torch.Tuple{int64(1), "a"}}}},
		{"tuple", torch.Tuple{1, torch.Tuple{"a", x}}, torch.Tuple{int64(1), torch.Tuple{"a", x}}},
		{"point", torch.NamedTuple{{Name: "place", Value: x}, {Name: "label", Value: "a"}}, torch.NamedTuple{{Name: "place", Value: x}, {Name: "label", Value: "a"}}},
		{"point", torch.Tuple{x, "a"}, torch.NamedTuple{{Name: "place", Value: x}, {Name: "label", Value: "a"}}},
		{"color", "BLUE", "BLUE"},
		{"by_name", torch.NewDict("b", x, "a", y), torch.NewDict("b", x, "a", y)},
		{"by_name", map[string]*torch.Tensor{"a": y}, torch.NewDict("a", y)},
		{"by_name", torch.NewDict(), torch.NewDict()},
		{"by_number", map[int64]any{3: []float64{1}}, torch.NewDict(3, []float64{1})},
		{"by_number", torch.NewDict(3, []any{}), torch.NewDict(3, []float64{})},
	} {
		got, err := values.Call(test.method, test.given)
		if assert.NoError(t, err, "%s(%v)", test.method, test.given) {
			assert.Equal(t, plain(test.want), plain(got), "%s(%v)", test.method, test.given)
		}
	}

	point, err := values.Call("point", torch.Tuple{x, "here"})
	require.NoError(t, err)
	assert.Equal(t, "here", point.(torch.NamedTuple).Get("label"))
	assert.Nil(t, point.(torch.NamedTuple).Get("nothing"))

	result, err := values.Call("dtype", torch.Float64)
	require.NoError(t, err)
	assert.Equal(t, torch.Float64, result.(torch.Tuple)[0].(*torch.Tensor).DType())
	assert.Equal(t, int64(torch.Float64), result.(torch.Tuple)[1])
}

// A long list takes no stack, and a deep value is within bounds.
func TestLongAndDeepValues(t *testing.T) {
	values := loadModule(t, "values.pt")
	long := make([]int64, 100_000)
	long[99_999] = 7
	got, err := values.Call("wholes", long)
	require.NoError(t, err)
	assert.Equal(t, long, got)

	var deep any = "bottom"
	for range 400 {
		deep = torch.Tuple{deep}
	}
	got, err = values.Call("anything", deep)
	require.NoError(t, err)
	assert.Equal(t, deep, got)
}

func TestModulesAreValues(t *testing.T) {
	net, values := loadModule(t, "net.pt"), loadModule(t, "values.pt")
	head, err := net.Attribute("head")
	require.NoError(t, err)
	net.Close()
	got, err := values.Call("anything", head)
	require.NoError(t, err)
	y, err := got.(*jit.Module).Forward(torch.Zeros(torch.Shape{1, 4}))
	require.NoError(t, err)
	bias, err := head.(*jit.Module).Attribute("bias")
	require.NoError(t, err)
	assert.Equal(t, bias.(*torch.Tensor).Float32s(), y.Float32s())
}
