package clip_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/models"
)

// TestThreadsAreBounded: goroutines that embed pictures need no thread each.
func TestThreadsAreBounded(t *testing.T) {
	model, err := models.CLIP()
	require.NoError(t, err)
	defer model.Close()
	picture := image.NewNRGBA(image.Rect(0, 0, 100, 80))
	testkit.CheckThreadsAreBounded(t, func() {
		embedding, err := model.EncodeImage(t.Context(), picture)
		if assert.NoError(t, err) {
			embedding.Close()
		}
	})
}
