package wheel

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlatforms(t *testing.T) {
	names, err := Platforms("linux", "arm64")
	require.NoError(t, err)
	assert.Contains(t, names, "manylinux_2_28_aarch64")
	assert.Contains(t, names, "manylinux2014_aarch64")
	for _, machine := range [][2]string{{"linux", "riscv64"}, {"darwin", "arm64"}} {
		_, err := Platforms(machine[0], machine[1])
		assert.ErrorContains(t, err, "set LIBTORCH")
	}
}

func TestFits(t *testing.T) {
	platforms, err := Platforms("linux", "amd64")
	require.NoError(t, err)
	for file, want := range map[string]bool{
		"torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl":                       true,
		"torch-2.13.0-1-cp312-cp312-manylinux_2_28_x86_64.whl":                     true,
		"Torch-2.13.0-py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": true,
		"torch-2.13.0-py3-none-any.whl":                                            true,
		"torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl":                       false,
		"torch-2.13.0-cp312-cp312t-manylinux_2_28_x86_64.whl":                      false,
		"torch-2.13.0-cp312-cp312-manylinux_2_28_aarch64.whl":                      false,
		"torch-2.13.0-cp312-cp312-manylinux_2_39_x86_64.whl":                       false,
		"torch-2.13.1-cp312-cp312-manylinux_2_28_x86_64.whl":                       false,
		"torchvision-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl":                 false,
		"torch-2.13.0.tar.gz":                                                      false, "torch-2.13.0.whl": false,
	} {
		assert.Equal(t, want, Fits(file, "torch", "2.13.0", platforms), file)
	}
	assert.True(t, Fits("nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.whl", "nvidia-cuda-runtime", "13.0.96", platforms))
}

func TestIsWanted(t *testing.T) {
	for name, want := range map[string][2]bool{ // without CUDA, with it
		"torch/lib/libtorch_cpu.so":               {true, true},
		"torch/lib/libgomp.so.1":                  {true, true},
		"torch/lib/libtorch_cuda.so":              {false, true},
		"torch/lib/libtorch_nvshmem.so":           {false, true},
		"torch/lib/libtorch_python.so":            {false, false},
		"torch/lib/libshm.so":                     {false, false},
		"torch/include/ATen/ATen.h":               {true, true},
		"torch/nn/modules.py":                     {false, false},
		"torch-2.13.0.dist-info/licenses/LICENSE": {true, true},
		"torch-2.13.0.dist-info/METADATA":         {false, false},
		"nvidia/cu13/lib/libcudart.so.13":         {true, true},
		"nvidia/cu13/include/cuda.h":              {false, false},
		"torch.libs/libgfortran.so.5":             {true, true},
		OperatorDeclarations:                      {true, true},
	} {
		assert.Equal(t, want, [2]bool{IsWanted(name, false), IsWanted(name, true)}, name)
	}
}

func write(t *testing.T, files map[string]string) string {
	path := filepath.Join(t.TempDir(), "a.whl")
	out, err := os.Create(path)
	require.NoError(t, err)
	archive := zip.NewWriter(out)
	for name, content := range files {
		file, err := archive.Create(name)
		require.NoError(t, err)
		_, err = file.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, out.Close())
	return path
}

func TestUnpackStaysInItsFolder(t *testing.T) {
	path := write(t, map[string]string{"torch/include/a.h": "a", "torch/include/../../../b.h": "b", "torch/c.py": "c"})
	outside := t.TempDir()
	folder := filepath.Join(outside, "in")
	require.NoError(t, Unpack(t.Context(), path, folder, false))
	data, err := os.ReadFile(filepath.Join(folder, "torch", "include", "a.h"))
	require.NoError(t, err)
	assert.Equal(t, "a", string(data))
	for _, name := range []string{"b.h", "in/torch/c.py"} {
		assert.NoFileExists(t, filepath.Join(outside, name))
	}
}

func TestUnpackFails(t *testing.T) {
	path := write(t, map[string]string{"torch/include/a.h": "a"})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	assert.ErrorIs(t, Unpack(ctx, path, t.TempDir(), false), stop)
	require.NoError(t, os.WriteFile(path, []byte("no archive"), 0o600))
	assert.ErrorContains(t, Unpack(t.Context(), path, t.TempDir(), false), "a.whl: zip")
}
