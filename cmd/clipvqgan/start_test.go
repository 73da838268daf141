package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The NVIDIA driver, and gigabytes of libtorch's CUDA side after it, are for who computes.
func TestHelpDoesNotOpenCUDA(t *testing.T) {
	opened := func(arguments ...string) string {
		command := exec.Command(program, arguments...)
		command.Dir = t.TempDir()
		// The dynamic linker writes down each library that it looks for, on standard error.
		command.Env = append(os.Environ(), "LD_DEBUG=libs")
		output, err := command.CombinedOutput()
		require.NoError(t, err)
		return string(output)
	}
	const driver = "find library=libcuda.so.1"
	assert.NotContains(t, opened("--help"), driver)
	assert.NotContains(t, opened("--version"), driver)
	assert.Contains(t, opened("generate", "a cat", "--steps", "1", "--cutouts", "1"), driver)
}
