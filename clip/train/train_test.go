package train_test

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/clip/train"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

const checkpoints = "../testdata/checkpoints/"

func load(t testing.TB, name string) *clip.Trainable {
	t.Helper()
	model, err := clip.LoadTrainable(filepath.Join(checkpoints, name))
	require.NoError(t, err)
	t.Cleanup(model.Close)
	return model
}

// again returns a function that makes a model what it is now, which is faster than loading it again.
func again(model *clip.Trainable) func() *clip.Trainable {
	all := append(model.Parameters(), model.Buffers()...)
	var kept []*torch.Tensor
	for _, tensor := range all {
		kept = append(kept, tensor.Tensor.Clone())
	}
	return func() *clip.Trainable {
		for i, tensor := range all {
			tensor.Tensor.CopyInPlace(kept[i])
		}
		return model
	}
}

// colorPairs are pictures of one color each, with its name.
func colorPairs(count int) *train.Pairs {
	colors := []color.RGBA{{255, 0, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}, {0, 0, 0, 255}, {0, 200, 0, 255}, {240, 220, 0, 255}}
	names := []string{"a red", "blue", "it is white", "black", "the green", "and yellow"}
	pairs, err := train.NewPairs(count, func(i int) (train.Pair, error) {
		picture := imageio.NewRGB(40, 36)
		for y := range 36 {
			for x := range 40 {
				picture.Set(x, y, colors[i%len(colors)])
			}
		}
		return train.Pair{Name: fmt.Sprint("pair ", i), Picture: picture, Text: names[i%len(names)]}, nil
	})
	if err != nil {
		panic(err)
	}
	return pairs
}

func small() train.Config {
	config := train.FineTuning()
	config.Epochs, config.BatchSize, config.LearningRate, config.Warmup, config.Seed = 5, 6, 2e-3, 3, 7
	return config
}

func ExampleRun() {
	model, err := clip.LoadTrainable("../testdata/checkpoints/open_clip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	config := train.FineTuning()
	config.Epochs, config.BatchSize, config.LearningRate = 4, 6, 2e-3
	result, err := train.Run(context.Background(), model, colorPairs(12), config, train.RunOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(result.Losses), "steps; the loss fell:", result.Losses[7] < result.Losses[0])
	// Output: 8 steps; the loss fell: true
}

func bytesOf(t *testing.T, model *clip.Trainable) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.pt")
	require.NoError(t, model.Save(path, "a test"))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// TestResumingGivesTheSameBytes, in all ways of training: after the context ended, after an error, and without a stop.
func TestResumingGivesTheSameBytes(t *testing.T) {
	for name, test := range map[string]struct {
		model  string
		change func(*train.Config)
	}{
		"all, augmented, in chunks": {"open_clip_custom_text", func(c *train.Config) {
			c.ChunkSize = 4
			c.Augmentation = train.Augmentation{Scale: [2]float64{0.5, 1}, Ratio: [2]float64{0.75, 1.5}, Mirror: 0.5,
				Jitter: 0.8, Brightness: 0.3, Contrast: 0.3, Saturation: 0.3, Grayscale: 0.2}
		}},
		"LoRA":                 {"open_clip", func(c *train.Config) { c.LoRA = train.LoRA{Rank: 2, Alpha: 4} }},
		"batch normalizations": {"openai_resnet/model.pt", func(c *train.Config) { c.ChunkSize = 3; c.Epochs = 2 }},
		"mixed precision":      {"open_clip", func(c *train.Config) { c.Precision = torch.BFloat16; c.Blocks = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			config := small()
			test.change(&config)
			model := load(t, test.model)
			fresh := again(model)
			want, err := train.Run(t.Context(), fresh(), colorPairs(13), config, train.RunOptions{})
			require.NoError(t, err)
			bytes := bytesOf(t, model)

			checkpoint := filepath.Join(t.TempDir(), "run.ckpt")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err = train.Run(ctx, fresh(), colorPairs(13), config, train.RunOptions{Checkpoint: checkpoint, OnStep: func(step train.Step) error {
				if step.Number == 2 {
					cancel()
				}
				return nil
			}})
			require.ErrorIs(t, err, context.Canceled)
			stop := errors.New("stop")
			result, err := train.Run(t.Context(), fresh(), colorPairs(13), config, train.RunOptions{Checkpoint: checkpoint, OnStep: func(step train.Step) error {
				assert.Equal(t, 3, step.Number)
				return stop
			}})
			require.ErrorIs(t, err, stop)
			assert.Len(t, result.Losses, 3)
			result, err = train.Run(t.Context(), fresh(), colorPairs(13), config, train.RunOptions{Checkpoint: checkpoint})
			require.NoError(t, err)
			assert.Equal(t, want.Losses, result.Losses)
			assert.True(t, slices.Equal(bytes, bytesOf(t, model)), "the same bytes")

			config.LearningRate = 1e-3
			_, err = train.Run(t.Context(), fresh(), colorPairs(13), config, train.RunOptions{Checkpoint: checkpoint})
			assert.ErrorIs(t, err, train.ErrCheckpoint)
			assert.ErrorContains(t, err, "its training had LearningRate 0.002, this one has 0.001; give the same settings, or another checkpoint")
		})
	}
}

// changed returns the names of the parameters that a training changed.
func changed(t *testing.T, model *clip.Trainable, config train.Config) map[string]bool {
	t.Helper()
	var original []*torch.Tensor
	for _, parameter := range model.Parameters() {
		original = append(original, parameter.Tensor.Clone())
	}
	_, err := train.Run(t.Context(), model, colorPairs(6), config, train.RunOptions{})
	require.NoError(t, err)
	different := map[string]bool{}
	for i, parameter := range model.Parameters() {
		if parameter.Tensor.Sub(original[i]).Abs().Max().Item() > 0 {
			different[parameter.Name] = true
		}
		assert.False(t, parameter.Tensor.RequiresGrad(), "as before")
	}
	return different
}

func TestWhatIsTrained(t *testing.T) {
	config := small()
	config.Epochs, config.Warmup = 2, 0
	model := load(t, "open_clip")
	all := changed(t, model, config)
	assert.Len(t, all, len(model.Parameters()))

	config.Blocks = 1
	last := changed(t, model, config)
	for _, name := range []string{"visual.transformer.resblocks.1.mlp.c_fc.weight", "visual.ln_post.weight", "visual.proj", "transformer.resblocks.0.ln_1.bias", "text_projection", "logit_scale"} {
		assert.True(t, last[name], name)
	}
	for _, name := range []string{"visual.transformer.resblocks.0.mlp.c_fc.weight", "visual.conv1.weight", "visual.ln_pre.weight", "visual.positional_embedding", "token_embedding.weight", "positional_embedding"} {
		assert.False(t, last[name], name)
	}
	config.Blocks = 0
	config.FreezeImages = true
	for name := range changed(t, model, config) {
		assert.NotContains(t, name, "visual.")
	}
	config.FreezeImages = false
	config.LoRA = train.LoRA{Rank: 1, Alpha: 2, Weights: []string{"attn.in_proj"}}
	assert.Equal(t, map[string]bool{"logit_scale": true, "transformer.resblocks.0.attn.in_proj_weight": true,
		"visual.transformer.resblocks.0.attn.in_proj_weight": true, "visual.transformer.resblocks.1.attn.in_proj_weight": true}, changed(t, model, config))
	// The last blocks of other architectures.
	config = small()
	config.Epochs, config.Warmup, config.Blocks = 1, 0, 1
	for name, block := range map[string]string{"openai_resnet/model.pt": "visual.layer4.", "open_clip_convnext_mlp": "visual.trunk.stages.3.", "open_clip_eva02": "visual.trunk.blocks.1."} {
		blocks := 0
		for parameter := range changed(t, load(t, name), config) {
			if len(parameter) > len(block) && parameter[:len(block)] == block {
				blocks++
			}
			assert.NotContains(t, parameter, "visual.layer1.")
			assert.NotContains(t, parameter, "visual.trunk.blocks.0.")
			assert.NotContains(t, parameter, "visual.trunk.stages.2.")
		}
		assert.Positive(t, blocks, name)
	}
}

// TestLoRAIsALowRankChange of the weight, and no more than that.
func TestLoRAIsALowRankChange(t *testing.T) {
	config := train.LowRank()
	config.Epochs, config.BatchSize, config.Warmup, config.LoRA.Rank = 6, 6, 0, 2
	model := load(t, "open_clip")
	original := map[string]*torch.Tensor{}
	for _, parameter := range model.Parameters() {
		original[parameter.Name] = parameter.Tensor.Clone()
	}
	_, err := train.Run(t.Context(), model, colorPairs(6), config, train.RunOptions{})
	require.NoError(t, err)
	for _, parameter := range model.Parameters() {
		if parameter.Name == "visual.transformer.resblocks.1.mlp.c_fc.weight" {
			change := parameter.Tensor.Sub(original[parameter.Name])
			_, values, _ := change.To(torch.Float64).SVD(false)
			sizes := torch.ToSlice[float64](values)
			assert.Greater(t, sizes[0], 1e-4)
			assert.Less(t, sizes[2], 1e-4*sizes[0])
			return
		}
	}
	t.Fatal("the parameter is missing")
}

// TestBadPairsAreLeftOut: the others are trained on, and each is told once.
func TestBadPairsAreLeftOut(t *testing.T) {
	broken := errors.New("broken")
	pairs, err := train.NewPairs(13, func(i int) (train.Pair, error) {
		switch i {
		case 2:
			return train.Pair{}, broken
		case 5:
			panic("a bug")
		case 7:
			return train.Pair{Name: "seven", Picture: imageio.NewRGB(8, 8), Text: " "}, nil
		}
		return colorPairs(13).Read(i)
	})
	require.NoError(t, err)
	config := small()
	read := 0
	model := load(t, "open_clip")
	result, err := train.Run(t.Context(), model, pairs, config, train.RunOptions{OnStep: func(step train.Step) error {
		read += step.Pairs
		return nil
	}})
	require.NoError(t, err)
	assert.Less(t, read, 60)
	require.Len(t, result.Failures, 3)
	assert.ErrorIs(t, result.Failures[0], broken)
	assert.ErrorContains(t, result.Failures[1], "reading pair 5 failed: a bug")
	assert.ErrorContains(t, result.Failures[2], "seven has an empty text")

	none, err := train.NewPairs(13, func(int) (train.Pair, error) { return train.Pair{}, broken })
	require.NoError(t, err)
	result, err = train.Run(t.Context(), model, none, config, train.RunOptions{})
	assert.ErrorContains(t, err, "no step could be taken: 13 of 13 pairs cannot be read, first: train: Read: broken")
	for _, loss := range result.Losses {
		assert.True(t, math.IsNaN(loss))
	}
}

func TestSettingsThatDoNotFit(t *testing.T) {
	model := load(t, "open_clip")
	for want, change := range map[string]func(*train.Config){
		"BatchSize is 1, wanted 2 to 1048576":                      func(c *train.Config) { c.BatchSize = 1 },
		"BatchSize is 99, and there are 12 pairs":                  func(c *train.Config) { c.BatchSize = 99 },
		"LearningRate is NaN, wanted above 0, to 1":                func(c *train.Config) { c.LearningRate = math.NaN() },
		"Epochs is 0, wanted at least 1, or Steps":                 func(c *train.Config) { c.Epochs = 0 },
		"Precision is float16, which is for GPUs":                  func(c *train.Config) { c.Precision = torch.Float16 },
		"Precision is int64, wanted float32, bfloat16 or float16":  func(c *train.Config) { c.Precision = torch.Int64 },
		"has no logit_bias, which the sigmoid loss needs":          func(c *train.Config) { c.Loss = train.Sigmoid },
		"Blocks is 2, and the text encoder has 1":                  func(c *train.Config) { c.Blocks = 2 },
		"no weight of the model has a name with [\"nothing\"]":     func(c *train.Config) { c.LoRA = train.LoRA{Rank: 1, Alpha: 1, Weights: []string{"nothing"}} },
		"Augmentation.Scale is [0.5 2], wanted two shares above 0": func(c *train.Config) { c.Augmentation.Scale[0], c.Augmentation.Scale[1] = 0.5, 2 },
		"FreezeTexts is true, wanted false, since nothing is left": func(c *train.Config) { c.FreezeImages, c.FreezeTexts = true, true },
		"Augmentation.Mirror is -1, wanted 0 to 1":                 func(c *train.Config) { c.Augmentation.Mirror = -1 },
	} {
		config := small()
		change(&config)
		_, err := train.Run(t.Context(), model, colorPairs(12), config, train.RunOptions{})
		assert.ErrorContains(t, err, want)
		assert.ErrorIs(t, err, torch.ErrInvalid, want)
	}
	_, err := train.Run(t.Context(), nil, colorPairs(12), small(), train.RunOptions{})
	assert.ErrorContains(t, err, "clip.LoadTrainable returns one")
	_, err = train.Run(t.Context(), model, nil, small(), train.RunOptions{})
	assert.ErrorContains(t, err, "there are 0 pairs")
	wild := small()
	wild.LearningRate, wild.ClipNorm, wild.Epochs, wild.Warmup, wild.Epsilon = 1, 0, 200, 0, 1e-12
	if _, err := train.Run(t.Context(), model, colorPairs(12), wild, train.RunOptions{}); err != nil {
		assert.ErrorIs(t, err, train.ErrNotFinite)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.ckpt")
	require.NoError(t, os.WriteFile(damaged, []byte("nothing"), 0o600))
	_, err = train.Run(t.Context(), model, colorPairs(12), small(), train.RunOptions{Checkpoint: damaged})
	assert.ErrorIs(t, err, train.ErrCheckpoint)
	data, err := os.ReadFile(damaged)
	require.NoError(t, err)
	assert.Equal(t, "nothing", string(data), "no other file is written over")
}

// TestInterpolate: the weights are between those of both.
func TestInterpolate(t *testing.T) {
	folder := t.TempDir()
	original, tuned, output := filepath.Join(checkpoints, "openai_resnet/model.pt"), filepath.Join(folder, "tuned.pt"), filepath.Join(folder, "mixed.pt")
	model := load(t, "openai_resnet/model.pt")
	fresh := again(model)
	config := small()
	config.Epochs = 2
	_, err := train.Run(t.Context(), model, colorPairs(6), config, train.RunOptions{})
	require.NoError(t, err)
	require.NoError(t, model.Save(tuned, "fine-tuned"))
	require.NoError(t, train.Interpolate(original, tuned, 0.25, output))
	mixed, err := clip.LoadTrainable(output)
	require.NoError(t, err)
	defer mixed.Close()
	assert.Contains(t, mixed.Config().Source, "0.25 of fine-tuned, the rest of ")
	var want []*torch.Tensor
	for _, parameter := range model.Parameters() {
		want = append(want, parameter.Tensor.MulScalar(0.25))
	}
	fresh()
	for i, parameter := range mixed.Parameters() {
		want := want[i].AddScaled(model.Parameters()[i].Tensor, 0.75)
		assert.Less(t, want.Sub(parameter.Tensor).Abs().Max().Item(), 1e-6, parameter.Name)
	}
	assert.ErrorContains(t, train.Interpolate(original, tuned, 1.5, output), "the share is 1.5, wanted 0 to 1")
	assert.ErrorIs(t, train.Interpolate(original, filepath.Join(checkpoints, "open_clip"), 0.5, output), torch.ErrModel)
	assert.ErrorIs(t, train.Interpolate(original, "none.pt", 0.5, output), os.ErrNotExist)
}

func TestCurve(t *testing.T) {
	drawn, err := train.Curve([]float64{3, 2, 1})
	require.NoError(t, err)
	assert.Equal(t, 800, drawn.Bounds().Dx())
	_, err = train.Curve(nil)
	assert.Error(t, err)
}
