package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// TestReadsWhatPythonWrote: files by scripts/reference/reference_io.py, in each way of reading.
func TestReadsWhatPythonWrote(t *testing.T) {
	for name, want := range testkit.ExpectedTensors(t, filepath.Join("testdata", "expected.json")) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			tensors, metadata, err := safetensors.Load(path)
			if name == "dtypes.safetensors" && !torch.Float4E2M1FNX2.IsAvailable() {
				require.ErrorAs(t, err, new(*torch.UnreadableError))
				testkit.CheckAll(t, want, testkit.Listed(t, tensors))
				return
			}
			require.NoError(t, err)
			testkit.CheckAll(t, want, testkit.Listed(t, tensors))
			if name == "dtypes.safetensors" {
				assert.Equal(t, map[string]string{"format": "pt", "note": "one \"two\" \u00e9"}, metadata)
			}

			file, err := safetensors.Open(path)
			require.NoError(t, err)
			defer file.Close()
			require.Len(t, file.Tensors(), len(want))
			for i, info := range file.Tensors() {
				assert.Equal(t, tensors[i].Name, info.Name)
				assert.Equal(t, want[info.Name].Shape, info.Shape)
				assert.Equal(t, want[info.Name].DType, info.DType.String())
				one, err := file.Tensor(info.Name)
				require.NoError(t, err)
				want[info.Name].Check(t, one)
			}
			assert.Equal(t, metadata, file.Metadata())

			if strings.HasSuffix(name, ".json") {
				return
			}
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			tensors, again, err := safetensors.Read(iotest.HalfReader(bytes.NewReader(data)))
			require.NoError(t, err)
			assert.Equal(t, metadata, again)
			testkit.CheckAll(t, want, testkit.Listed(t, tensors))
		})
	}
}

func TestRoundTrip(t *testing.T) {
	var tensors []torch.NamedTensor
	for _, named := range testkit.EachDType() {
		if dtype := named.Tensor.DType(); dtype != torch.Complex128 && dtype != torch.Complex32 && !strings.HasPrefix(dtype.String(), "bits") {
			tensors = append(tensors, named)
		}
	}
	tensors = append(tensors, torch.NamedTensor{Name: `quote " \ <&> é`, Tensor: torch.Ones(torch.Shape{1})})
	metadata := map[string]string{"format": "pt", "a": `"<é>"`}
	path := filepath.Join(t.TempDir(), "all.safetensors")
	require.NoError(t, safetensors.Save(path, tensors, metadata))
	back, readMetadata, err := safetensors.Load(path)
	require.NoError(t, err)
	assert.Equal(t, metadata, readMetadata)
	byName := testkit.Listed(t, back)
	require.Len(t, byName, len(tensors))
	for _, named := range tensors {
		require.Contains(t, byName, named.Name)
		testkit.Same(t, named.Tensor, byName[named.Name])
	}

	var written bytes.Buffer
	require.NoError(t, safetensors.Write(&written, tensors, metadata))
	saved, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, saved, written.Bytes())
	assert.Zero(t, (8+binary.LittleEndian.Uint64(saved))%8, "the tensors are aligned")
}

func TestOrderIsKept(t *testing.T) {
	one := torch.Ones(torch.Shape{1})
	half := torch.Ones(torch.Shape{1}, torch.BFloat16)
	var written bytes.Buffer
	require.NoError(t, safetensors.Write(&written, []torch.NamedTensor{
		{Name: "z", Tensor: one}, {Name: "half", Tensor: half}, {Name: "a", Tensor: one}, {Name: "b", Tensor: one},
	}, nil))
	file, err := safetensors.NewFile(bytes.NewReader(written.Bytes()), int64(written.Len()))
	require.NoError(t, err)
	var names []string
	for _, info := range file.Tensors() {
		names = append(names, info.Name)
	}
	assert.Equal(t, []string{"z", "a", "b", "half"}, names)
	require.NoError(t, file.Close())
}

func TestDeviceAndDType(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		x := torch.FromSlice([]float32{1, 2, 3, 4}, torch.Shape{2, 2}, device).T()
		require.NoError(t, safetensors.Save(path, []torch.NamedTensor{{Name: "x", Tensor: x}}, nil))
		tensors, _, err := safetensors.Load(path, device, torch.Float64)
		require.NoError(t, err)
		assert.Equal(t, device, tensors[0].Tensor.Device())
		assert.Equal(t, torch.Float64, tensors[0].Tensor.DType())
		assert.Equal(t, []float32{1, 3, 2, 4}, tensors[0].Tensor.Float32s())
	})
}

// fileOf is a file with a header and some bytes.
func fileOf(header string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), make([]byte, data)...)
}

func TestDamagedFiles(t *testing.T) {
	tensor := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"a":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	good := fileOf(tensor("F32", "[2]", "[0,8]"), 8)
	_, _, err := safetensors.Read(bytes.NewReader(good))
	require.NoError(t, err)

	for name, test := range map[string]struct {
		file []byte
		says string
	}{
		"empty":                  {nil, "too short"},
		"only a length":          {good[:8], "claims"},
		"huge header":            {binary.LittleEndian.AppendUint64(nil, 1<<63), "limit"},
		"header beyond the end":  {append(binary.LittleEndian.AppendUint64(nil, 1<<20), '{'), "claims"},
		"cut header":             {good[:20], "claims"},
		"cut tensors":            {good[:len(good)-1], "need 8 bytes"},
		"something after":        {append(bytes.Clone(good), 0), "need 8 bytes"},
		"no JSON":                {fileOf("{nothing", 0), "damaged"},
		"not an object":          {fileOf("[]", 0), "does not begin"},
		"two values":             {fileOf("{}{}", 0), "follows"},
		"not UTF-8":              {fileOf("{\"\xff\":1}", 0), "UTF-8"},
		"tensor of no object":    {fileOf(`{"a":1}`, 0), "object"},
		"negative unknown dtype": {fileOf(tensor("F99", "[2]", "[8,0]"), 8), "there can be no tensor"},
		"no shape":               {fileOf(`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, 8), "missing"},
		"null shape":             {fileOf(`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,8]}}`, 8), "list"},
		"no offsets":             {fileOf(`{"a":{"dtype":"F32","shape":[2]}}`, 8), "missing"},
		"one offset":             {fileOf(tensor("F32", "[2]", "[0]"), 8), "missing"},
		"negative size":          {fileOf(tensor("F32", "[-2]", "[0,8]"), 8), "no size"},
		"fraction":               {fileOf(tensor("F32", "[2.5]", "[0,8]"), 8), "no size"},
		"size that wraps":        {fileOf(tensor("F32", "[4294967296,4294967296,2]", "[0,8]"), 8), "can be no tensor"},
		"sizes that do not fit":  {fileOf(tensor("F32", "[3]", "[0,8]"), 8), "do not fit"},
		"half a byte":            {fileOf(tensor("F4", "[3]", "[0,1]"), 1), "do not fit"},
		"offsets reversed":       {fileOf(tensor("F32", "[2]", "[8,0]"), 8), "do not fit"},
		"offset beyond the file": {fileOf(tensor("F32", "[2]", "[0,8]"), 4), "need 8 bytes"},
		"huge tensor":            {fileOf(tensor("U8", "[1152921504606846975]", "[0,1152921504606846975]"), 4), ""},
		"gap before":             {fileOf(tensor("F32", "[2]", "[4,12]"), 12), "gap"},
		"overlap": {fileOf(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},`+
			`"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12), "overlap"},
		"same place": {fileOf(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},`+
			`"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), "overlap"},
		"name twice": {fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},`+
			`"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "twice"},
		"key twice":       {fileOf(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "twice"},
		"metadata number": {fileOf(`{"__metadata__":{"a":1}}`, 0), "damaged"},
		"metadata twice":  {fileOf(`{"__metadata__":{"a":"1","a":"2"}}`, 0), "twice"},
		"bool of 2": {append(fileOf(tensor("BOOL", "[1]", "[0,1]"), 0), 2),
			"not 0 or 1"},
		"deep nesting": {fileOf(`{"a":{"x":`+strings.Repeat("[", 100000), 0), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.safetensors")
			require.NoError(t, os.WriteFile(path, test.file, 0o600))
			_, _, err := safetensors.Load(path)
			testkit.RequireFormatError(t, err)
			assert.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, path)
			_, _, err = safetensors.Read(bytes.NewReader(test.file))
			testkit.RequireFormatError(t, err)
		})
	}
}

func TestTypesWithoutCounterpart(t *testing.T) {
	header := `{"f6":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]},"new":{"dtype":"F99","shape":[2],"data_offsets":[3,8]},` +
		`"odd":{"dtype":"F4","shape":[2,1],"data_offsets":[8,9]},"known":{"dtype":"U8","shape":[2],"data_offsets":[9,11]}}`
	data := fileOf(header, 11)
	check := func(tensors []torch.NamedTensor, err error) {
		var leftOut *torch.UnreadableError
		require.ErrorAs(t, err, &leftOut)
		assert.ErrorIs(t, err, torch.ErrFormat)
		assert.Equal(t, []string{"f6", "new", "odd"}, leftOut.Names)
		assert.ErrorContains(t, err, `left out 3 of its tensors: "f6": F6_E2M3, which libtorch does not have; "new": F99`)
		require.Len(t, tensors, 1)
		assert.Equal(t, []uint8{0, 0}, torch.ToSlice[uint8](tensors[0].Tensor))
	}
	tensors, _, err := safetensors.Read(bytes.NewReader(data))
	check(tensors, err)
	path := filepath.Join(t.TempDir(), "new.safetensors")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	tensors, _, err = safetensors.Load(path)
	check(tensors, err)

	file, err := safetensors.Open(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Tensor("known")
	require.NoError(t, err)
	_, err = file.Tensor("new")
	assert.ErrorIs(t, err, torch.ErrFormat)
	assert.ErrorContains(t, err, "F99")
	_, err = file.Tensor("none")
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, _, err = safetensors.Read(bytes.NewReader(data[:len(data)-9]))
	assert.ErrorContains(t, err, "too soon")
}

// TestMixedFile: uint16 and float8 among known types.
func TestMixedFile(t *testing.T) {
	tensors, _, err := safetensors.Load(filepath.Join("testdata", "mixed.safetensors"))
	require.NoError(t, err)
	byName := testkit.Listed(t, tensors)
	assert.Equal(t, torch.Uint16, byName["u16"].DType())
	assert.Equal(t, torch.Float8E4M3FN, byName["f8"].DType())
	assert.Equal(t, torch.Shape{4, 6}, byName["f8"].Shape())
}

func TestDamagedIndexes(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "module.safetensors"))
	require.NoError(t, err)
	for name, index := range map[string]string{
		"no JSON":         `{`,
		"no map":          `{"metadata":{}}`,
		"outside":         `{"weight_map":{"a":"../a.safetensors"}}`,
		"absolute":        `{"weight_map":{"a":"/etc/passwd"}}`,
		"in a folder":     `{"weight_map":{"a":"b/a.safetensors"}}`,
		"too few tensors": `{"weight_map":{"first.weight":"a.safetensors"}}`,
		"wrong part":      `{"weight_map":{"a":"a.safetensors","b":"a.safetensors"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "index.json")
			require.NoError(t, os.WriteFile(path, []byte(index), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "a.safetensors"), whole, 0o600))
			_, err := safetensors.Open(path)
			testkit.RequireFormatError(t, err)
		})
	}
	path := filepath.Join(t.TempDir(), "index.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"weight_map":{"a":"missing.safetensors"}}`), 0o600))
	_, err = safetensors.Open(path)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestMisuse(t *testing.T) {
	x := torch.Ones(torch.Shape{1})
	closed := torch.Ones(torch.Shape{1})
	closed.Close()
	for name, test := range map[string]struct {
		kind     error
		tensors  []torch.NamedTensor
		metadata map[string]string
	}{
		"name twice":        {torch.ErrInvalid, []torch.NamedTensor{{Name: "a", Tensor: x}, {Name: "a", Tensor: x}}, nil},
		"reserved name":     {torch.ErrInvalid, []torch.NamedTensor{{Name: "__metadata__", Tensor: x}}, nil},
		"name not UTF-8":    {torch.ErrInvalid, []torch.NamedTensor{{Name: "\xff", Tensor: x}}, nil},
		"metadata no UTF-8": {torch.ErrInvalid, nil, map[string]string{"a": "\xff"}},
		"complex128":        {torch.ErrInvalid, []torch.NamedTensor{{Name: "a", Tensor: x.To(torch.Complex128)}}, nil},
		"closed":            {torch.ErrClosed, []torch.NamedTensor{{Name: "a", Tensor: closed}}, nil},
		"nil":               {torch.ErrInvalid, []torch.NamedTensor{{Name: "a"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.safetensors")
			assert.ErrorIs(t, safetensors.Save(path, test.tensors, test.metadata), test.kind)
			assert.NoFileExists(t, path)
			assert.ErrorIs(t, safetensors.Write(io.Discard, test.tensors, test.metadata), test.kind)
		})
	}
	_, _, err := safetensors.Load(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = safetensors.Open(t.TempDir())
	assert.ErrorContains(t, err, "directory")
	assert.ErrorIs(t, safetensors.Save(filepath.Join(t.TempDir(), "none", "a"), nil, nil), os.ErrNotExist)
	_, _, err = safetensors.Read(iotest.ErrReader(io.ErrClosedPipe))
	assert.ErrorIs(t, err, torch.ErrFormat)
}
