// Package libctorch builds the C library between Go and libtorch with CMake, into a folder for each
// version of its sources and each libtorch.
package libctorch

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Tools are the programs that a build needs.
type Tools struct {
	C         []string // the command of the C compiler
	Generator string   // CMake's name of the build tool
}

// FindTools finds the compilers, CMake, and Ninja or make. The error names the first that is
// missing. With needNinja, make is not enough.
func FindTools(needNinja bool) (Tools, error) {
	var tools Tools
	if _, err := compiler("CXX", "C++", "c++", "g++", "clang++"); err != nil {
		return tools, err
	}
	var err error
	if tools.C, err = compiler("CC", "C", "cc", "gcc", "clang"); err != nil {
		return tools, err
	}
	if !onPath("cmake") {
		return tools, fmt.Errorf("no cmake on the PATH (Debian, Ubuntu: apt install cmake)")
	}
	switch {
	case onPath("ninja"):
		tools.Generator = "Ninja"
	case needNinja:
		return tools, fmt.Errorf("no ninja on the PATH (Debian, Ubuntu: apt install ninja-build)")
	case onPath("make"):
		tools.Generator = "Unix Makefiles"
	default:
		return tools, fmt.Errorf("neither ninja nor make is on the PATH (Debian, Ubuntu: apt install ninja-build)")
	}
	return tools, nil
}

// compiler returns the command in a variable, or the first of the commands that the machine has.
func compiler(variable, language string, commands ...string) ([]string, error) {
	named := strings.Fields(os.Getenv(variable))
	if len(named) > 0 {
		commands = named[:1]
	}
	for _, command := range commands {
		if onPath(command) {
			if len(named) > 0 {
				return named, nil
			}
			return []string{command}, nil
		}
	}
	return nil, fmt.Errorf("no %s compiler: %s is not on the PATH (Debian, Ubuntu: apt install g++)",
		language, strings.Join(commands, " or "))
}

func onPath(command string) bool {
	_, err := exec.LookPath(command)
	return err == nil
}
