package libtorch

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/setup/internal/standin"
)

func libtorchAt(t *testing.T, folder, version string) string {
	standin.Write(t, folder, standin.Libtorch(version, standin.CXX11ABI))
	return folder
}

func TestInspect(t *testing.T) {
	folder := libtorchAt(t, filepath.Join(t.TempDir(), "a folder"), "2.13.0")
	found, err := Inspect(folder, "LIBTORCH")
	require.NoError(t, err)
	assert.Equal(t, &Libtorch{
		Version:     "2.13.0",
		Root:        folder,
		IncludeDirs: []string{filepath.Join(folder, "include"), filepath.Join(folder, "include/torch/csrc/api/include")},
		LibDir:      filepath.Join(folder, "lib"),
		CXX11ABI:    true,
		Origin:      "LIBTORCH",
	}, found)
	newer, _ := found.NewerThanTested()
	assert.False(t, newer)
	assert.Contains(t, found.CMake(), "set(LIBTORCH_VERSION 2.13.0)\n")
	assert.Contains(t, found.CMake(), "set(LIBTORCH_LIB_DIR [==["+folder+"/lib]==])\n")
	assert.Contains(t, found.CMake(), "[==["+folder+"/include]==] [==["+folder+"/include/torch")
	var description map[string]any
	require.NoError(t, json.Unmarshal([]byte(found.JSON()), &description))
	assert.Equal(t, folder+"/lib", description["lib_dir"])
	assert.Equal(t, folder, description["root"])

	standin.Write(t, folder, map[string]string{"lib/libtorch_cuda.so": ""})
	found, err = Inspect(folder, "")
	require.NoError(t, err)
	assert.True(t, found.CUDA)
}

func TestNewerThanTestedIsTried(t *testing.T) {
	found, err := Inspect(libtorchAt(t, t.TempDir(), "2.99.0"), "")
	require.NoError(t, err)
	newer, tested := found.NewerThanTested()
	assert.True(t, newer)
	assert.Equal(t, "2.15", tested)
	assert.Equal(t, "2.99.0", found.Version)
}

func TestVersionOfTheNewerHeaders(t *testing.T) {
	files := standin.Libtorch("2.13.0", standin.CXX11ABI)
	files[standin.NewerVersionHeader] = files[standin.VersionHeader]
	files[standin.VersionHeader] = "#include <torch/headeronly/version.h>\n"
	folder := t.TempDir()
	standin.Write(t, folder, files)
	found, err := Inspect(folder, "")
	require.NoError(t, err)
	assert.Equal(t, "2.13.0", found.Version)
}

func TestNamed(t *testing.T) {
	t.Setenv("LIBTORCH", "")
	found, err := Named()
	assert.NoError(t, err)
	assert.Nil(t, found)
	folder := libtorchAt(t, t.TempDir(), "2.13.0")
	t.Setenv("LIBTORCH", folder)
	found, err = Named()
	require.NoError(t, err)
	assert.Equal(t, folder, found.Root)
}

// TestOfPython: it is found and not imported.
func TestOfPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	site := t.TempDir()
	t.Setenv("PYTHONPATH", site)
	t.Setenv("PYTHONNOUSERSITE", "1")
	require.NoError(t, os.Mkdir(filepath.Join(site, "torch"), 0o755))
	found, err := OfPython(t.Context(), "python3")
	require.NoError(t, err)
	if found != nil {
		assert.NotEqual(t, filepath.Join(site, "torch"), found.Root, "a folder that is merely named torch is none")
	}
	standin.Write(t, site, map[string]string{"torch/__init__.py": "raise SystemExit('imported')\n"})
	_, err = OfPython(t.Context(), "python3")
	assert.ErrorContains(t, err, "is no libtorch with headers")
	libtorchAt(t, filepath.Join(site, "torch"), "2.13.0")
	found, err = OfPython(t.Context(), "python3")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(site, "torch"), found.Root)
	assert.Contains(t, found.Origin, "the torch of /")
}

func TestWithoutAPython(t *testing.T) {
	found, err := OfPython(t.Context(), "no-such-python")
	assert.NoError(t, err)
	assert.Nil(t, found)
}

func TestHasGPU(t *testing.T) {
	for wish, want := range map[string]bool{"0": false, "1": true} {
		t.Setenv("LIBTORCH_CUDA", wish)
		has, err := HasGPU(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, has)
	}
	t.Setenv("LIBTORCH_CUDA", "yes")
	_, err := HasGPU(t.Context())
	assert.ErrorContains(t, err, "0 or 1")

	t.Setenv("LIBTORCH_CUDA", "")
	folder := t.TempDir()
	t.Setenv("LD_LIBRARY_PATH", folder)
	_, err = HasGPU(t.Context())
	require.NoError(t, err)
	standin.Write(t, folder, map[string]string{"libcuda.so.1": ""})
	has, err := HasGPU(t.Context())
	require.NoError(t, err)
	assert.True(t, has, "there is a driver")
	t.Setenv("LD_LIBRARY_PATH", "")
	t.Setenv("PATH", standin.Tools(t, map[string]string{"ldconfig": `echo "	libcuda.so.1 (libc6,x86-64) => /usr/lib/wsl/lib/libcuda.so.1"`}))
	has, err = HasGPU(t.Context())
	require.NoError(t, err)
	assert.True(t, has, "ldconfig knows a driver")
}

func TestCheckItLoads(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler")
	}
	folder := libtorchAt(t, t.TempDir(), "2.13.0")
	found, err := Inspect(folder, "LIBTORCH")
	require.NoError(t, err)
	err = found.CheckItLoads(t.Context(), []string{compiler})
	assert.ErrorContains(t, err, "LIBTORCH: "+folder+"/lib/libtorch_cpu.so cannot be loaded: ")

	source := filepath.Join(folder, "empty.c")
	require.NoError(t, os.WriteFile(source, nil, 0o600))
	output, err := exec.Command(compiler, "-shared", "-fPIC", source, "-o", filepath.Join(folder, "lib", "libtorch_cpu.so")).CombinedOutput()
	require.NoError(t, err, string(output))
	assert.NoError(t, found.CheckItLoads(t.Context(), []string{compiler}))

	broken := filepath.Join(standin.Tools(t, map[string]string{"cc": "echo it is broken >&2; exit 1"}), "cc")
	assert.ErrorContains(t, found.CheckItLoads(t.Context(), []string{broken}), "does not work: it is broken")
}
