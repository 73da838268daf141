package guided

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An endingContext ends after it was asked a number of times whether it has ended.
type endingContext struct {
	context.Context
	left int
}

func (c *endingContext) Err() error {
	if c.left == 0 {
		return context.Canceled
	}
	c.left--
	return nil
}

// TestAStepEndsBetweenItsBatches: at any of the places where it looks at the context, and the latent
// stays as it was.
func TestAStepEndsBetweenItsBatches(t *testing.T) {
	config := OnWhite()
	config.Prompts = []Prompt{NewPrompt("red heart")}
	config.Cutouts.Number, config.Batch = 4, 1
	scorers := []Scorer{loaded.CLIP(t, torch.CPU)}
	r, err := NewRun(t.Context(), loaded.VQGAN(t, torch.CPU), scorers, config, RunOptions{})
	require.NoError(t, err)
	defer r.Close()
	before := r.latent.Float32s()
	looks := 0
	for ; ; looks++ {
		_, err := r.Step(&endingContext{t.Context(), looks})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, before, r.latent.Float32s(), "after %d looks", looks)
	}
	assert.Greater(t, looks, config.Cutouts.Number, "once before each batch, and before the step")
	assert.NotEqual(t, before, r.latent.Float32s(), "the step that was not ended")
}
