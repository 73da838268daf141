package guided_test

import (
	"context"
	"errors"
	"fmt"
	"image"
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
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

func load(t testing.TB) (*vqgan.Model, *clip.Model) { return loadOn(t, torch.CPU) }

func loadOn(t testing.TB, device torch.Device) (*vqgan.Model, *clip.Model) {
	return loaded.VQGAN(t, device), loaded.CLIP(t, device)
}

func options(steps int, seed uint64) guided.Options {
	return guided.Options{
		Prompts: []guided.Prompt{{Text: "red heart"}},
		Steps:   steps, Seed: seed,
		Cutouts: guided.Cutouts{Number: 4},
	}
}

func pixels(t *testing.T, result *guided.Result) []uint8 {
	require.NotNil(t, result)
	picture, ok := result.Picture.(*imageio.RGB)
	require.True(t, ok)
	return picture.Pix
}

func TestTheSameSeedMakesTheSamePicture(t *testing.T) {
	model, scorer := load(t)
	generate := func(seed uint64) []uint8 {
		result, err := guided.Generate(t.Context(), model, scorer, options(3, seed))
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
		o := options(30, 1)
		o.Cutouts.Number = 8
		result, err := guided.Generate(t.Context(), model, scorer, o)
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
	alone, err := guided.Generate(t.Context(), model, scorer, options(5, 1))
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			stream, err := torch.NewCUDAStream(device, 0)
			assert.NoError(t, err)
			var result *guided.Result
			assert.NoError(t, torch.WithStream(stream, func() {
				result, err = guided.Generate(t.Context(), model, scorer, options(5, 1))
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
	o := options(1, 1)
	o.Width, o.Height = 50, 37
	result, err := guided.Generate(t.Context(), model, scorer, o)
	require.NoError(t, err)
	factor := int(model.Config().DownsamplingFactor)
	assert.Equal(t, image.Rect(0, 0, 50/factor*factor, 37/factor*factor), result.Picture.Bounds())
}

func TestCancellationKeepsWhatThereIs(t *testing.T) {
	model, scorer := load(t)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	o := options(100, 1)
	o.OnStep = func(step guided.Step) error {
		if step.Number == 3 {
			cancel(reason)
		}
		return nil
	}
	result, err := guided.Generate(ctx, model, scorer, o)
	assert.ErrorIs(t, err, reason)
	assert.Equal(t, 3, result.Steps)
	three, err := guided.Generate(t.Context(), model, scorer, options(3, 1))
	require.NoError(t, err)
	assert.Equal(t, pixels(t, three), pixels(t, result), "the picture after three steps")
}

func TestAnErrorFromOnStepEndsTheRun(t *testing.T) {
	model, scorer := load(t)
	reason := errors.New("disk full")
	o := options(100, 1)
	var seen image.Image
	o.OnStep = func(step guided.Step) (err error) {
		assert.Equal(t, 100, step.Steps)
		assert.Len(t, step.Distances, 1)
		if seen, err = step.Picture(); err != nil {
			return err
		}
		return reason
	}
	result, err := guided.Generate(t.Context(), model, scorer, o)
	assert.ErrorIs(t, err, reason)
	assert.Equal(t, 1, result.Steps)
	assert.Equal(t, seen.(*imageio.RGB).Pix, pixels(t, result))
}

func TestCentredStartLeavesTheMarginWhite(t *testing.T) {
	model, scorer := load(t)
	o := options(1, 1)
	o.CentredStart, o.LearningRate = true, 1e-6
	result, err := guided.Generate(t.Context(), model, scorer, o)
	require.NoError(t, err)
	brightness := func(x, y int) uint32 {
		r, g, b, _ := result.Picture.At(x, y).RGBA()
		return min(r, g, b) >> 8
	}
	assert.Greater(t, brightness(1, 1), uint32(230))
	assert.Greater(t, brightness(62, 62), uint32(230))
	o.CentredStart = false
	everywhere, err := guided.Generate(t.Context(), model, scorer, o)
	require.NoError(t, err)
	assert.False(t, slices.Equal(pixels(t, result), pixels(t, everywhere)))
}

func TestInitStartsFromThePicture(t *testing.T) {
	model, scorer := load(t)
	start := imageio.NewRGB(64, 64) // black
	o := options(1, 1)
	o.Init, o.InitWeight, o.LearningRate = start, 1, 1e-6
	result, err := guided.Generate(t.Context(), model, scorer, o)
	require.NoError(t, err)
	reconstructed, err := model.Reconstruct(start)
	require.NoError(t, err)
	want := reconstructed.(*imageio.RGB).Pix
	var difference float64
	for i, value := range pixels(t, result) {
		difference += max(float64(value), float64(want[i])) - min(float64(value), float64(want[i]))
	}
	assert.Less(t, difference/float64(len(want)), 3.0)
}

func TestBadOptions(t *testing.T) {
	model, scorer := load(t)
	for name, change := range map[string]func(*guided.Options){
		"no prompt":     func(o *guided.Options) { o.Prompts = nil },
		"empty prompt":  func(o *guided.Options) { o.Prompts[0].Text = " " },
		"long prompt":   func(o *guided.Options) { o.Prompts[0].Text = fmt.Sprint(make([]int, 200)) },
		"invalid UTF-8": func(o *guided.Options) { o.Prompts[0].Text = "\xff" },
		"steps":         func(o *guided.Options) { o.Steps = -1 },
		"size":          func(o *guided.Options) { o.Width = 1 },
		"negative size": func(o *guided.Options) { o.Height = -64 },
		"huge size":     func(o *guided.Options) { o.Width = 1 << 20 },
		"cutouts":       func(o *guided.Options) { o.Cutouts.Number = -1 },
		"smallest":      func(o *guided.Options) { o.Cutouts.MinSize = 2 },
		"largest":       func(o *guided.Options) { o.Cutouts.MaxSize = 100 },
		"margin":        func(o *guided.Options) { o.Margin = -1 },
		"power":         func(o *guided.Options) { o.Cutouts.Power = -1 },
		"learning rate": func(o *guided.Options) { o.LearningRate = -1 },
		"batch":         func(o *guided.Options) { o.Batch = -1 },
		"init weight":   func(o *guided.Options) { o.InitWeight = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(1, 1)
			change(&o)
			result, err := guided.Generate(t.Context(), model, scorer, o)
			require.Error(t, err)
			assert.Nil(t, result)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
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
	result, err := guided.Generate(context.Background(), model, scorer, guided.Options{
		Prompts: []guided.Prompt{{Text: "a slice of pizza"}},
		Steps:   2,
		Cutouts: guided.Cutouts{Number: 2},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Picture.Bounds())
	// Output: (0,0)-(64,64)
}
