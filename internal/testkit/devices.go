package testkit

import (
	"fmt"
	"os"
	"testing"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
)

// DevicesVariable is the environment variable that limits [Devices] to "cpu" or "cuda".
const DevicesVariable = "CLIPVQGAN_TEST_DEVICES"

// Devices returns the devices to test on: the CPU and, if there is one, a GPU. The GPU computes
// without TF32, which would differ from a CPU by more than float32's rounding.
func Devices() []torch.Device {
	switch only := os.Getenv(DevicesVariable); only {
	case "":
		if !cuda.IsAvailable() {
			return []torch.Device{torch.CPU}
		}
		return []torch.Device{torch.CPU, withoutTF32()}
	case "cpu":
		return []torch.Device{torch.CPU}
	case "cuda":
		return []torch.Device{withoutTF32()}
	default:
		panic(fmt.Sprintf("%s is %q: it can be cpu or cuda, or be left out", DevicesVariable, only))
	}
}

// withoutTF32 turns TF32 off and returns the first GPU.
func withoutTF32() torch.Device {
	if err := torch.SetTF32(false); err != nil {
		panic(err)
	}
	return torch.CUDA(0)
}

// OnEachDevice runs a test on each of [Devices].
func OnEachDevice(t *testing.T, test func(t *testing.T, device torch.Device)) {
	t.Helper()
	for _, device := range Devices() {
		t.Run(device.String(), func(t *testing.T) { test(t, device) })
	}
}

// GPU returns the first GPU, and skips the test if there is none.
func GPU(t *testing.T) torch.Device {
	t.Helper()
	if !cuda.IsAvailable() {
		t.Skip("there is no GPU")
	}
	return withoutTF32()
}
