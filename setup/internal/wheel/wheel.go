// Package wheel parses the names of Python wheels, and selects the files of libtorch that C++
// needs.
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

// pythonTag is the Python version of the pinned torch. C++ works with any; a fixed one has the same
// hash on every machine.
const pythonTag = "cp312"

// Platforms returns the wheel platforms for a machine, given Go's names of its system and
// processor.
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

// ThisMachine returns the wheel platforms for this machine.
func ThisMachine() ([]string, error) { return Platforms(runtime.GOOS, runtime.GOARCH) }

var separators = regexp.MustCompile(`[-_.]+`)

// Normalize returns a project's name in the form that package indexes use.
func Normalize(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// Fits reports whether a file is a wheel of the project and version for one of the platforms.
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

// anyOf reports whether one of the tags, which are separated by dots, is wanted.
func anyOf(tags string, wanted ...string) bool {
	return slices.ContainsFunc(strings.Split(tags, "."), func(tag string) bool { return slices.Contains(wanted, tag) })
}
