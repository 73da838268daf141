package guided_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// allowedGrowth is how much resident memory may grow from a tenth of the way to the end.
const allowedGrowth = 32 << 20

// TestGuidedStepsKeepMemoryFlat takes 2,000 steps in a process that closes nothing.
func TestGuidedStepsKeepMemoryFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	model, scorer := load(t)
	const steps = 2000
	var early int64
	o := options(steps, 1)
	o.OnStep = func(step guided.Step) error {
		if step.Number == steps/10 {
			early = testkit.ResidentBytes(t)
		}
		return nil
	}
	_, err := guided.Generate(t.Context(), model, scorer, o)
	require.NoError(t, err)
	growth := testkit.ResidentBytes(t) - early
	t.Logf("resident memory grew by %d KiB", growth>>10)
	assert.Less(t, growth, int64(allowedGrowth))
}

// TestEmbeddingsKeepMemoryFlat embeds 5,000 pictures in a process that closes nothing.
func TestEmbeddingsKeepMemoryFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	_, scorer := load(t)
	picture := image.NewGray(image.Rect(0, 0, 64, 64))
	const rounds = 5000
	var early int64
	for i := range rounds {
		_, err := scorer.EncodeImage(picture)
		require.NoError(t, err)
		if i == rounds/10 {
			early = testkit.ResidentBytes(t)
		}
	}
	growth := testkit.ResidentBytes(t) - early
	t.Logf("resident memory grew by %d KiB", growth>>10)
	assert.Less(t, growth, int64(allowedGrowth))
}
