package testkit

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// CheckThreadsAreBounded runs work, a call of a model, on two hundred goroutines at once, with four
// threads for each operation, and checks that the calls do not start threads of their own.
func CheckThreadsAreBounded(t *testing.T, work func()) {
	t.Helper()
	const goroutines, threadsEach = 200, 4
	before := torch.NumThreads()
	require.NoError(t, torch.SetNumThreads(threadsEach))
	defer func() { assert.NoError(t, torch.SetNumThreads(before)) }()
	started := threads(t)
	var group sync.WaitGroup
	for range goroutines {
		group.Go(work)
	}
	group.Wait()
	made := threads(t) - started
	t.Logf("%d threads made", made)
	assert.Less(t, made, goroutines/4+runtime.NumCPU()*threadsEach)
}

// threads returns the number of OS threads of the process, including OpenMP's.
func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(tasks)
}
