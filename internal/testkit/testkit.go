// Package testkit holds what the tests of several packages share.
package testkit

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Devices are the CPU and, where there is one, a GPU: what a test that takes a device runs on.
func Devices() []torch.Device {
	if torch.CUDAAvailable() {
		return []torch.Device{torch.CPU, torch.CUDA(0)}
	}
	return []torch.Device{torch.CPU}
}

// OnEachDevice runs a test on each of [Devices].
func OnEachDevice(t *testing.T, test func(t *testing.T, device torch.Device)) {
	t.Helper()
	for _, device := range Devices() {
		t.Run(device.String(), func(t *testing.T) { test(t, device) })
	}
}

// ResidentBytes is how much memory the process has, as the kernel counts it.
func ResidentBytes(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(status))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// Threads is how many OS threads the process has, OpenMP's among them.
func Threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(tasks)
}
