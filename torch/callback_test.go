package torch_test

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Goexit in a callback, as of a test that fails there, leaves out C++'s frames. It runs in a process
// of its own, since what the pass held is lost.
func TestGoexitInBackwardSpoilsNoThread(t *testing.T) {
	if testkit.Instrumented {
		t.Skip("a sanitizer does not follow when frames are left out")
	}
	const inside = "TORCH_TEST_GOEXIT"
	if os.Getenv(inside) == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestGoexitInBackwardSpoilsNoThread$", "-test.v")
		command.Env = append(os.Environ(), inside+"=1")
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
		require.Contains(t, string(output), "--- PASS: TestGoexitInBackwardSpoilsNoThread")
		return
	}
	exits := passing("Exits", func(_ *torch.FunctionContext, g []*torch.Tensor) []*torch.Tensor {
		runtime.Goexit()
		return g
	})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { exits.Apply(leaf(torch.CPU, 1))[0].Backward() })
	}
	group.Wait()
	for range 200 {
		group.Go(func() {
			runtime.LockOSThread() // so that many threads are used
			defer runtime.UnlockOSThread()
			assert.True(t, torch.GradEnabled())
			x := leaf(torch.CPU, 1)
			cube.Apply(x)[0].Backward()
			assert.Equal(t, []float32{3}, x.Grad().Float32s())
		})
	}
	group.Wait()
}
