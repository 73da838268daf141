package torch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestDictKeepsItsOrder(t *testing.T) {
	dict := torch.NewDict("b", 1, "a", 2, int64(0), 3)
	dict.Set("b", 4)
	dict.Set(5, 5)
	var keys, values []any
	for key, value := range dict.All() {
		keys, values = append(keys, key), append(values, value)
	}
	assert.Equal(t, []any{"b", "a", int64(0), int64(5)}, keys)
	assert.Equal(t, []any{4, 2, 3, 5}, values)

	dict.Delete("b")
	dict.Delete("b")
	dict.Delete("absent")
	assert.Equal(t, 3, dict.Len())
	assert.Equal(t, 5, dict.Get(5))
	assert.Equal(t, 2, dict.Get("a"))
	assert.Nil(t, dict.Get("b"))
	_, ok := dict.Lookup("b")
	assert.False(t, ok)
}

func TestDictTakesAsOneKeyWhatPythonDoes(t *testing.T) {
	for name, test := range map[string]struct{ one, same, other any }{
		"int and int64":    {1, int64(1), 2},
		"float and int":    {int64(3), 3.0, 3.5},
		"bool and int":     {true, 1, 0},
		"text and number":  {"1", "1", 1},
		"nil":              {nil, nil, "<nil>"},
		"tuple":            {torch.Tuple{"a", 1}, torch.Tuple{"a", true}, torch.Tuple{"a", "1"}},
		"nested tuples":    {torch.Tuple{torch.Tuple{1}, 2}, torch.Tuple{torch.Tuple{1.0}, 2}, torch.Tuple{1, torch.Tuple{2}}},
		"text in a tuple":  {torch.Tuple{`a","b`}, torch.Tuple{`a","b`}, torch.Tuple{"a", "b"}},
		"large whole":      {int64(math.MaxInt64), int64(math.MaxInt64), 9.3e18},
		"text and a tuple": {"(1,)", "(1,)", torch.Tuple{1}},
	} {
		t.Run(name, func(t *testing.T) {
			dict := torch.NewDict(test.one, "value")
			assert.Equal(t, "value", dict.Get(test.same))
			_, ok := dict.Lookup(test.other)
			assert.False(t, ok)
		})
	}
}

func TestDictMisuse(t *testing.T) {
	nested := torch.Tuple{1}
	for range 40 {
		nested = torch.Tuple{nested, nested}
	}
	for name, key := range map[string]any{
		"list": []any{1}, "tensor": torch.Ones(nil), "not a number": math.NaN(),
		"list in a tuple": torch.Tuple{[]any{}}, "tuple that doubles": nested,
	} {
		t.Run(name, func(t *testing.T) {
			err := torch.Try(func() error { torch.NewDict(key, 1); return nil })
			assert.ErrorIs(t, err, torch.ErrInvalid)
			_, ok := torch.NewDict("a", 1).Lookup(key)
			assert.False(t, ok)
		})
	}
	odd := []any{"a"}
	assert.ErrorIs(t, torch.Try(func() error { torch.NewDict(odd...); return nil }), torch.ErrInvalid)

	var none *torch.Dict
	assert.Zero(t, none.Len())
	assert.Nil(t, none.Get("a"))
	assert.Empty(t, slices.Collect(func(yield func(any) bool) {
		for key := range none.All() {
			if !yield(key) {
				return
			}
		}
	}))
	none.Delete("a")
	none.Close()
}

func TestStateDictAndBack(t *testing.T) {
	tensors := []torch.NamedTensor{{Name: "weight", Tensor: torch.Ones(torch.Shape{2})}, {Name: "bias", Tensor: torch.Zeros(nil)}}
	dict := torch.StateDict(tensors)
	assert.True(t, dict.Ordered)
	back, err := dict.Tensors()
	require.NoError(t, err)
	assert.Equal(t, tensors, back)

	_, err = torch.NewDict(1, tensors[0].Tensor).Tensors()
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, err = torch.NewDict("a", 1).Tensors()
	assert.ErrorIs(t, err, torch.ErrInvalid)

	nested := torch.NewDict("list", []any{torch.Tuple{torch.NewDict("t", tensors[0].Tensor)}}, "b", tensors[1].Tensor)
	nested.Close()
	for _, named := range tensors {
		err := torch.Try(func() error { named.Tensor.Shape(); return nil })
		assert.ErrorIs(t, err, torch.ErrClosed)
	}
}

func ExampleDict() {
	settings := torch.NewDict("lr", 0.1, "betas", torch.Tuple{0.9, 0.999})
	settings.Set("amsgrad", false)
	for key, value := range settings.All() {
		fmt.Println(key, value)
	}
	// Output:
	// lr 0.1
	// betas (0.9, 0.999)
	// amsgrad false
}

func TestCloseDictThatContainsItself(t *testing.T) {
	tensor := torch.Ones(torch.Shape{1})
	list := []any{nil, tensor}
	list[0] = list
	dict := torch.NewDict("list", list)
	dict.Set("dict", dict)
	dict.Close()
	assert.Error(t, torch.Try(func() error { tensor.Item(); return nil }))
}
