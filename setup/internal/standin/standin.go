// Package standin makes small stand-ins for libtorch and for the programs of a build, for tests.
package standin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The mangled names that show the C++ ABI of a libc10.so.
const (
	CXX11ABI = "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringE"
	OldABI   = "_ZN3c105ErrorC2ENS_14SourceLocationESs"
)

// The files in which a libtorch has its version.
const (
	VersionHeader      = "include/torch/csrc/api/include/torch/version.h"
	NewerVersionHeader = "include/torch/headeronly/version.h"
)

// Libtorch returns the files of a libtorch by name, as far as setup reads them.
func Libtorch(version, abi string) map[string]string {
	parts := strings.Split(version, ".")
	return map[string]string{
		"lib/libc10.so":       "\x7fELF..." + abi + "...",
		"lib/libtorch_cpu.so": "\x7fELF",
		"include/ATen/ATen.h": "",
		VersionHeader: fmt.Sprintf("#define TORCH_VERSION_MAJOR %s\n#define TORCH_VERSION_MINOR %s\n#define TORCH_VERSION_PATCH %s\n",
			parts[0], parts[1], parts[2]),
	}
}

// Write writes files to a folder.
func Write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

// Compiler is a script that replaces a C compiler; it always succeeds.
const Compiler = `while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\nexit 0\n' >"$2"
/bin/chmod 755 "$2"`

// Tools returns a folder with programs, scripts by name. An empty script does nothing.
func Tools(t *testing.T, scripts map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	return folder
}
