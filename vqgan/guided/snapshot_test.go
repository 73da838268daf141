package guided_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// begin makes a run that ends with the test.
func begin(t *testing.T, device torch.Device, config guided.Config, options guided.RunOptions) *guided.Run {
	t.Helper()
	model, scorer := loadOn(t, device)
	run, err := guided.NewRun(t.Context(), model, []guided.Scorer{scorer}, config, options)
	require.NoError(t, err)
	t.Cleanup(run.Close)
	return run
}

func takeSteps(t *testing.T, run *guided.Run, steps int) {
	t.Helper()
	for range steps {
		_, err := run.Step(t.Context())
		require.NoError(t, err)
	}
}

func pictureOf(t *testing.T, run *guided.Run) []uint8 {
	t.Helper()
	picture, err := run.Picture(t.Context())
	require.NoError(t, err)
	return picture.(*imageio.RGB).Pix
}

// TestAResumedRunEndsInTheSamePicture, to the byte, for each optimizer, from a file too.
func TestAResumedRunEndsInTheSamePicture(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, algorithm := range []guided.Algorithm{
			guided.Adam, guided.AdamW, guided.RAdam, guided.Adamax, guided.Adagrad, guided.RMSprop, guided.LBFGS,
		} {
			t.Run(string(algorithm), func(t *testing.T) {
				config := settings(4, 3)
				config.Cutouts.Number = 2
				config.Optimizer.Algorithm = algorithm
				if algorithm == guided.LBFGS {
					config.Steps = 3
				}
				config.LatentEMA, config.InitWeight, config.InitDistance = 0.5, 0.1, guided.PixelDistance
				whole := begin(t, device, config, plain)
				takeSteps(t, whole, 2)
				snapshot, err := whole.Snapshot(t.Context())
				require.NoError(t, err)
				takeSteps(t, whole, config.Steps-2)

				path := filepath.Join(t.TempDir(), "run.snapshot")
				require.NoError(t, snapshot.Save(path))
				read, err := guided.LoadSnapshot(path)
				require.NoError(t, err)
				assert.Equal(t, config, read.Config())
				assert.Equal(t, 2, read.Taken())
				model, scorer := loadOn(t, device)
				resumed, err := guided.Resume(t.Context(), model, []guided.Scorer{scorer}, read, read.Config(), plain)
				require.NoError(t, err)
				defer resumed.Close()
				result, err := resumed.Finish(t.Context())
				require.NoError(t, err)
				if device == torch.CPU {
					assert.Equal(t, pictureOf(t, whole), pixels(t, result))
				}
				assert.InDeltaSlice(t, whole.Losses(), result.Losses, 1e-4)

				require.NoError(t, whole.Restore(t.Context(), snapshot), "back in the same run")
				assert.Equal(t, 2, whole.Taken())
				takeSteps(t, whole, config.Steps-2)
				assert.InDeltaSlice(t, result.Losses, whole.Losses(), 1e-4)
			})
		}
	})
}

// TestResumeWithAnotherConfig: more steps, other prompts, but not another size.
func TestResumeWithAnotherConfig(t *testing.T) {
	config := settings(1, 3)
	config.Start = guided.PictureStart
	start := guided.RunOptions{Init: imageio.NewRGB(64, 64)}
	run := begin(t, torch.CPU, config, start)
	takeSteps(t, run, 1)
	snapshot, err := run.Snapshot(t.Context())
	require.NoError(t, err)
	model, scorer := load(t)
	resume := func(change func(*guided.Config)) (*guided.Run, error) {
		changed := snapshot.Config()
		change(&changed)
		return guided.Resume(t.Context(), model, []guided.Scorer{scorer}, snapshot, changed, plain)
	}
	longer, err := resume(func(c *guided.Config) { c.Steps, c.Prompts = 2, []guided.Prompt{guided.NewPrompt("a blue car")} })
	require.NoError(t, err)
	defer longer.Close()
	result, err := longer.Finish(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, result.Steps)
	for want, change := range map[string]func(*guided.Config){
		"the snapshot's is 64x64":  func(c *guided.Config) { c.Width = 32 },
		`the snapshot's is "adam"`: func(c *guided.Config) { c.Optimizer.Algorithm = guided.RMSprop },
		"prompts is empty":         func(c *guided.Config) { c.Prompts = nil },
	} {
		_, err := resume(change)
		require.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
	_, err = guided.Resume(t.Context(), model, []guided.Scorer{otherScorer{scorer}}, snapshot, config, plain)
	assert.ErrorContains(t, err, "another scorer")
	_, err = guided.Resume(t.Context(), model, []guided.Scorer{scorer}, nil, config, plain)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.ErrorIs(t, new(guided.Run).Restore(t.Context(), snapshot), torch.ErrInvalid)
}

func TestDamagedSnapshots(t *testing.T) {
	run := begin(t, torch.CPU, settings(1, 3), plain)
	snapshot, err := run.Snapshot(t.Context())
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "run.snapshot")
	require.NoError(t, snapshot.Save(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		damaged := bytes.Clone(data)
		if random.IntN(2) == 0 {
			damaged = damaged[:random.IntN(len(damaged))]
		} else {
			damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		}
		read, err := guided.ReadSnapshot(bytes.NewReader(damaged))
		if err == nil {
			err = run.Restore(t.Context(), read)
		}
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
	require.NoError(t, run.Restore(t.Context(), snapshot), "whatever was tried before")
	_, err = guided.ReadSnapshot(bytes.NewReader(nil))
	assert.Error(t, err)
	_, err = guided.LoadSnapshot(filepath.Join("testdata", "reference.json"))
	assert.ErrorContains(t, err, "no snapshot")
	_, err = guided.LoadSnapshot("not there")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// A flawed picture must not be where the mask is white.
func TestKeepHoldsAnArea(t *testing.T) {
	config := settings(2, 1)
	config.Start, config.Optimizer.LearningRate = guided.FractalStart, 1
	mask := image.NewGray(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 32 {
			mask.Pix[64*y+x] = 255 // the left half stays
		}
	}
	run := begin(t, torch.CPU, config, guided.RunOptions{Keep: mask})
	before := pictureOf(t, run)
	takeSteps(t, run, 2)
	after := pictureOf(t, run)
	difference := func(from, to int) (sum float64) {
		for y := range 64 {
			for x := from; x < to; x++ {
				d := float64(before[3*(64*y+x)]) - float64(after[3*(64*y+x)])
				sum += d * d
			}
		}
		return sum
	}
	// The decoder's receptive field reaches over the border, but not far.
	assert.Less(t, difference(0, 16), difference(48, 64)/20)
}

func ExampleResume() {
	model, err := models.VQGAN()
	if err != nil {
		panic(err)
	}
	scorer, err := models.CLIP()
	if err != nil {
		panic(err)
	}
	ctx, scorers := context.Background(), []guided.Scorer{scorer}
	config := guided.OnWhite()
	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
	config.Steps, config.Cutouts.Number = 2, 2
	run, err := guided.NewRun(ctx, model, scorers, config, guided.RunOptions{})
	if err != nil {
		panic(err)
	}
	defer run.Close()
	if _, err := run.Step(ctx); err != nil {
		panic(err)
	}
	snapshot, err := run.Snapshot(ctx)
	if err != nil {
		panic(err)
	}
	// Elsewhere, after snapshot.Save and guided.LoadSnapshot:
	resumed, err := guided.Resume(ctx, model, scorers, snapshot, snapshot.Config(), guided.RunOptions{})
	if err != nil {
		panic(err)
	}
	defer resumed.Close()
	result, err := resumed.Finish(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(resumed.Taken(), resumed.Done(), result.Picture.Bounds())
	// Output: 2 true (0,0)-(64,64)
}
