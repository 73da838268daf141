// Package testkit has helpers for the tests of several packages.
package testkit

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ResidentBytes returns the memory of the process, as the kernel counts it.
func ResidentBytes(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(status))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
