package libtorch

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/setup/internal/process"
)

// Named returns the libtorch in the environment variable LIBTORCH, or nil if it is not set: an
// unpacked libtorch archive, or the torch folder of a Python's site-packages.
func Named() (*Libtorch, error) {
	folder := os.Getenv("LIBTORCH")
	if folder == "" {
		return nil, nil
	}
	return Inspect(folder, "LIBTORCH")
}

// A folder that is merely called torch, such as this project's Go package, has no origin.
const findTorch = `
import importlib.util, os, sys
spec = importlib.util.find_spec("torch")
if spec and spec.origin:
    print(sys.executable)
    print(os.path.dirname(spec.origin))
`

// OfPython returns the torch package of a Python, or nil if there is no such Python or it has no
// torch. It does not import torch, which would take seconds.
func OfPython(ctx context.Context, python string) (*Libtorch, error) {
	command := process.Command(ctx, python, "-c", findTorch)
	command.Dir = "/" // its working directory must not be searched for torch
	output, err := command.Output()
	if err != nil {
		return nil, context.Cause(ctx)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) != 2 {
		return nil, nil
	}
	return Inspect(lines[1], "the torch of "+lines[0])
}

// HasGPU reports whether this machine has an NVIDIA driver, or what LIBTORCH_CUDA says instead, for
// images that are built on another machine.
func HasGPU(ctx context.Context) (bool, error) {
	switch wish := os.Getenv("LIBTORCH_CUDA"); wish {
	case "0", "1":
		return wish == "1", nil
	case "":
	default:
		return false, fmt.Errorf("LIBTORCH_CUDA is %q: it can be 0 or 1, or be left out", wish)
	}
	if devices, _ := filepath.Glob("/dev/nvidia[0-9]*"); len(devices) > 0 {
		return true, nil
	}
	const driver = "libcuda.so.1"
	for _, folder := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if isFile(filepath.Join(folder, driver)) {
			return true, nil
		}
	}
	for _, program := range []string{"ldconfig", "/sbin/ldconfig"} {
		known, err := process.Command(ctx, program, "-p").Output()
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(known)); lines.Scan(); {
			if strings.HasPrefix(strings.TrimSpace(lines.Text()), driver+" ") {
				return true, nil
			}
		}
		break
	}
	return false, nil
}
