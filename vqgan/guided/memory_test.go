package guided_test

import (
	"errors"
	"image"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// allowedGrowth is how much memory may grow from a tenth of the way to the end.
const allowedGrowth = 32 << 20

// memoryInUse is a process's resident memory and what its tensors hold on a GPU.
type memoryInUse struct{ resident, gpu int64 }

func measure(t *testing.T, device torch.Device) (m memoryInUse) {
	t.Helper()
	m.resident = testkit.ResidentBytes(t)
	if device.IsCUDA() {
		stats, err := cuda.MemoryStatsOf(device)
		if errors.Is(err, torch.ErrNotImplemented) {
			return m // libtorch before 2.9
		}
		require.NoError(t, err)
		m.gpu = stats.Reserved
	}
	return m
}

func requireFlat(t *testing.T, early, late memoryInUse) {
	t.Helper()
	t.Logf("resident memory grew by %d KiB, the GPU's by %d KiB",
		(late.resident-early.resident)>>10, (late.gpu-early.gpu)>>10)
	assert.Less(t, late.resident-early.resident, int64(allowedGrowth))
	assert.Less(t, late.gpu-early.gpu, int64(allowedGrowth))
}

// TestGuidedStepsKeepMemoryFlat: a process that closes nothing.
func TestGuidedStepsKeepMemoryFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	guidedSteps(t, 200)
}

func TestSoakGuidedSteps(t *testing.T) {
	testkit.Soak(t)
	guidedSteps(t, 2000)
}

func guidedSteps(t *testing.T, steps int) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		model, scorer := loadOn(t, device)
		var early memoryInUse
		onStep := func(step guided.Step) error {
			if step.Number == steps/10 {
				early = measure(t, device)
			}
			return nil
		}
		_, err := guided.Generate(t.Context(), model, scorer, settings(steps, 1), guided.RunOptions{OnStep: onStep})
		require.NoError(t, err)
		requireFlat(t, early, measure(t, device))
	})
}

// TestEmbeddingsKeepMemoryFlat embeds 5,000 pictures in a process that closes nothing.
func TestEmbeddingsKeepMemoryFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		// Each OS thread that multiplies matrices on a GPU gets a workspace of cuBLAS for good, 32 MiB
		// on an H100.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_, scorer := loadOn(t, device)
		picture := image.NewGray(image.Rect(0, 0, 64, 64))
		const rounds = 5000
		var early memoryInUse
		for i := range rounds {
			_, err := scorer.EncodeImage(t.Context(), picture)
			require.NoError(t, err)
			if i == rounds/10 {
				early = measure(t, device)
			}
		}
		requireFlat(t, early, measure(t, device))
	})
}
