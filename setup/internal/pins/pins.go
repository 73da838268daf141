// Package pins contains the versions of libtorch that setup installs, and the hashes of their
// wheels.
package pins

import (
	"crypto/sha256"
	_ "embed" // the files of pins
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

//go:embed libtorch_requirements.txt
var standard string

//go:embed libtorch_requirements_oldest.txt
var oldest string

//go:embed libtorch_requirements_newest.txt
var newest string

//go:embed libtorch_requirements_cuda.txt
var cuda string

// A Pin is a package with its version and the hashes of acceptable wheels.
type Pin struct {
	Name    string
	Version string
	SHA256  []string // in hexadecimal
}

// A Set is a libtorch as files of pins, in the format of pip's requirements files.
type Set struct {
	CPU  string // torch, and what libtorch_cpu.so needs
	CUDA string // what libtorch_cuda.so needs; "" if there is no such set
}

// Named returns the set called "default", "oldest" or "newest"; the error is for another name.
func Named(name string) (Set, error) {
	switch name {
	case "default":
		return Set{CPU: standard, CUDA: cuda}, nil
	case "oldest":
		return Set{CPU: oldest}, nil
	case "newest":
		return Set{CPU: newest}, nil
	}
	return Set{}, fmt.Errorf("-pins is %q, wanted default, oldest or newest", name)
}

// Pins returns the packages of the set, with or without those for CUDA.
func (s Set) Pins(cuda bool) ([]Pin, error) {
	text := s.CPU
	if cuda {
		text += "\n" + s.CUDA
	}
	return parse(text)
}

// Digest identifies the set; it is stored beside what was installed from it.
func (s Set) Digest(cuda bool) string {
	hash := sha256.New()
	hash.Write([]byte(s.CPU))
	if cuda {
		hash.Write([]byte(s.CUDA))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// TorchVersion returns the version of the package torch.
func (s Set) TorchVersion() (string, error) {
	pins, err := parse(s.CPU)
	for _, pin := range pins {
		if pin.Name == "torch" {
			return pin.Version, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("the pins name no torch")
	}
	return "", err
}

var pinned = regexp.MustCompile(`^([\w.-]+)==(\S+)((?: +--hash=sha256:[0-9a-f]{64})+)$`)

func parse(text string) ([]Pin, error) {
	var pins []Pin
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := pinned.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("%q pins no version with hashes", line)
		}
		pin := Pin{Name: parts[1], Version: parts[2]}
		for hash := range strings.FieldsSeq(parts[3]) {
			pin.SHA256 = append(pin.SHA256, strings.TrimPrefix(hash, "--hash=sha256:"))
		}
		pins = append(pins, pin)
	}
	return pins, nil
}
