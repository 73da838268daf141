package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
)

// savedByPython are files by scripts/reference/reference_io.py.
func savedByPython(name string) string { return filepath.Join("testdata", "saved", name) }

func loaded(t *testing.T, path string) any {
	t.Helper()
	value, err := checkpoint.Load(path)
	require.NoError(t, err)
	return value
}

func loadedDict(t *testing.T, path string) *torch.Dict {
	t.Helper()
	value := loaded(t, path)
	require.IsType(t, &torch.Dict{}, value)
	return value.(*torch.Dict)
}

// tensorsIn is a file's tensors by the names that its expected ones have.
func tensorsIn(t *testing.T, name string) map[string]*torch.Tensor {
	t.Helper()
	value := loaded(t, savedByPython(name))
	tensors := map[string]*torch.Tensor{}
	if list, ok := value.([]any); ok {
		tensors["0"] = list[0].(*torch.Tensor)
		return tensors
	}
	dict := value.(*torch.Dict)
	if name == "optimizer.pt" {
		for index, state := range dict.Get("state").(*torch.Dict).All() {
			for key, tensor := range state.(*torch.Dict).All() {
				tensors[strconv.FormatInt(index.(int64), 10)+"."+key.(string)] = tensor.(*torch.Tensor)
			}
		}
		return tensors
	}
	for key, value := range dict.All() {
		if tensor, ok := value.(*torch.Tensor); ok {
			tensors[key.(string)] = tensor
		}
	}
	return tensors
}

func TestLoadTensorsThatPythonSaved(t *testing.T) {
	for name, want := range testkit.ExpectedTensors(t, savedByPython("expected.json")) {
		t.Run(name, func(t *testing.T) { testkit.CheckAll(t, want, tensorsIn(t, name)) })
	}
}

func TestLoadValuesThatPythonSaved(t *testing.T) {
	values := loadedDict(t, savedByPython("values.pt"))
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	shared := []any{int64(1), int64(2)}
	want := torch.NewDict(
		"none", nil,
		"bools", []any{true, false},
		"ints", []any{int64(0), int64(255), int64(256), int64(65536), int64(-1), int64(1) << 31, int64(math.MinInt64),
			int64(math.MaxInt64), huge, new(big.Int).Neg(huge)},
		"floats", []any{0.5, -1e300, math.Inf(1)},
		"complex", 1-2i,
		"texts", []any{"", "ascii", "\u00e9\u4e2d\U0001f600"},
		"bytes", []any{[]byte("a\xff\x00"), []byte("b\x80")},
		"tuples", torch.Tuple{torch.Tuple{}, torch.Tuple{int64(1)},
			torch.Tuple{int64(1), torch.Tuple{int64(2), int64(3)}, "four"}, torch.Tuple{int64(1), int64(2), int64(3), int64(4)}},
		"lists", []any{shared, shared, []any{}},
		"set", torch.Set{int64(7)},
		"dtype", torch.BFloat16,
		"devices", []any{torch.CPU, torch.CUDA(1)},
		"size", torch.Tuple{int64(2), int64(3)},
		"ordered", &torch.Dict{Ordered: true},
		"counter", torch.NewDict("x", int64(3)),
		"parameter", values.Get("parameter"),
		3, "int key",
		torch.Tuple{int64(1), "t"}, "tuple key",
		nil, "none key",
		2.5, "float key",
	)
	want.Get("ordered").(*torch.Dict).Set("b", int64(1))
	want.Get("ordered").(*torch.Dict).Set("a", int64(2))
	assert.Equal(t, want, values)
	assert.True(t, values.Get("parameter").(*torch.Tensor).RequiresGrad())
	lists := values.Get("lists").([]any)
	lists[0].([]any)[0] = "changed"
	assert.Equal(t, "changed", lists[1].([]any)[0], "a list that is named twice is one")
}

func TestLoadModuleStateDict(t *testing.T) {
	state := loadedDict(t, savedByPython("module.pt"))
	assert.True(t, state.Ordered)
	tensors, err := state.Tensors()
	require.NoError(t, err)
	var names []string
	for _, named := range tensors {
		names = append(names, named.Name)
	}
	assert.Equal(t, []string{"first.weight", "first.bias", "norm.weight", "norm.bias", "norm.running_mean",
		"norm.running_var", "norm.num_batches_tracked", "second.weight", "second.bias", "third.weight", "third.bias"}, names)
	versions := state.Attributes.Get("_metadata").(*torch.Dict)
	assert.Equal(t, int64(2), versions.Get("norm").(*torch.Dict).Get("version"))

	second, third := state.Get("second.weight").(*torch.Tensor), state.Get("third.weight").(*torch.Tensor)
	second.FillInPlace(7)
	assert.Equal(t, 7.0, third.Select(0, 0).Select(0, 0).Item(), "a weight that two layers share is one")
}

func TestLoadOptimizerStateDict(t *testing.T) {
	state := loadedDict(t, savedByPython("optimizer.pt"))
	group := state.Get("param_groups").([]any)[0].(*torch.Dict)
	assert.Equal(t, 0.01, group.Get("lr"))
	assert.Equal(t, torch.Tuple{0.9, 0.999}, group.Get("betas"))
	assert.Len(t, group.Get("params"), state.Get("state").(*torch.Dict).Len())
	step := state.Get("state").(*torch.Dict).Get(0).(*torch.Dict).Get("step").(*torch.Tensor)
	assert.Equal(t, 2.0, step.Item())
}

func TestLoadKeepsStrides(t *testing.T) {
	views := tensorsIn(t, "views.pt")
	assert.False(t, views["transposed"].IsContiguous())
	views["base"].FillInPlace(3)
	for _, name := range []string{"transposed", "slice", "row", "expanded"} {
		assert.Equal(t, 3.0, views[name].Max().Item(), name)
	}
}

func TestReadFromStreams(t *testing.T) {
	data, err := os.ReadFile(savedByPython("protocol4.pt"))
	require.NoError(t, err)
	for name, r := range map[string]io.Reader{
		"seekable": bytes.NewReader(data), "stream": iotest.HalfReader(bytes.NewReader(data)),
	} {
		value, err := checkpoint.Read(r)
		require.NoError(t, err, name)
		assert.Equal(t, []byte("bytes"), value.([]any)[1])
	}
	_, err = checkpoint.Read(iotest.ErrReader(io.ErrClosedPipe))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestLoadToDevice(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		value, err := checkpoint.Load(savedByPython("views.pt"), device)
		require.NoError(t, err)
		dict := value.(*torch.Dict)
		base, row := dict.Get("base").(*torch.Tensor), dict.Get("row").(*torch.Tensor)
		assert.Equal(t, device, base.Device())
		base.FillInPlace(5)
		assert.Equal(t, 5.0, row.Max().Item(), "views share their memory on any device")

		var saved bytes.Buffer
		require.NoError(t, checkpoint.Write(&saved, dict))
		again, err := checkpoint.Read(bytes.NewReader(saved.Bytes()))
		require.NoError(t, err)
		assert.Equal(t, torch.CPU, again.(*torch.Dict).Get("base").(*torch.Tensor).Device())
		testkit.Same(t, dict.Get("transposed").(*torch.Tensor).To(torch.CPU), again.(*torch.Dict).Get("transposed").(*torch.Tensor))
	})
}

func TestLoadRefuses(t *testing.T) {
	for name, says := range map[string]string{
		"script.pt": "jit.Load",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checkpoint.Load(savedByPython(name))
			requireFormatError(t, err)
			assert.ErrorContains(t, err, says)
			assert.ErrorContains(t, err, name)
		})
	}
	_, err := checkpoint.Load(filepath.Join(t.TempDir(), "none.pt"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = checkpoint.Load(t.TempDir())
	requireFormatError(t, err)
}

func requireFormatError(t *testing.T, err error) {
	t.Helper()
	var known *torch.Error
	require.ErrorAs(t, err, &known)
	assert.Equal(t, torch.ErrFormat, known.Kind)
	assert.NotContains(t, err.Error(), "\n")
}

// archiveOf is a zip archive of files, by name and contents.
func archiveOf(t *testing.T, method uint16, files ...string) []byte {
	t.Helper()
	var data bytes.Buffer
	writer := zip.NewWriter(&data)
	for i := 0; i < len(files); i += 2 {
		file, err := writer.CreateHeader(&zip.FileHeader{Name: files[i], Method: method})
		require.NoError(t, err)
		_, err = io.WriteString(file, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	return data.Bytes()
}

// A described tensor is what a pickle says of one.
type described struct {
	storage        string
	count, offset  int64
	shape, strides []int64
}

func (d described) write(e *pickle.Encoder) {
	numbers := func(values []int64) {
		e.Mark()
		for _, value := range values {
			e.Int(value)
		}
		e.Tuple()
	}
	text := func(text string) {
		if err := e.Text(text); err != nil {
			panic(err)
		}
	}
	e.Global(pickle.Global{Module: "torch._utils", Name: "_rebuild_tensor_v2"})
	e.Mark()
	e.Mark()
	text("storage")
	e.Global(pickle.Global{Module: "torch", Name: d.storage})
	text("0")
	text("cpu")
	e.Int(d.count)
	e.Tuple()
	e.Persistent()
	e.Int(d.offset)
	numbers(d.shape)
	numbers(d.strides)
	e.Bool(false)
	e.EmptyDict()
	e.Tuple()
	e.Reduce()
}

func (d described) pickle() string {
	e := pickle.NewEncoder()
	d.write(e)
	return string(e.Finish())
}

func TestLoadBigEndian(t *testing.T) {
	tensor := described{"ShortStorage", 2, 0, []int64{2}, []int64{1}}
	data := archiveOf(t, zip.Store, "a/data.pkl", tensor.pickle(), "a/byteorder", "big", "a/data/0", "\x00\x01\x01\x00")
	value, err := checkpoint.Read(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, []int16{1, 256}, torch.ToSlice[int16](value.(*torch.Tensor)))
}

func TestDamagedTensors(t *testing.T) {
	const most = math.MaxInt64
	eight := strings.Repeat("\x00", 8)
	for name, test := range map[string]struct {
		tensor  described
		storage string
		says    string
	}{
		"too large for its storage":  {described{"FloatStorage", 2, 0, []int64{3}, []int64{1}}, eight, "beyond its storage"},
		"stride too large":           {described{"FloatStorage", 2, 0, []int64{2}, []int64{2}}, eight, "beyond its storage"},
		"offset too large":           {described{"FloatStorage", 2, 2, []int64{1}, []int64{1}}, eight, "beyond its storage"},
		"offset beyond":              {described{"FloatStorage", 2, 3, []int64{0}, []int64{1}}, eight, "outside its storage"},
		"negative offset":            {described{"FloatStorage", 2, -1, []int64{1}, []int64{1}}, eight, "outside its storage"},
		"negative size":              {described{"FloatStorage", 2, 0, []int64{-1}, []int64{1}}, eight, "no tensor"},
		"negative stride":            {described{"FloatStorage", 2, 1, []int64{2}, []int64{-1}}, eight, "negative"},
		"sizes that wrap":            {described{"FloatStorage", 2, 0, []int64{1 << 32, 1 << 32}, []int64{0, 0}}, eight, "no tensor"},
		"stride that wraps":          {described{"FloatStorage", 2, 0, []int64{3}, []int64{most}}, eight, "beyond its storage"},
		"offset that wraps":          {described{"FloatStorage", 2, most, []int64{2}, []int64{1}}, eight, "outside its storage"},
		"more dimensions than steps": {described{"FloatStorage", 2, 0, []int64{1, 1}, []int64{1}}, eight, "not described"},
		"storage too short":          {described{"FloatStorage", 2, 0, []int64{2}, []int64{1}}, "\x00", "1 byte, "},
		"storage too long":           {described{"FloatStorage", 2, 0, []int64{2}, []int64{1}}, eight + eight, "16 bytes"},
		"huge storage":               {described{"FloatStorage", 1 << 60, 0, []int64{2}, []int64{1}}, eight, "cannot have"},
		"huge, but possible storage": {described{"FloatStorage", 1 << 40, 0, []int64{2}, []int64{1}}, eight, "8 bytes"},
		"negative storage":           {described{"FloatStorage", -2, 0, []int64{2}, []int64{1}}, eight, "cannot have"},
		"bool of 2":                  {described{"BoolStorage", 8, 0, []int64{2}, []int64{1}}, "\x02" + eight[1:], "not 0 or 1"},
	} {
		t.Run(name, func(t *testing.T) {
			data := archiveOf(t, zip.Store, "a/data.pkl", test.tensor.pickle(), "a/data/0", test.storage)
			_, err := checkpoint.Read(bytes.NewReader(data))
			requireFormatError(t, err)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	tensor := described{"FloatStorage", 2, 0, []int64{2}, []int64{1}}.pickle()
	good := archiveOf(t, zip.Store, "a/data.pkl", tensor, "a/data/0", "\x01\x02\x03\x04\x05\x06\x07\x08")
	_, err := checkpoint.Read(bytes.NewReader(good))
	require.NoError(t, err)
	nested := strings.Repeat("]", 1000) + strings.Repeat("a", 999) + "."
	for name, test := range map[string]struct {
		file []byte
		says string
	}{
		"empty":            {nil, "empty"},
		"text":             {[]byte("a text that is no archive"), "no file of torch.save"},
		"tar":              {append(make([]byte, 257), "ustar and more"...), "tar"},
		"another pickle":   {[]byte("\x80\x02K\x01."), "not one of torch.save"},
		"cut":              {good[:len(good)/2], "damaged"},
		"only a signature": {good[:4], "damaged"},
		"no pickle":        {archiveOf(t, zip.Store, "a/other", ""), "no data.pkl"},
		"no storage":       {archiveOf(t, zip.Store, "a/data.pkl", tensor), "no data/0"},
		"wrong checksum":   {bytes.Replace(good, []byte("\x01\x02\x03"), []byte("\x01\x02\x04"), 1), "checksum"},
		"compressed":       {archiveOf(t, zip.Deflate, "a/data.pkl", tensor), "compressed"},
		"file twice":       {archiveOf(t, zip.Store, "a/data.pkl", tensor, "a/data.pkl", tensor), "two files"},
		"odd byte order":   {archiveOf(t, zip.Store, "a/data.pkl", tensor, "a/byteorder", "middle"), "byte order"},
		"cut pickle":       {archiveOf(t, zip.Store, "a/data.pkl", tensor[:20]), "too soon"},
		"nested too deep":  {archiveOf(t, zip.Store, "a/data.pkl", nested), "nested"},
		"list as a key":    {archiveOf(t, zip.Store, "a/data.pkl", "}]Ns."), "cannot be a dict's key"},
		"dict of no pairs": {archiveOf(t, zip.Store, "a/data.pkl", "ccollections\nOrderedDict\n](K\x01e\x85R."), "pairs"},
		"state of no dict": {archiveOf(t, zip.Store, "a/data.pkl", "ccollections\nOrderedDict\n)RK\x01b."), "attributes"},
		"size of text":     {archiveOf(t, zip.Store, "a/data.pkl", "ctorch\nSize\nX\x01\x00\x00\x00a\x85R."), "does not take"},
		"odd device":       {archiveOf(t, zip.Store, "a/data.pkl", "ctorch\ndevice\nX\x03\x00\x00\x00mps\x85R."), `"mps"`},
		"persistent text":  {archiveOf(t, zip.Store, "a/data.pkl", "X\x01\x00\x00\x00aQ."), "storage"},
		"empty parameter":  {archiveOf(t, zip.Store, "a/data.pkl", "ctorch._utils\n_rebuild_parameter\n)R."), "parameter"},
		"number as a parameter": {archiveOf(t, zip.Store, "a/data.pkl", "ctorch._utils\n_rebuild_parameter\nK\x01\x88\x86R."),
			"no tensor"},
		"tensor of nothing": {archiveOf(t, zip.Store, "a/data.pkl", "ctorch._utils\n_rebuild_tensor_v2\n)R."), "not described"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checkpoint.Read(bytes.NewReader(test.file))
			requireFormatError(t, err)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

// TestEntriesOverOneAnother: storages that name the same bytes of a file would need more memory than
// the file has.
func TestEntriesOverOneAnother(t *testing.T) {
	e := pickle.NewEncoder()
	described{"ByteStorage", 1000, 0, []int64{1}, []int64{1}}.write(e)
	data := archiveOf(t, zip.Store, "a/data.pkl", string(e.Finish()), "a/data/0", strings.Repeat("\x00", 1000))
	// The directory's size of data.pkl becomes that of the whole file.
	at := bytes.LastIndex(data, []byte("PK\x01\x02")) // of data/0
	first := bytes.Index(data, []byte("PK\x01\x02"))
	require.Less(t, first, at)
	for _, field := range []int{20, 24} {
		copy(data[first+field:], []byte{byte(len(data) - 200), byte((len(data) - 200) >> 8), 0, 0})
	}
	_, err := checkpoint.Read(bytes.NewReader(data))
	requireFormatError(t, err)
}

func TestDamagedLegacyFiles(t *testing.T) {
	good, err := os.ReadFile(savedByPython("legacy.pt"))
	require.NoError(t, err)
	for length := range good {
		_, err := checkpoint.Read(bytes.NewReader(good[:length]))
		requireFormatError(t, err)
	}
}
