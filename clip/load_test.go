package clip_test

import (
	"image"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

// TestThreadsAreBounded: two hundred goroutines that embed pictures need no thread each.
func TestThreadsAreBounded(t *testing.T) {
	const goroutines, threadsEach = 200, 4
	before := torch.NumThreads()
	require.NoError(t, torch.SetNumThreads(threadsEach))
	defer func() { assert.NoError(t, torch.SetNumThreads(before)) }()
	model, err := models.CLIP()
	require.NoError(t, err)
	defer model.Close()
	picture := image.NewNRGBA(image.Rect(0, 0, 100, 80))
	started := testkit.Threads(t)
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			embedding, err := model.EncodeImage(picture)
			if assert.NoError(t, err) {
				embedding.Close()
			}
		})
	}
	group.Wait()
	made := testkit.Threads(t) - started
	t.Logf("%d threads made", made)
	assert.Less(t, made, goroutines/4+runtime.NumCPU()*threadsEach)
}
