package checkpoint_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// again is a value after it was written and read.
func again(t *testing.T, value any) any {
	t.Helper()
	var data bytes.Buffer
	require.NoError(t, checkpoint.Write(&data, value))
	back, err := checkpoint.Read(bytes.NewReader(data.Bytes()))
	require.NoError(t, err)
	return back
}

func TestSaveEachDType(t *testing.T) {
	tensors := testkit.EachDType()
	path := filepath.Join(t.TempDir(), "all.pt")
	require.NoError(t, checkpoint.Save(path, torch.StateDict(tensors)))
	back, err := loadedDict(t, path).Tensors()
	require.NoError(t, err)
	require.Len(t, back, len(tensors))
	for i, named := range tensors {
		assert.Equal(t, named.Name, back[i].Name)
		testkit.Same(t, named.Tensor, back[i].Tensor)
		assert.Equal(t, named.Tensor.IsContiguous(), back[i].Tensor.IsContiguous())
	}
}

func TestSaveValues(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	inner := torch.NewDict("x", nil)
	for name, value := range map[string]any{
		"nil": nil, "true": true, "int": int64(-5), "large int": int64(math.MinInt64), "huge int": huge,
		"float": 0.25, "complex": 1 + 2i, "text": "\u00e9", "bytes": []byte("\x00\xff"), "no bytes": []byte{},
		"dtype": torch.Float16, "cpu": torch.CPU, "gpu": torch.CUDA(3),
		"list": []any{int64(1), []any{}, "a"}, "tuple": torch.Tuple{int64(1), torch.Tuple{}}, "set": torch.Set{int64(1)},
		"dict":   torch.NewDict("a", int64(1), int64(2), "b", nil, 0.5, torch.Tuple{"t", int64(1)}, true),
		"shared": []any{inner, inner},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, value, again(t, value)) })
	}
	for name, test := range map[string]struct{ value, want any }{
		"int":       {5, int64(5)},
		"ints":      {[]int{1, 2}, []any{int64(1), int64(2)}},
		"int64s":    {[]int64{1, 2}, []any{int64(1), int64(2)}},
		"floats":    {[]float64{0.5}, []any{0.5}},
		"texts":     {[]string{"a"}, []any{"a"}},
		"map":       {map[string]any{"b": 1, "a": 2}, torch.NewDict("a", int64(2), "b", int64(1))},
		"no tensor": {(*torch.Tensor)(nil), nil},
		"no dict":   {(*torch.Dict)(nil), nil},
		"no list":   {[]any(nil), []any{}},
	} {
		t.Run("as "+name, func(t *testing.T) { assert.Equal(t, test.want, again(t, test.value)) })
	}
	back := again(t, []*torch.Tensor{torch.Ones(torch.Shape{2})}).([]any)
	assert.Equal(t, []float32{1, 1}, back[0].(*torch.Tensor).Float32s())
}

func TestSaveOrderedDictWithAttributes(t *testing.T) {
	dict := torch.StateDict([]torch.NamedTensor{{Name: "w", Tensor: torch.Ones(nil)}})
	metadata := &torch.Dict{Ordered: true}
	metadata.Set("", torch.NewDict("version", int64(1)))
	dict.Attributes = torch.NewDict("_metadata", metadata)
	back := again(t, dict).(*torch.Dict)
	assert.True(t, back.Ordered)
	assert.Equal(t, dict.Attributes, back.Attributes)
}

func TestSaveKeepsWhatTensorsShare(t *testing.T) {
	base := torch.Arange(0, 12, 1, torch.Float32).View(torch.Shape{3, 4})
	var data bytes.Buffer
	require.NoError(t, checkpoint.Write(&data, []any{base, base.T(), base.Select(0, 1), base, base.Detach()}))
	alone := data.Len()
	value, err := checkpoint.Read(bytes.NewReader(data.Bytes()))
	require.NoError(t, err)
	back := value.([]any)
	assert.Same(t, back[0], back[3])
	back[0].(*torch.Tensor).FillInPlace(9)
	for _, view := range back {
		assert.Equal(t, 9.0, view.(*torch.Tensor).Min().Item())
	}
	data.Reset()
	require.NoError(t, checkpoint.Write(&data, []any{base, base.T().Clone()}))
	assert.Greater(t, data.Len(), alone-100, "a storage more")
}

func TestSaveGradientsAndMarks(t *testing.T) {
	parameter := torch.Ones(torch.Shape{2}).SetRequiresGrad(true)
	assert.True(t, again(t, parameter).(*torch.Tensor).RequiresGrad())

	marked := tensorsIn(t, "views.pt")
	for _, name := range []string{"conjugate", "negative"} {
		testkit.Same(t, marked[name], again(t, marked[name]).(*torch.Tensor))
	}
}

func TestSaveMisuse(t *testing.T) {
	closed := torch.Ones(nil)
	closed.Close()
	deep := []any{}
	for range 1000 {
		deep = []any{deep}
	}
	cycle := torch.NewDict()
	cycle.Set("self", []any{cycle})
	for name, test := range map[string]struct {
		kind  error
		says  string
		value any
	}{
		"channel":         {torch.ErrInvalid, "a: a chan int cannot be saved", torch.NewDict("a", make(chan int))},
		"float32":         {torch.ErrInvalid, "float32", float32(1)},
		"text not UTF-8":  {torch.ErrInvalid, "UTF-8", "\xff"},
		"no dtype":        {torch.ErrInvalid, "dtype(-1)", torch.NoDType},
		"closed tensor":   {torch.ErrClosed, "closed", []any{closed}},
		"nested too deep": {torch.ErrInvalid, "nested", deep},
		"contains itself": {torch.ErrInvalid, "nested", cycle},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.pt")
			err := checkpoint.Save(path, test.value)
			assert.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), "\n")
			assert.NoFileExists(t, path)
		})
	}
	assert.ErrorIs(t, checkpoint.Save(filepath.Join(t.TempDir(), "none", "a.pt"), 1), os.ErrNotExist)
}

var errFull = errors.New("no space left on device")

type failingWriter struct{ left int }

func (w *failingWriter) Write(data []byte) (int, error) {
	if len(data) > w.left {
		return 0, errFull
	}
	w.left -= len(data)
	return len(data), nil
}

func TestWriteFails(t *testing.T) {
	x := torch.Ones(torch.Shape{100})
	var data bytes.Buffer
	require.NoError(t, checkpoint.Write(&data, x))
	for _, room := range []int{0, 10, 100, 300, data.Len() - 1} {
		assert.ErrorIs(t, checkpoint.Write(&failingWriter{room}, x), errFull, room)
	}
}

func TestSavedElements(t *testing.T) {
	x := torch.FromSlice([]int16{1, 2, 3, 4}, torch.Shape{2, 2})
	var data bytes.Buffer
	n, err := x.T().WriteElements(&data)
	require.NoError(t, err)
	assert.Equal(t, int64(8), n)
	assert.Equal(t, []byte{1, 0, 3, 0, 2, 0, 4, 0}, data.Bytes())
	_, err = x.WriteElements(&failingWriter{3})
	assert.ErrorIs(t, err, errFull)

	for name, test := range map[string]struct {
		shape []int64
		dtype torch.DType
		data  string
	}{
		"too short":  {[]int64{2}, torch.Float32, "1234567"},
		"negative":   {[]int64{-1}, torch.Float32, ""},
		"too large":  {[]int64{1 << 62}, torch.Float32, ""},
		"no dtype":   {nil, torch.NoDType, ""},
		"bool of 49": {nil, torch.Bool, "1"},
	} {
		_, err := torch.ReadElements(bytes.NewReader([]byte(test.data)), test.shape, test.dtype, nil)
		assert.ErrorIs(t, err, torch.ErrFormat, name)
	}
	_, err = torch.ReadElements(io.LimitReader(bytes.NewReader(nil), 0), []int64{0, 3}, torch.Float32, nil)
	assert.NoError(t, err)
}
