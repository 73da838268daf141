package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// readPickle reads an archive of a pickle and one storage of 8 bytes.
func readPickle(t *testing.T, pickle string) any {
	t.Helper()
	data := archiveOf(t, zip.Store, "a/data.pkl", pickle, "a/data/0", "\x01\x02\x03\x04\x05\x06\x07\x08")
	value, err := checkpoint.Read(bytes.NewReader(data))
	require.NoError(t, err)
	return value
}

// TestTensorsBesideUnknownObjects: a training checkpoint of a framework whose classes Go knows nothing of.
func TestTensorsBesideUnknownObjects(t *testing.T) {
	file := loadedDict(t, savedByPython("lightning.pt"))
	weight := file.Get("state_dict").(*torch.Dict).Get("w").(*torch.Tensor)
	assert.Equal(t, torch.Shape{4, 6}, weight.Shape())
	assert.Equal(t, int64(3), file.Get("epoch"))
	callback := file.Get("callbacks").(*torch.Dict).Get("c").(*torch.Object)
	assert.Equal(t, "__main__.Cb", callback.Class)
	assert.Empty(t, callback.Problem)
	assert.Equal(t, torch.Shape{2}, callback.Attribute("best").(*torch.Tensor).Shape())
	assert.Equal(t, torch.Float16, file.Get("dt"))
	number := file.Get("np").(*torch.Object)
	assert.Equal(t, "numpy._core.multiarray.scalar", number.Class)
	assert.Equal(t, []byte("\x00\x00\x00\x00\x00\x00\x08@"), number.Arguments[1])

	text := file.String()
	for _, part := range []string{"'w': tensor(shape=[4 6], dtype=float32, device=cpu)", "'epoch': 3,",
		"<__main__.Cb state {", "'t': (1, 2),", "'n': None,", "'dt': torch.float16,", "device('cpu')"} {
		assert.Contains(t, text, part)
	}
	assert.ErrorContains(t, checkpoint.Write(&bytes.Buffer{}, file), "an object of the class __main__.Cb cannot be saved")
	file.Close()
	assert.Equal(t, "tensor(closed)", callback.Attribute("best").(*torch.Tensor).String(), "what an object holds is closed too")
}

func TestObjectsOfATrainedModule(t *testing.T) {
	net := loadedDict(t, savedByPython("class.pt")).Get("net").(*torch.Object)
	assert.Equal(t, "__main__.Net", net.Class)
	first := net.Attribute("_modules").(*torch.Dict).Get("first").(*torch.Object)
	assert.Equal(t, "torch.nn.modules.linear.Linear", first.Class)
	weight := first.Attribute("_parameters").(*torch.Dict).Get("weight").(*torch.Tensor)
	assert.Equal(t, torch.Shape{4, 3}, weight.Shape())
	assert.Nil(t, net.Attribute("nothing of that name"))
	assert.Nil(t, (*torch.Object)(nil).Attribute("x"))
}

// TestTensorsOfUnknownKinds are objects that say so; the rest of the file is read.
func TestTensorsOfUnknownKinds(t *testing.T) {
	sparse := loaded(t, savedByPython("sparse.pt")).(*torch.Object)
	assert.Contains(t, sparse.Problem, "a sparse tensor")
	storage := loaded(t, savedByPython("storage.pt")).(*torch.Object)
	assert.Contains(t, storage.Problem, "a storage that is no tensor's")

	quantized := described{"QInt8Storage", 8, 0, []int64{2}, []int64{1}}.pickle()
	good := described{"ByteStorage", 8, 0, []int64{2}, []int64{1}}.pickle()
	value := readPickle(t, "}(X\x01\x00\x00\x00a"+body(good)+"X\x01\x00\x00\x00b"+body(quantized)+"u.").(*torch.Dict)
	assert.Equal(t, []uint8{1, 2}, torch.ToSlice[uint8](value.Get("a").(*torch.Tensor)))
	assert.Contains(t, value.Get("b").(*torch.Object).Problem, "torch.QInt8Storage")
	_, err := value.Tensors()
	assert.ErrorContains(t, err, `"b" is no tensor`)
	assert.ErrorContains(t, err, "QInt8Storage")
}

// body is a pickle without its beginning and its end.
func body(pickle string) string {
	return strings.TrimSuffix(strings.TrimPrefix(pickle, "\x80\x02"), ".")
}

// TestNothingIsRun: what would run code in Python is a description here, whatever it is made of.
func TestNothingIsRun(t *testing.T) {
	for name, test := range map[string]struct{ pickle, says string }{
		"code":            {"cos\nsystem\n(X\x02\x00\x00\x00lstR.", "<os.system('ls',)>"},
		"a class itself":  {"ccollections\nOrderedDict\n.", "<collections.OrderedDict>"},
		"call of a call":  {"cbuiltins\ngetattr\n(NNtR(X\x02\x00\x00\x00lstR.", "<builtins.getattr(...)('ls',)>"},
		"a list":          {"ccollections\ndeque\n)R(K\x01K\x02e.", "<collections.deque items [1, 2]>"},
		"a dict":          {"ccollections\ndefaultdict\n)RX\x01\x00\x00\x00aK\x01s.", "<collections.defaultdict items {\n    'a': 1,\n  }>"},
		"named arguments": {"\x80\x04cm\nC\n)}X\x01\x00\x00\x00aK\x01s\x92.", "<m.C named {\n    'a': 1,\n  }>"},
		"holds itself": {"cm\nC\n)Rq\x00h\x00b.",
			"<m.C state <m.C: it is what it is in: a value that contains itself is not read>>"},
		"holds what is bad": {"cm\nC\n(ctorch\nSize\nX\x01\x00\x00\x00a\x85RtR.", "<m.C: torch.Size is called with what it does not take>"},
	} {
		t.Run(name, func(t *testing.T) {
			value := readPickle(t, test.pickle)
			require.IsType(t, &torch.Object{}, value)
			assert.Equal(t, test.says, fmt.Sprint(value))
		})
	}
	key := readPickle(t, "}cm\nColor\nK\x01\x85RK\x02s.").(*torch.Dict) // an enum's member as a key
	assert.Equal(t, "{\n  <m.Color(1,)>: 2,\n}", key.String())
}

// TestWhatContainsItself: the rest of the file is read.
func TestWhatContainsItself(t *testing.T) {
	itself := func(class string, value any) {
		t.Helper()
		object, ok := value.(*torch.Object)
		require.True(t, ok, "%T", value)
		assert.Equal(t, class, object.Class)
		assert.Contains(t, object.Problem, "contains itself")
	}
	dict := readPickle(t, "}q\x00(X\x04\x00\x00\x00selfh\x00X\x01\x00\x00\x00xK\x07u.").(*torch.Dict)
	itself("dict", dict.Get("self"))
	assert.Equal(t, int64(7), dict.Get("x"))
	list := readPickle(t, "]q\x00(K\x01h\x00e.").([]any)
	assert.Equal(t, int64(1), list[0])
	itself("list", list[1])
	tuple := readPickle(t, "(]q\x00h\x00K\x02tq\x01h\x00h\x01a0.").(torch.Tuple) // ([tuple], list, 2)
	itself("tuple", tuple[0].([]any)[0])
	assert.Equal(t, int64(2), tuple[2])

	data := archiveOf(t, zip.Store, "a/data.pkl", "]q\x00h\x00a.")
	file, err := checkpoint.NewFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	defer file.Close()
	itself("list", file.Value().([]any)[0])
}

// untyped describes a tensor over a storage without a type.
func untyped(dtype string, bytes, count int) string {
	return "ctorch._utils\n_rebuild_tensor_v3\n((X\x07\x00\x00\x00storagectorch.storage\nUntypedStorage\n" +
		"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK" + string(rune(bytes)) + "tQK\x00K" + string(rune(count)) +
		"\x85K\x01\x85\x89}ctorch\n" + dtype + "\ntR."
}

func TestUntypedStorages(t *testing.T) {
	assert.Equal(t, []uint16{0x0201, 0x0403, 0x0605, 0x0807},
		torch.ToSlice[uint16](readPickle(t, untyped("uint16", 8, 4)).(*torch.Tensor)))
	assert.Contains(t, readPickle(t, untyped("bool", 8, 8)).(*torch.Object).Problem, "bool over a storage of uint8")
	assert.Contains(t, readPickle(t, untyped("quint8", 8, 8)).(*torch.Object).Problem, "quint8")
	assert.Contains(t, readPickle(t, untyped("float3", 8, 8)).(*torch.Object).Problem, "torch.float3")

	big := func(pickle string) any {
		data := archiveOf(t, zip.Store, "a/data.pkl", pickle, "a/byteorder", "big", "a/data/0", "\x01\x02\x03\x04\x05\x06\x07\x08")
		value, err := checkpoint.Read(bytes.NewReader(data))
		require.NoError(t, err)
		return value
	}
	assert.Equal(t, []uint32{0x01020304, 0x05060708}, torch.ToSlice[uint32](big(untyped("uint32", 8, 2)).(*torch.Tensor)))
	two := big("(" + body(untyped("uint32", 8, 2)) + body(untyped("uint16", 8, 4)) + "t.").(torch.Tuple)
	assert.Equal(t, []uint32{binary.BigEndian.Uint32([]byte{1, 2, 3, 4}), 0x05060708}, torch.ToSlice[uint32](two[0].(*torch.Tensor)))
	assert.Contains(t, two[1].(*torch.Object).Problem, "big-endian")

	_, err := checkpoint.Read(bytes.NewReader(archiveOf(t, zip.Store, "a/data.pkl", untyped("uint64", 8, 2), "a/data/0", "12345678")))
	requireFormatError(t, err)
	assert.ErrorContains(t, err, "beyond its storage")
}
