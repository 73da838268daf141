package testkit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Devices are the CPU and, where there is one, a GPU: what a test that takes a device runs on. A
// GPU computes without TF32, whose results would differ from a CPU's by more than float32's rounding.
func Devices() []torch.Device {
	if !torch.CUDAAvailable() {
		return []torch.Device{torch.CPU}
	}
	if err := torch.SetTF32(false); err != nil {
		panic(err)
	}
	return []torch.Device{torch.CPU, torch.CUDA(0)}
}

// OnEachDevice runs a test on each of [Devices].
func OnEachDevice(t *testing.T, test func(t *testing.T, device torch.Device)) {
	t.Helper()
	for _, device := range Devices() {
		t.Run(device.String(), func(t *testing.T) { test(t, device) })
	}
}

// GPU is the first GPU; without one the test is skipped.
func GPU(t *testing.T) torch.Device {
	t.Helper()
	if !torch.CUDAAvailable() {
		t.Skip("there is no GPU")
	}
	require.NoError(t, torch.SetTF32(false))
	return torch.CUDA(0)
}
