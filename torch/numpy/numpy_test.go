package numpy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
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
	"github.com/clipvqgan/clipvqgan/torch/numpy"
)

// TestReadsWhatNumPyWrote: files by scripts/reference/reference_io.py, every dtype among them, in both orders of
// bytes, in Fortran's order, compressed, and in each version of the format.
func TestReadsWhatNumPyWrote(t *testing.T) {
	for name, want := range testkit.ExpectedTensors(t, filepath.Join("testdata", "expected.json")) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			if strings.HasSuffix(name, ".npz") {
				tensors, err := numpy.LoadZ(path)
				require.NoError(t, err)
				testkit.CheckAll(t, want, testkit.Listed(t, tensors))
				tensors, err = numpy.ReadZ(bytes.NewReader(data), int64(len(data)))
				require.NoError(t, err)
				testkit.CheckAll(t, want, testkit.Listed(t, tensors))
				return
			}
			x, err := numpy.Load(path)
			require.NoError(t, err)
			want[""].Check(t, x)
			x, err = numpy.Read(iotest.HalfReader(bytes.NewReader(data)))
			require.NoError(t, err)
			want[""].Check(t, x)
		})
	}
}

func TestFortranOrderIsAView(t *testing.T) {
	x, err := numpy.Load(filepath.Join("testdata", "fortran.npy"))
	require.NoError(t, err)
	assert.False(t, x.IsContiguous())
	assert.True(t, x.Permute([]int64{2, 1, 0}).IsContiguous())
}

// hasNumPy reports whether NumPy has numbers of that kind.
func hasNumPy(dtype torch.DType) bool {
	switch {
	case dtype == torch.BFloat16, dtype == torch.Complex32, dtype == torch.Bits16:
		return false
	case dtype.ItemSize() == 1:
		return dtype == torch.Bool || dtype == torch.Uint8 || dtype == torch.Int8
	default:
		return true
	}
}

func TestRoundTrips(t *testing.T) {
	var tensors []torch.NamedTensor
	for _, named := range testkit.EachDType() {
		if hasNumPy(named.Tensor.DType()) {
			tensors = append(tensors, named)
		}
	}
	folder := t.TempDir()
	for _, named := range tensors {
		path := filepath.Join(folder, named.Name+".npy")
		require.NoError(t, numpy.Save(path, named.Tensor))
		back, err := numpy.Load(path)
		require.NoError(t, err)
		testkit.Same(t, named.Tensor, back)
		saved, err := os.ReadFile(path)
		require.NoError(t, err)
		var written bytes.Buffer
		require.NoError(t, numpy.Write(&written, named.Tensor))
		assert.Equal(t, saved, written.Bytes())
		length := int(binary.LittleEndian.Uint16(saved[8:]))
		assert.Zero(t, (10+length)%64, "the elements are aligned")
	}

	plain, small := filepath.Join(folder, "plain.npz"), filepath.Join(folder, "small.npz")
	require.NoError(t, numpy.SaveZ(plain, tensors))
	require.NoError(t, numpy.SaveZCompressed(small, tensors))
	var written bytes.Buffer
	require.NoError(t, numpy.WriteZ(&written, tensors))
	saved, err := os.ReadFile(plain)
	require.NoError(t, err)
	assert.Equal(t, saved, written.Bytes())
	for _, path := range []string{plain, small} {
		back, err := numpy.LoadZ(path)
		require.NoError(t, err)
		require.Len(t, back, len(tensors))
		for i, named := range tensors {
			assert.Equal(t, named.Name, back[i].Name)
			testkit.Same(t, named.Tensor, back[i].Tensor)
		}
	}
}

func TestSeveralArraysInOneStream(t *testing.T) {
	var stream bytes.Buffer
	require.NoError(t, numpy.Write(&stream, torch.Ones(torch.Shape{2})))
	require.NoError(t, numpy.Write(&stream, torch.Zeros(nil)))
	for _, want := range []int64{2, 1} {
		x, err := numpy.Read(&stream)
		require.NoError(t, err)
		assert.Equal(t, want, x.NumElements())
	}
	_, err := numpy.Read(&stream)
	assert.ErrorIs(t, err, torch.ErrFormat)
}

func TestDeviceAndDType(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		folder := t.TempDir()
		x := torch.FromSlice([]float32{1, 2, 3, 4}, torch.Shape{2, 2}, device).T()
		require.NoError(t, numpy.Save(filepath.Join(folder, "x.npy"), x))
		require.NoError(t, numpy.SaveZ(filepath.Join(folder, "x.npz"), []torch.NamedTensor{{Name: "x", Tensor: x}}))
		one, err := numpy.Load(filepath.Join(folder, "x.npy"), device, torch.Float64)
		require.NoError(t, err)
		all, err := numpy.LoadZ(filepath.Join(folder, "x.npz"), device, torch.Float64)
		require.NoError(t, err)
		for _, got := range []*torch.Tensor{one, all[0].Tensor} {
			assert.Equal(t, device, got.Device())
			assert.Equal(t, torch.Float64, got.DType())
			assert.Equal(t, []float32{1, 3, 2, 4}, got.Float32s())
		}
	})
}

func npy(header string, data ...byte) []byte {
	file := append([]byte("\x93NUMPY\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(header)))...)
	return append(append(file, header...), data...)
}

func TestDamagedFiles(t *testing.T) {
	good := npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", 1, 2)
	_, err := numpy.Read(bytes.NewReader(good))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		file []byte
		says string
	}{
		"empty":              {nil, "no .npy"},
		"text":               {[]byte("1,2,3,4,5,6,7,8,9"), "no .npy"},
		"version":            {[]byte("\x93NUMPY\x09\x00\x00\x00"), "version"},
		"no length":          {good[:8], "too soon"},
		"cut header":         {good[:30], "too soon"},
		"huge header":        {[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "limit"},
		"cut elements":       {good[:len(good)-1], "1 of 2 bytes"},
		"something after":    {append(bytes.Clone(good), 0), "follows"},
		"no dict":            {npy("[]"), "no dict"},
		"empty dict":         {npy("{}"), "lacks"},
		"open dict":          {npy("{'descr': '<f4'"), "does not end"},
		"no value":           {npy("{'descr'"), "no value"},
		"open text":          {npy("{'descr"), "quoted"},
		"number as key":      {npy("{1: 2}"), "quoted"},
		"unknown key":        {npy("{'x': 2}"), "unknown key"},
		"key twice":          {npy("{'descr': '<f4', 'descr': '<f4'}"), "twice"},
		"after the dict":     {npy("{'descr': '|u1', 'fortran_order': False, 'shape': ()} x", 1), "follows"},
		"order not a bool":   {npy("{'descr': '|u1', 'fortran_order': 1, 'shape': ()}", 1), "neither"},
		"no order of bytes":  {npy("{'descr': 'f4', 'fortran_order': False, 'shape': ()}", 1), "order of bytes"},
		"no type":            {npy("{'descr': '', 'fortran_order': False, 'shape': ()}", 1), "no name"},
		"negative size":      {npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", 1), "sizes"},
		"size of text":       {npy("{'descr': '|u1', 'fortran_order': False, 'shape': ('a',)}", 1), "sizes"},
		"open shape":         {npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1"), "not end"},
		"no shape":           {npy("{'descr': '|u1', 'fortran_order': False, 'shape': 1}"), "no tuple"},
		"size beyond int64":  {npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}"), "sizes"},
		"sizes that wrap":    {npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2)}"), "no array"},
		"more than there is": {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", 1), ""},
		"bool of 2":          {npy("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", 2), "not 0 or 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.npy")
			require.NoError(t, os.WriteFile(path, test.file, 0o600))
			_, err := numpy.Load(path)
			testkit.RequireFormatError(t, err)
			assert.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, path)
		})
	}
}

func TestTypesWithoutCounterpart(t *testing.T) {
	for name, says := range map[string]string{
		"objects": "Python objects", "records": "records", "text": "an array of text (<U2)",
	} {
		_, err := numpy.Load(filepath.Join("testdata", name+".npy"))
		testkit.RequireFormatError(t, err)
		assert.ErrorContains(t, err, says)
	}
}

// TestArraysWithoutCounterpart are left out of an archive, and named.
func TestArraysWithoutCounterpart(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "text.npy"))
	require.NoError(t, err)
	known := npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", 1, 2)
	data := archiveOf(t, zip.Deflate, [2]string{"text.npy", string(text)}, [2]string{"known.npy", string(known)})
	tensors, err := numpy.ReadZ(bytes.NewReader(data), int64(len(data)))
	var leftOut *torch.UnreadableError
	require.ErrorAs(t, err, &leftOut)
	assert.Equal(t, []string{"text"}, leftOut.Names)
	assert.EqualError(t, err, `the data: left out 1 of its tensors: "text": it is an array of text (<U2), which no tensor holds`)
	require.Len(t, tensors, 1)
	assert.Equal(t, []uint8{1, 2}, torch.ToSlice[uint8](tensors[0].Tensor))
}

// archiveOf is a .npz file of entries, compressed or not.
func archiveOf(t *testing.T, method uint16, entries ...[2]string) []byte {
	t.Helper()
	var data bytes.Buffer
	archive := zip.NewWriter(&data)
	for _, entry := range entries {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: entry[0], Method: method})
		require.NoError(t, err)
		_, err = io.WriteString(file, entry[1])
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return data.Bytes()
}

// rawArchive is a compressed .npz file that claims to hold so many bytes.
func rawArchive(t *testing.T, claims uint64) []byte {
	t.Helper()
	var data bytes.Buffer
	archive := zip.NewWriter(&data)
	file, err := archive.CreateRaw(&zip.FileHeader{Name: "a.npy", Method: zip.Deflate,
		CompressedSize64: 10, UncompressedSize64: claims})
	require.NoError(t, err)
	_, err = file.Write(make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	return data.Bytes()
}

func TestDamagedArchives(t *testing.T) {
	array := string(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", 1, 2))
	good := archiveOf(t, zip.Store, [2]string{"a.npy", array})
	_, err := numpy.ReadZ(bytes.NewReader(good), int64(len(good)))
	require.NoError(t, err)
	flipped := bytes.Replace(good, []byte("}\n\x01\x02"), []byte("}\n\x01\x03"), 1)
	bomb := rawArchive(t, 1<<30)
	for name, test := range map[string]struct {
		file []byte
		says string
	}{
		"empty":           {nil, "no .npz"},
		"cut":             {good[:len(good)-5], "no .npz"},
		"wrong checksum":  {flipped, "checksum"},
		"no array":        {archiveOf(t, zip.Store, [2]string{"a.txt", "text"}), "no array"},
		"damaged array":   {archiveOf(t, zip.Store, [2]string{"a.npy", "text"}), "a.npy"},
		"name twice":      {archiveOf(t, zip.Store, [2]string{"a.npy", array}, [2]string{"a.npy", array}), "two arrays"},
		"something after": {archiveOf(t, zip.Store, [2]string{"a.npy", array + "x"}), "follows"},
		"bomb":            {bomb, "no honest compression"},
		"no deflate":      {rawArchive(t, 100), "a.npy"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := numpy.ReadZ(bytes.NewReader(test.file), int64(len(test.file)))
			testkit.RequireFormatError(t, err)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

// TestAdviceForTypesThatNumPyLacks can be followed.
func TestAdviceForTypesThatNumPyLacks(t *testing.T) {
	for dtype, advice := range map[torch.DType]string{
		torch.BFloat16: "t.To(torch.Float32)", torch.Float8E4M3FN: "t.To(torch.Float32)", torch.Complex32: "t.To(torch.Complex64)",
		torch.Bits8: "t.ViewDType(torch.Uint8)", torch.Bits16: "t.ViewDType(torch.Uint8)", torch.Float4E2M1FNX2: "t.ViewDType(torch.Uint8)",
	} {
		x := torch.Zeros(torch.Shape{4}, torch.Uint8).ViewDType(dtype)
		err := numpy.Write(io.Discard, x)
		require.ErrorIs(t, err, torch.ErrInvalid, "%s", dtype)
		require.ErrorContains(t, err, "NumPy has no "+dtype.String()+": ")
		require.ErrorContains(t, err, advice)
		switch advice {
		case "t.To(torch.Float32)":
			x = x.To(torch.Float32)
		case "t.To(torch.Complex64)":
			x = x.To(torch.Complex64)
		default:
			x = x.ViewDType(torch.Uint8)
		}
		assert.NoError(t, numpy.Write(io.Discard, x), "%s", dtype)
	}
}

func TestMisuse(t *testing.T) {
	x := torch.Ones(torch.Shape{1})
	closed := torch.Ones(torch.Shape{1})
	closed.Close()
	folder := t.TempDir()
	path := filepath.Join(folder, "x")
	assert.ErrorIs(t, numpy.Save(path, x.To(torch.BFloat16)), torch.ErrInvalid)
	assert.ErrorIs(t, numpy.Save(path, closed), torch.ErrClosed)
	assert.ErrorIs(t, numpy.Write(io.Discard, nil), torch.ErrInvalid)
	assert.ErrorIs(t, numpy.SaveZ(path, []torch.NamedTensor{{Name: "a", Tensor: x}, {Name: "a", Tensor: x}}), torch.ErrInvalid)
	assert.ErrorIs(t, numpy.WriteZ(io.Discard, []torch.NamedTensor{{Tensor: x}}), torch.ErrInvalid)
	assert.ErrorIs(t, numpy.SaveZCompressed(path, []torch.NamedTensor{{Name: "a", Tensor: closed}}), torch.ErrClosed)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)

	_, err = numpy.Load(path)
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = numpy.LoadZ(folder)
	assert.ErrorContains(t, err, "directory")
	assert.ErrorIs(t, numpy.Save(filepath.Join(path, "x"), x), os.ErrNotExist)
}
