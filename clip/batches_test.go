package clip_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/torch"
)

// countedPicture is of one color, and says when its pixels are read.
type countedPicture struct {
	image.Image
	read *atomic.Int64
}

func (p countedPicture) At(x, y int) color.Color {
	if x == 0 && y == 0 {
		p.read.Add(1)
	}
	return p.Image.At(x, y)
}

// pictures yields count pictures of one gray each; taken counts those that were handed out.
func pictures(count int, taken, read *atomic.Int64) iter.Seq[image.Image] {
	return func(yield func(image.Image) bool) {
		for i := range count {
			picture := image.NewGray(image.Rect(0, 0, 8, 8))
			for at := range picture.Pix {
				picture.Pix[at] = uint8(i)
			}
			taken.Add(1)
			if !yield(countedPicture{picture, read}) {
				return
			}
		}
	}
}

// TestMemoryDoesNotGrowWithTheCount: however many pictures there are, no more than two batches of
// them are taken or decoded ahead of the results.
func TestMemoryDoesNotGrowWithTheCount(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	ahead := map[int]int64{}
	for _, count := range []int{100, 500} {
		var taken, read atomic.Int64
		done := int64(0)
		for embedding, err := range model.EncodeImages(t.Context(), pictures(count, &taken, &read)) {
			require.NoError(t, err)
			require.Equal(t, int(done), embedding.Index)
			done++
			ahead[count] = max(ahead[count], taken.Load()-done, read.Load()-done)
		}
		assert.EqualValues(t, count, done)
		assert.EqualValues(t, count, read.Load(), "each picture is read once")
	}
	t.Log("pictures ahead of their results, at most:", ahead)
	assert.LessOrEqual(t, ahead[500], int64(64))
	assert.LessOrEqual(t, ahead[100], ahead[500])
}

// TestManyPicturesKeepMemoryFlat: one tensor of the pixels of all these pictures would take 141 MiB,
// and what the network makes of them gigabytes.
func TestManyPicturesKeepMemoryFlat(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	same := slices.Repeat([]image.Image{image.NewGray(image.Rect(0, 0, 64, 64))}, 3000)
	encode := func(count int) int64 {
		embeddings, err := model.EncodeImage(t.Context(), same[:count]...)
		require.NoError(t, err)
		defer embeddings.Close()
		require.Equal(t, []int64{int64(count), model.Config().EmbeddingDimension}, embeddings.Shape())
		return testkit.ResidentBytes(t)
	}
	few := encode(300)
	many := encode(3000)
	t.Logf("resident memory grew by %d KiB", (many-few)>>10)
	assert.Less(t, many-few, int64(64<<20))
}

// sampleFiles repeats the reference pictures' paths.
func sampleFiles(t testing.TB, count int) []string {
	names, err := filepath.Glob(filepath.Join("testdata", "pictures", "*.png"))
	require.NoError(t, err)
	return slices.Repeat(names, count/len(names)+1)[:count]
}

func TestBatchesKeepTheOrder(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	paths := sampleFiles(t, 75)
	kinds := slices.Index(paths[1:], paths[0]) + 1
	singly, err := model.EncodeFile(t.Context(), paths[:kinds]...)
	require.NoError(t, err)
	together, err := model.EncodeFile(t.Context(), paths...)
	require.NoError(t, err)
	require.Equal(t, int64(len(paths)), together.Size(0))
	next := 0
	for embedding, err := range model.EncodeFiles(t.Context(), slices.Values(paths)) {
		require.NoError(t, err)
		require.Equal(t, next, embedding.Index)
		require.Equal(t, paths[next], embedding.Path)
		row := torch.FromSlice(embedding.Vector, torch.Shape{1, int64(len(embedding.Vector))})
		assertRowsAgree(t, singly.Narrow(0, int64(next%kinds), 1), row)
		assertRowsAgree(t, singly.Narrow(0, int64(next%kinds), 1), together.Narrow(0, int64(next), 1))
		next++
	}
	assert.Equal(t, len(paths), next)
}

// panickingPicture is a picture type with a bug.
type panickingPicture struct{ image.Image }

func (panickingPicture) At(int, int) color.Color { panic("no pixels") }

func TestBadPicturesDoNotEndTheOthers(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	damaged := filepath.Join(t.TempDir(), "damaged.png")
	require.NoError(t, os.WriteFile(damaged, []byte("no picture"), 0o600))
	paths := sampleFiles(t, 100)
	missing := "missing.png"
	bad := map[int]string{0: missing, 31: damaged, 32: missing, 70: damaged, 99: missing}
	// A whole batch of bad ones too.
	for i := 32; i < 64; i++ {
		bad[i] = missing
	}
	for i, path := range bad {
		paths[i] = path
	}
	next := 0
	for embedding, err := range model.EncodeFiles(t.Context(), slices.Values(paths)) {
		require.Equal(t, next, embedding.Index)
		require.Equal(t, paths[next], embedding.Path)
		if _, isBad := bad[next]; isBad {
			var unreadable *clip.PictureError
			require.ErrorAs(t, err, &unreadable)
			assert.Equal(t, next, unreadable.Index)
			assert.Equal(t, paths[next], unreadable.Path)
			assert.ErrorContains(t, err, fmt.Sprintf("picture %d: ", next+1))
			assert.ErrorContains(t, err, paths[next])
			assert.Nil(t, embedding.Vector)
		} else {
			require.NoError(t, err)
			assert.Len(t, embedding.Vector, int(model.Config().EmbeddingDimension))
		}
		next++
	}
	assert.Equal(t, len(paths), next)

	// The call for a few pictures ends with the first bad one.
	_, err := model.EncodeFile(t.Context(), paths[1:]...)
	var unreadable *clip.PictureError
	require.ErrorAs(t, err, &unreadable)
	assert.Equal(t, 30, unreadable.Index)
	assert.ErrorIs(t, err, imageio.ErrUnknownFormat)

	_, err = model.EncodeImage(t.Context(), panickingPicture{image.NewGray(image.Rect(0, 0, 4, 4))})
	require.ErrorAs(t, err, &unreadable)
	assert.ErrorContains(t, err, "no pixels")
}

func TestCancellationEndsWithinABatch(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var taken, read atomic.Int64
	results, failures := 0, 0
	for _, err := range model.EncodeImages(ctx, pictures(10_000, &taken, &read)) {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			failures++
			continue
		}
		if results++; results == 40 {
			cancel()
		}
	}
	assert.Equal(t, 1, failures, "the error is the last result")
	assert.LessOrEqual(t, results, 64, "the batch under way is handed out, no other")
	assert.LessOrEqual(t, taken.Load(), int64(128))

	for name, call := range map[string]func() error{
		"EncodeText":   func() error { _, err := model.EncodeText(ctx, "cat"); return err },
		"EncodeImage":  func() error { _, err := model.EncodeImage(ctx, image.NewGray(image.Rect(0, 0, 4, 4))); return err },
		"EncodePixels": func() error { _, err := model.EncodePixels(ctx, torch.Zeros(torch.Shape{1, 3, 64, 64})); return err },
		"NewClassifier": func() error {
			_, err := model.NewClassifier(ctx, []string{"cat"})
			return err
		},
		"Similarity": func() error {
			_, err := clip.Similarity(ctx, torch.Zeros(torch.Shape{1, 4}), torch.Zeros(torch.Shape{1, 4}))
			return err
		},
	} {
		err := call()
		assert.ErrorIs(t, err, context.Canceled, name)
		assert.ErrorContains(t, err, "clip: "+name)
	}
}

func TestBreakingOutStopsTheWork(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	var taken, read atomic.Int64
	for _, err := range model.EncodeImages(t.Context(), pictures(10_000, &taken, &read)) {
		require.NoError(t, err)
		break
	}
	assert.LessOrEqual(t, taken.Load(), int64(96))
	before := read.Load()
	time.Sleep(20 * time.Millisecond)
	assert.Equal(t, before, read.Load(), "nothing goes on in the background")
}

func TestNoPictures(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	for range model.EncodeFiles(t.Context(), slices.Values([]string(nil))) {
		assert.Fail(t, "there is no result")
	}
}

func TestManyTexts(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	texts := slices.Repeat([]string{"a cat", "a dog", "a slice of pizza"}, 200)
	embeddings, err := model.EncodeText(t.Context(), texts...)
	require.NoError(t, err)
	first, err := model.EncodeText(t.Context(), texts[:3]...)
	require.NoError(t, err)
	require.Equal(t, int64(600), embeddings.Size(0))
	assertRowsAgree(t, first, embeddings.Narrow(0, 597, 3))
	_, err = model.EncodeText(t.Context(), append(texts, "")...)
	assert.ErrorContains(t, err, "prompt 601 of 601")
}

// BenchmarkEncodeFiles is per picture; PNG files are decoded while the model works.
func BenchmarkEncodeFiles(b *testing.B) {
	model := loaded.CLIP(b, torch.CPU)
	paths := sampleFiles(b, 320)
	for b.Loop() {
		for _, err := range model.EncodeFiles(b.Context(), slices.Values(paths)) {
			if err != nil && !errors.Is(err, context.Canceled) {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(paths)), "µs/picture")
}
