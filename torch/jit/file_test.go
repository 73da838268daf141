package jit_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func readTestFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(moduleFile(name))
	require.NoError(t, err)
	return data
}

// netFiles are the extra files of net.pt.
var netFiles = map[string][]byte{"config.json": []byte(`{"kind": "net"}`), "notes/empty": {}}

func TestLoadAndRead(t *testing.T) {
	reference := loadNetReference(t)
	data := readTestFile(t, "net.pt")
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		loaded, err := jit.Load(moduleFile("net.pt"), device)
		require.NoError(t, err)
		read, err := jit.Read(bytes.NewReader(data), device)
		require.NoError(t, err)
		for _, net := range []*jit.Module{loaded, read} {
			y, err := net.Forward(netInput(device))
			require.NoError(t, err)
			assert.Equal(t, device, y.Device())
			assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
			assert.Equal(t, netFiles, net.ExtraFiles())
		}
	})
	net := loadModule(t, "net.pt", torch.Float64)
	y, err := net.Forward(netInput(torch.Float64))
	require.NoError(t, err)
	assert.Equal(t, torch.Float64, y.DType())
}

func TestReadExtraFiles(t *testing.T) {
	files, err := jit.ReadExtraFiles(moduleFile("net.pt"))
	require.NoError(t, err)
	assert.Equal(t, netFiles, files)
	files, err = jit.ReadExtraFiles(moduleFile("values.pt"))
	require.NoError(t, err)
	assert.Empty(t, files)
	_, err = jit.ReadExtraFiles(moduleFile("state_dict.pt"))
	assert.ErrorIs(t, err, torch.ErrModel)
}

func TestModuleOfAGPULoadsOnTheCPU(t *testing.T) {
	net := loadModule(t, "cuda.pt")
	y, err := net.Forward(netInput())
	require.NoError(t, err)
	assert.InDeltaSlice(t, loadNetReference(t).Output, y.Float32s(), float32Rounding)
}

func TestAbsentGPU(t *testing.T) {
	absent := torch.CUDA(cuda.DeviceCount())
	_, err := jit.Load(moduleFile("net.pt"), absent)
	assert.ErrorIs(t, err, torch.ErrDevice)
	assert.ErrorContains(t, err, absent.String())
	_, err = jit.Read(bytes.NewReader(readTestFile(t, "net.pt")), absent)
	assert.ErrorIs(t, err, torch.ErrDevice)
	assert.ErrorIs(t, loadModule(t, "net.pt").To(absent), torch.ErrDevice)
}

func TestSaveAndWrite(t *testing.T) {
	reference := loadNetReference(t)
	net := loadModule(t, "net.pt")
	require.NoError(t, net.SetExtraFile("more.txt", []byte("more")))
	require.NoError(t, net.SetExtraFile("notes/empty", nil))
	assert.ErrorIs(t, net.SetExtraFile("../outside", []byte("x")), torch.ErrInvalid)

	path := filepath.Join(t.TempDir(), "saved.pt")
	require.NoError(t, net.Save(path))
	require.NoError(t, net.Save(path), "over an existing file")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file is left")
	var stream bytes.Buffer
	require.NoError(t, net.Write(&stream))

	saved, err := jit.Load(path)
	require.NoError(t, err)
	written, err := jit.Read(&stream)
	require.NoError(t, err)
	for _, again := range []*jit.Module{saved, written} {
		assert.Equal(t, map[string][]byte{"config.json": netFiles["config.json"], "more.txt": []byte("more")}, again.ExtraFiles())
		y, err := again.Forward(netInput())
		require.NoError(t, err)
		assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
		assert.False(t, again.IsTraining())
	}

	frozen, err := net.Freeze()
	require.NoError(t, err)
	require.NoError(t, frozen.Save(path))
	frozen, err = jit.Load(path)
	require.NoError(t, err)
	y, err := frozen.Forward(netInput())
	require.NoError(t, err)
	assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding)
}

var errFull = errors.New("no space")

// limited takes so many bytes and then fails.
type limited int

func (l *limited) Write(data []byte) (int, error) {
	if len(data) > int(*l) {
		return 0, errFull
	}
	*l -= limited(len(data))
	return len(data), nil
}

func TestSaveFailures(t *testing.T) {
	net := loadModule(t, "net.pt")
	assert.ErrorIs(t, net.Save(filepath.Join(t.TempDir(), "none", "a.pt")), os.ErrNotExist)
	assert.Error(t, net.Save(t.TempDir()), "a folder")
	for _, room := range []limited{0, 5000} {
		assert.ErrorIs(t, net.Write(&room), errFull)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		assert.Error(t, net.Write(full))
	}
}

// zipped is an archive with the given files in a folder.
func zipped(t *testing.T, names ...string) []byte {
	t.Helper()
	var data bytes.Buffer
	archive := zip.NewWriter(&data)
	for _, name := range names {
		_, err := archive.Create("archive/" + name)
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return data.Bytes()
}

func TestWhatIsNoModule(t *testing.T) {
	for name, test := range map[string]struct {
		data    []byte
		message string
	}{
		"nothing":          {nil, "the data is empty"},
		"short":            {[]byte("PK"), "no TorchScript module"},
		"text":             {[]byte("some text that goes on and on"), "torch.jit.script(model).save"},
		"zip that ends":    {[]byte("PK\x03\x04 and then nothing"), "damaged or cut short"},
		"other zip":        {zipped(t, "a.txt"), "a zip file, but no TorchScript module"},
		"empty module":     {zipped(t, "constants.pkl"), "cannot be loaded by libtorch"},
		"state dict":       {readTestFile(t, "state_dict.pt"), "Module.LoadStateDict"},
		"old state dict":   {readTestFile(t, "old_state_dict.pt"), "before PyTorch 1.6"},
		"pickled module":   {readTestFile(t, "pickled.pt"), "the Python class torch.nn.modules.linear.Linear"},
		"exported program": {readTestFile(t, "exported.pt2"), "torch.export"},
		"unknown operator": {readTestFile(t, "unknown_operator.pt"), "needs the operator torchvision::nms"},
		"safetensors":      {append([]byte{60, 0, 0, 0, 0, 0, 0, 0}, `{"a":1}`...), "safetensors"},
		"LFS":              {[]byte("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
		"web page":         {[]byte("\n<!DOCTYPE html><html>"), "web page"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jit.Read(bytes.NewReader(test.data))
			require.ErrorIs(t, err, torch.ErrModel)
			assert.ErrorContains(t, err, test.message)
			assert.NotContains(t, err.Error(), "\n")

			path := filepath.Join(t.TempDir(), "file.pt")
			require.NoError(t, os.WriteFile(path, test.data, 0o600))
			_, err = jit.Load(path)
			require.ErrorIs(t, err, torch.ErrModel)
			assert.ErrorContains(t, err, path)
		})
	}
	_, err := jit.Load(filepath.Join(t.TempDir(), "none.pt"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = jit.Load(t.TempDir())
	assert.ErrorIs(t, err, torch.ErrModel)
	_, err = jit.Read(io.MultiReader(bytes.NewReader([]byte("PK")), failingReader{}))
	assert.ErrorIs(t, err, errFull)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errFull }

// Every single damage is found, in code, weights and directory, before libtorch sees it; what is
// not damage in a zip's eyes (a date) leaves the module as it was.
func TestDamagedModules(t *testing.T) {
	reference := loadNetReference(t)
	for _, name := range []string{"values.pt", "net.pt"} {
		whole := readTestFile(t, name)
		step := max(1, len(whole)/700)
		for cut := 0; cut < len(whole); cut += step {
			_, err := jit.Read(bytes.NewReader(whole[:cut]))
			assert.ErrorIs(t, err, torch.ErrModel, "%s cut to %d", name, cut)
		}
		refused := 0
		for at := 0; at < len(whole); at += step {
			data := slices.Clone(whole)
			data[at] ^= 0xff
			module, err := jit.Read(bytes.NewReader(data))
			if err != nil {
				assert.ErrorIs(t, err, torch.ErrModel, "%s flipped at %d", name, at)
				refused++
				continue
			}
			if name == "net.pt" {
				y, err := module.Forward(netInput())
				if assert.NoError(t, err, "flipped at %d", at) {
					assert.InDeltaSlice(t, reference.Output, y.Float32s(), float32Rounding, "flipped at %d", at)
				}
			}
			module.Close()
		}
		assert.Positive(t, refused)
	}
}
