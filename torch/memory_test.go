package torch_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// residentBytes is how much memory the process has, as the kernel counts it.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(status))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

func TestMemoryIsBoundedWithoutClose(t *testing.T) {
	var after10th int64
	const rounds = 2000
	for i := range rounds {
		// 4 MiB each, 8 GiB in all.
		torch.Ones([]int64{1 << 20})
		if i == rounds/10 {
			after10th = residentBytes(t)
		}
	}
	// Between two collections there are up to 32 MiB of garbage, or half of what is in use.
	assert.Less(t, residentBytes(t)-after10th, int64(128<<20))
	assert.Less(t, torch.NativeBytes(), int64(256<<20))
}

func TestSmallTensorsAreBoundedToo(t *testing.T) {
	for range 300_000 {
		torch.Scalar(1)
	}
	assert.Less(t, torch.NativeBytes(), int64(256<<20))
}

func TestCloseFreesAtOnce(t *testing.T) {
	x := torch.Ones([]int64{1 << 20})
	open := torch.NativeBytes()
	x.Close()
	// What other tests left behind can only shrink meanwhile.
	assert.GreaterOrEqual(t, open-torch.NativeBytes(), int64(4<<20))
}
