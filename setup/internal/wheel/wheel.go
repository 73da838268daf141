// Package wheel knows Python's wheels: what their names say, and which of libtorch's files C++ needs.
//
// Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
package wheel

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// pythonTag: the pinned torch is for this Python; for C++ any would do, and so the hash is one on every
// machine.
const pythonTag = "cp312"

// Platforms are the platforms of wheels that a machine can load, in Go's names for it.
func Platforms(system, processor string) ([]string, error) {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[processor]
	if system != "linux" || machine == "" {
		return nil, fmt.Errorf("no pinned libtorch for %s on %s: set LIBTORCH to the directory of one", system, processor)
	}
	var names []string
	for minor := 28; minor >= 12; minor-- {
		names = append(names, fmt.Sprintf("manylinux_2_%d_%s", minor, machine))
	}
	return append(names, "manylinux2014_"+machine, "manylinux2010_"+machine), nil
}

// ThisMachine is Platforms of the machine that the program runs on.
func ThisMachine() ([]string, error) { return Platforms(runtime.GOOS, runtime.GOARCH) }

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize is a project's name as package indexes write it.
func Normalize(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// Fits says whether a file is a wheel of the project and version for one of the platforms.
func Fits(file, project, version string, platforms []string) bool {
	name, isWheel := strings.CutSuffix(file, ".whl")
	parts := strings.Split(name, "-")
	if !isWheel || len(parts) < 5 || len(parts) > 6 {
		return false
	}
	tags := parts[len(parts)-3:]
	return Normalize(parts[0]) == Normalize(project) && parts[1] == version &&
		anyOf(tags[0], pythonTag, "cp3", "py312", "py3") && anyOf(tags[1], pythonTag, "abi3", "none") &&
		anyOf(tags[2], append(platforms, "any")...)
}

// anyOf says whether one of the tags between dots is one of those that are wanted.
func anyOf(tags string, wanted ...string) bool {
	return slices.ContainsFunc(strings.Split(tags, "."), func(tag string) bool { return slices.Contains(wanted, tag) })
}
