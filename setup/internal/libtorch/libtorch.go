// Package libtorch checks whether a folder is a libtorch that can be built with, and finds those
// that a machine has.
package libtorch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The versions that the tests were run with. PyPI's wheels before 2.7 have the C++ ABI from before
// C++11, which nothing else uses.
var (
	oldest = version{2, 7}
	newest = version{2, 15}
)

type version [2]int

func (v version) String() string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

func (v version) before(w version) bool { return v[0] < w[0] || v[0] == w[0] && v[1] < w[1] }

// A Libtorch is a libtorch on disk: its root contains lib/ and include/.
type Libtorch struct {
	Version     string   `json:"version"`
	Root        string   `json:"root"`
	IncludeDirs []string `json:"include_dirs"`
	LibDir      string   `json:"lib_dir"`
	CUDA        bool     `json:"cuda"`
	CXX11ABI    bool     `json:"cxx11_abi"`
	Origin      string   `json:"origin"` // how it was found, in words
	newer       bool
}

// Inspect reads a folder. The error says why it is not a usable libtorch.
func Inspect(root, origin string) (*Libtorch, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", origin, err)
	}
	include := filepath.Join(root, "include")
	l := &Libtorch{
		Root:        root,
		IncludeDirs: []string{include, filepath.Join(include, "torch", "csrc", "api", "include")},
		LibDir:      filepath.Join(root, "lib"),
		CXX11ABI:    true,
		Origin:      origin,
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: there is no directory %s", origin, root)
	}
	for _, part := range []string{
		"lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h", "include/torch/csrc/api/include/torch/version.h",
	} {
		if !isFile(filepath.Join(root, part)) {
			return nil, fmt.Errorf("%s: %s is no libtorch with headers: %s is missing", origin, root, part)
		}
	}
	number, err := l.readVersion()
	if err != nil {
		return nil, err
	}
	if number.before(oldest) {
		return nil, fmt.Errorf("%s: libtorch %s at %s is not supported: %v is the oldest that is, %v the newest that was tested",
			origin, l.Version, root, oldest, newest)
	}
	l.newer = newest.before(number)
	core, err := os.ReadFile(filepath.Join(l.LibDir, "libc10.so"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", origin, err)
	}
	// The constructor of c10::Error takes a std::string; its mangled name shows the ABI.
	if !bytes.Contains(core, []byte("ErrorC2ENS_14SourceLocationENSt7__cxx11")) {
		return nil, fmt.Errorf("%s: libtorch %s at %s has the C++ ABI from before C++11: take the archive marked cxx11-abi, "+
			"or PyPI's wheel from %v on", origin, l.Version, root, oldest)
	}
	l.CUDA = isFile(filepath.Join(l.LibDir, "libtorch_cuda.so"))
	return l, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

var versionPart = regexp.MustCompile(`(?m)^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) (\d+)`)

func (l *Libtorch) readVersion() (version, error) {
	// The numbers moved to torch/headeronly in 2.10, which the old file then includes.
	for _, name := range []string{"torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"} {
		text, err := os.ReadFile(filepath.Join(l.Root, "include", name))
		if err != nil {
			continue
		}
		parts := map[string]int{}
		for _, match := range versionPart.FindAllStringSubmatch(string(text), -1) {
			parts[match[1]], _ = strconv.Atoi(match[2])
		}
		if len(parts) == 3 {
			l.Version = fmt.Sprintf("%d.%d.%d", parts["MAJOR"], parts["MINOR"], parts["PATCH"])
			return version{parts["MAJOR"], parts["MINOR"]}, nil
		}
	}
	return version{}, fmt.Errorf("%s: %s does not tell its version (torch/version.h)", l.Origin, l.Root)
}

// NewerThanTested reports whether this version is newer than the newest tested one, which it
// returns.
func (l *Libtorch) NewerThanTested() (newer bool, tested string) { return l.newer, newest.String() }

// JSON returns a description for scripts.
func (l *Libtorch) JSON() string {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		panic(err) // cannot happen for strings and booleans
	}
	return string(text) + "\n"
}

// CMake returns a description for CMakeLists.txt.
func (l *Libtorch) CMake() string {
	quote := func(text string) string { return "[==[" + text + "]==]" }
	var folders []string
	for _, folder := range l.IncludeDirs {
		folders = append(folders, quote(folder))
	}
	return "# Written by the program in setup/.\n" +
		"set(LIBTORCH_VERSION " + l.Version + ")\n" +
		"set(LIBTORCH_INCLUDE_DIRS " + strings.Join(folders, " ") + ")\n" +
		"set(LIBTORCH_LIB_DIR " + quote(l.LibDir) + ")\n"
}
