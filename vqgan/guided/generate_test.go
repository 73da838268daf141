package guided_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

func load(t testing.TB) (*vqgan.Model, *clip.Model) { return loadOn(t, torch.CPU) }

func loadOn(t testing.TB, device torch.Device) (*vqgan.Model, *clip.Model) {
	return loaded.VQGAN(t, device), loaded.CLIP(t, device)
}

// settings are small ones for the embedded models.
func settings(steps int, seed uint64) guided.Config {
	c := guided.Default()
	c.Prompts = []guided.Prompt{guided.NewPrompt("red heart")}
	c.Width, c.Height = 64, 64
	c.Steps, c.Seed = steps, seed
	c.Cutouts.Number = 4
	return c
}

var plain guided.RunOptions

func pixels(t *testing.T, result *guided.Result) []uint8 {
	require.NotNil(t, result)
	picture, ok := result.Picture.(*imageio.RGB)
	require.True(t, ok)
	return picture.Pix
}

func TestTheSameSeedMakesTheSamePicture(t *testing.T) {
	model, scorer := load(t)
	generate := func(seed uint64) []uint8 {
		result, err := guided.Generate(t.Context(), model, scorer, settings(3, seed), plain)
		require.NoError(t, err)
		return pixels(t, result)
	}
	first := generate(7)
	torch.RandN(torch.Shape{100}) // what others draw does not matter
	assert.True(t, slices.Equal(first, generate(7)), "the same seed")
	assert.False(t, slices.Equal(first, generate(8)), "another seed")
}

func TestStepsComeNearer(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		model, scorer := loadOn(t, device)
		c := settings(30, 1)
		c.Cutouts.Number = 8
		result, err := guided.Generate(t.Context(), model, scorer, c, plain)
		require.NoError(t, err)
		assert.Equal(t, 30, result.Steps)
		require.Len(t, result.Losses, 30)
		mean := func(losses []float64) (sum float64) {
			for _, loss := range losses {
				sum += loss / float64(len(losses))
			}
			return sum
		}
		assert.Less(t, mean(result.Losses[25:]), 0.9*mean(result.Losses[:5]))
		assert.Equal(t, image.Rect(0, 0, 64, 64), result.Picture.Bounds())
	})
}

// TestGenerateOnTwoStreams makes two pictures at once, each on a stream of its own.
func TestGenerateOnTwoStreams(t *testing.T) {
	device := testkit.GPU(t)
	model, scorer := loadOn(t, device)
	alone, err := guided.Generate(t.Context(), model, scorer, settings(5, 1), plain)
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			stream, err := cuda.NewStream(device, 0)
			assert.NoError(t, err)
			var result *guided.Result
			assert.NoError(t, cuda.WithStream(stream, func() {
				result, err = guided.Generate(t.Context(), model, scorer, settings(5, 1), plain)
			}))
			if assert.NoError(t, err) {
				assert.InDeltaSlice(t, alone.Losses, result.Losses, 1e-3)
			}
		})
	}
	group.Wait()
}

func TestSizesAreRoundedDown(t *testing.T) {
	model, scorer := load(t)
	c := settings(1, 1)
	c.Width, c.Height = 50, 37
	result, err := guided.Generate(t.Context(), model, scorer, c, plain)
	require.NoError(t, err)
	factor := int(model.Config().DownsamplingFactor)
	assert.Equal(t, image.Rect(0, 0, 50/factor*factor, 37/factor*factor), result.Picture.Bounds())
}

func TestCancellationKeepsWhatThereIs(t *testing.T) {
	model, scorer := load(t)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	result, err := guided.Generate(ctx, model, scorer, settings(100, 1), guided.RunOptions{OnStep: func(step guided.Step) error {
		if step.Number == 3 {
			cancel(reason)
		}
		return nil
	}})
	assert.ErrorIs(t, err, reason)
	assert.Equal(t, 3, result.Steps)
	three, err := guided.Generate(t.Context(), model, scorer, settings(3, 1), plain)
	require.NoError(t, err)
	assert.Equal(t, pixels(t, three), pixels(t, result), "the picture after three steps")
}

func TestAnErrorFromOnStepEndsTheRun(t *testing.T) {
	model, scorer := load(t)
	reason := errors.New("disk full")
	var seen image.Image
	onStep := func(step guided.Step) (err error) {
		assert.Equal(t, 100, step.Steps)
		assert.Len(t, step.Distances, 1)
		if seen, err = step.Picture(); err != nil {
			return err
		}
		return reason
	}
	result, err := guided.Generate(t.Context(), model, scorer, settings(100, 1), guided.RunOptions{OnStep: onStep})
	assert.ErrorIs(t, err, reason)
	assert.Equal(t, 1, result.Steps)
	assert.Equal(t, seen.(*imageio.RGB).Pix, pixels(t, result))
}

func TestCenteredStartLeavesTheMarginWhite(t *testing.T) {
	model, scorer := load(t)
	c := settings(1, 1)
	c.Start, c.Optimizer.LearningRate = guided.CenteredStart, 1e-6
	result, err := guided.Generate(t.Context(), model, scorer, c, plain)
	require.NoError(t, err)
	brightness := func(x, y int) uint32 {
		r, g, b, _ := result.Picture.At(x, y).RGBA()
		return min(r, g, b) >> 8
	}
	assert.Greater(t, brightness(1, 1), uint32(230))
	assert.Greater(t, brightness(62, 62), uint32(230))
	c.Start = guided.RandomStart
	everywhere, err := guided.Generate(t.Context(), model, scorer, c, plain)
	require.NoError(t, err)
	assert.False(t, slices.Equal(pixels(t, result), pixels(t, everywhere)))
}

func TestInitStartsFromThePicture(t *testing.T) {
	model, scorer := load(t)
	start := imageio.NewRGB(64, 64) // black
	c := settings(1, 1)
	c.Start, c.InitWeight, c.Optimizer.LearningRate = guided.PictureStart, 1, 1e-6
	result, err := guided.Generate(t.Context(), model, scorer, c, guided.RunOptions{Init: start})
	require.NoError(t, err)
	reconstructed, err := model.Reconstruct(t.Context(), start)
	require.NoError(t, err)
	want := reconstructed.(*imageio.RGB).Pix
	var difference float64
	for i, value := range pixels(t, result) {
		difference += max(float64(value), float64(want[i])) - min(float64(value), float64(want[i]))
	}
	assert.Less(t, difference/float64(len(want)), 3.0)

	c.Init = filepath.Join(t.TempDir(), "black.png")
	require.NoError(t, imageio.Save(c.Init, start))
	fromFile, err := guided.Generate(t.Context(), model, scorer, c, plain)
	require.NoError(t, err)
	assert.Equal(t, pixels(t, result), pixels(t, fromFile))
}

func ExampleGenerate() {
	model, err := models.VQGAN()
	if err != nil {
		panic(err)
	}
	scorer, err := models.CLIP()
	if err != nil {
		panic(err)
	}
	config := guided.OnWhite()
	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
	config.Steps = 2
	config.Cutouts.Number = 2
	result, err := guided.Generate(context.Background(), model, scorer, config, guided.RunOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Picture.Bounds())
	// Output: (0,0)-(64,64)
}
