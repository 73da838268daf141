package guided_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// forms are the texts that a Config is written as.
var forms = map[string]struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}{
	"json": {json.Marshal, json.Unmarshal},
	"yaml": {yaml.Marshal, yaml.Unmarshal},
}

// everythingSet is a Config in which no field has its zero value.
func everythingSet() guided.Config {
	c := guided.OnWhite()
	c.Prompts = []guided.Prompt{
		{Text: "a: \"cat\"\n", Weight: 1.0 / 3, Stop: new(0.25)},
		{Text: "#fog", Weight: -2e-30, Stop: new(-1.5)},
		{Text: "ünï", Weight: 1, Templates: []string{"a photo of {}"}, Schedule: []guided.Key{{Step: 3, Share: 0.5}}},
		{Picture: "a.png", Weight: 0.1},
		{Noise: new(uint64(0)), Weight: 1},
	}
	c.Optimizer.Drops = []guided.Drop{{Step: 10, Factor: 0.1}}
	c.Optimizer.Schedule, c.Optimizer.WarmUp, c.Optimizer.FinalShare = guided.CosineSchedule, 3, 0.25
	c.LatentEMA, c.Patience, c.Keep, c.InitDistance = 0.9, 20, "keep.png", guided.PixelDistance
	c.Losses = guided.Losses{
		Margin: 1, TotalVariation: 2, Edges: 3, Saturation: 4, MirrorX: 5, MirrorY: 6, Palette: 7,
		Colors: []guided.Color{{1, 2, 3}},
	}
	c.ScorerWeights = []float64{1, 0.5}
	c.Seed = math.MaxUint64
	c.Start, c.Init, c.InitWeight = guided.PictureStart, "a folder/picture.png", 0.1
	c.Ground, c.Cutouts.Background = guided.Color{1, 2, 3}, &guided.Color{0xab, 0, 0xff}
	c.Cutouts.Flip, c.Cutouts.FullResolution = 0.5, true
	return c
}

func assertNoZero(t *testing.T, value reflect.Value, name string) {
	t.Helper()
	assert.False(t, value.IsZero(), name)
	if value.Kind() == reflect.Struct {
		for i := range value.NumField() {
			assertNoZero(t, value.Field(i), name+"."+value.Type().Field(i).Name)
		}
	}
}

func TestConfigsAreWrittenAndReadBack(t *testing.T) {
	assertNoZero(t, reflect.ValueOf(everythingSet()), "Config")
	for name, form := range forms {
		for i, config := range []guided.Config{everythingSet(), guided.Default(), guided.OnWhite(), {}} {
			text, err := form.marshal(config)
			require.NoError(t, err, name)
			var read guided.Config
			require.NoError(t, form.unmarshal(text, &read), "%s: %s", name, text)
			if i > 0 {
				emptyToNil(&read) // they are one in YAML
				emptyToNil(&config)
			}
			assert.Equal(t, config, read, "%s: %s", name, text)
		}
	}
}

func emptyToNil(c *guided.Config) {
	c.Prompts, c.Optimizer.Drops, c.Losses.Colors = nil, nil, nil
	if len(c.ScorerWeights) == 0 {
		c.ScorerWeights = nil
	}
}

func TestConfigsHaveTheSameKeysInEachForm(t *testing.T) {
	var keys [2]map[string]any
	for i, name := range []string{"json", "yaml"} {
		text, err := forms[name].marshal(everythingSet())
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &keys[i])) // JSON is YAML
	}
	assert.Equal(t, keys[0], keys[1])
	assert.Equal(t, "#010203", keys[0]["ground"])
	assert.Contains(t, keys[0]["optimizer"], "learning_rate")
}

func TestWhatAFileLeavesOutStaysAsThePresetHasIt(t *testing.T) {
	const text = `{"prompts": [{"text": "a cat"}, {"text": "fog", "weight": 0}], "cutouts": {"noise": 0, "background": null}}`
	want := guided.OnWhite()
	want.Prompts = []guided.Prompt{{Text: "a cat", Weight: 1}, {Text: "fog"}}
	want.Cutouts.Noise, want.Cutouts.Background = 0, nil
	for name, form := range forms {
		got := guided.OnWhite()
		require.NoError(t, form.unmarshal([]byte(text), &got), name)
		assert.Equal(t, want, got, name)
	}
}

func TestColors(t *testing.T) {
	for _, text := range []string{"", "white", "#fff", "#gggggg", "ffffff", "#ffffff00"} {
		for name, form := range forms {
			var config guided.Config
			err := form.unmarshal(fmt.Appendf(nil, `{"ground": %q}`, text), &config)
			assert.ErrorContains(t, err, "wanted #rrggbb", "%s: %q", name, text)
		}
	}
	r, g, b, a := guided.Color{255, 128, 0}.RGBA()
	assert.Equal(t, [4]uint32{0xffff, 0x8080, 0, 0xffff}, [4]uint32{r, g, b, a})
}

func TestPresetsAreValidButForTheirPrompts(t *testing.T) {
	for _, preset := range []func() guided.Config{guided.Default, guided.OnWhite} {
		config := preset()
		assert.ErrorContains(t, config.Validate(), "there is no prompt")
		config.Prompts = []guided.Prompt{guided.NewPrompt("a cat")}
		assert.NoError(t, config.Validate())
		if config.Cutouts.Background != nil {
			*config.Cutouts.Background = guided.Color{}
			assert.NotEqual(t, guided.Color{}, *preset().Cutouts.Background, "each call makes a new one")
		}
	}
}

func TestBadConfigs(t *testing.T) {
	nan, infinity := math.NaN(), math.Inf(1)
	for _, test := range []struct {
		want   string
		change func(*guided.Config)
	}{
		{"prompts is empty", func(c *guided.Config) { c.Prompts = nil }},
		{`prompts[0].text is " "`, func(c *guided.Config) { c.Prompts[0].Text = " " }},
		{"prompts[0].weight is NaN", func(c *guided.Config) { c.Prompts[0].Weight = nan }},
		{"prompts[0].weight is -Inf", func(c *guided.Config) { c.Prompts[0].Weight = -infinity }},
		{"prompts[0].weight is 0", func(c *guided.Config) { c.Prompts[0].Weight = 0 }},
		{"prompts[1].stop is NaN", func(c *guided.Config) {
			c.Prompts = append(c.Prompts, guided.Prompt{Text: "b", Weight: 1, Stop: &nan})
		}},
		{"prompts[0].stop is 0.3, wanted a finite number, below 0", func(c *guided.Config) {
			c.Prompts[0].Weight, c.Prompts[0].Stop = -1, new(0.3)
		}},
		{"width is 0", func(c *guided.Config) { c.Width = 0 }},
		{"height is -64", func(c *guided.Config) { c.Height = -64 }},
		{"width is 1048576, wanted a number from 1 to 8192", func(c *guided.Config) { c.Width = 1 << 20 }},
		{"steps is -1, wanted a finite number, 0 or more", func(c *guided.Config) { c.Steps = -1 }},
		{"optimizer.learning_rate is -1", func(c *guided.Config) { c.Optimizer.LearningRate = -1 }},
		{"optimizer.learning_rate is +Inf", func(c *guided.Config) { c.Optimizer.LearningRate = infinity }},
		{`start is "", wanted "random", "centered", "pixels", "gradient", "fractal" or "picture"`, func(c *guided.Config) { c.Start = "" }},
		{`init is "a.png"`, func(c *guided.Config) { c.Init = "a.png" }},
		{"init_weight is -1", func(c *guided.Config) { c.InitWeight = -1 }},
		{"init_weight is NaN", func(c *guided.Config) { c.InitWeight = nan }},
		{"losses.margin is -1", func(c *guided.Config) { c.Losses.Margin = -1 }},
		{"losses.margin is NaN", func(c *guided.Config) { c.Losses.Margin = nan }},
		{"losses.total_variation is +Inf", func(c *guided.Config) { c.Losses.TotalVariation = infinity }},
		{"batch is 0, wanted a finite number, 1 or more", func(c *guided.Config) { c.Batch = 0 }},
		{"batch is -1", func(c *guided.Config) { c.Batch = -1 }},
		{"cutouts.number is 0", func(c *guided.Config) { c.Cutouts.Number = 0 }},
		{"cutouts.number is -1", func(c *guided.Config) { c.Cutouts.Number = -1 }},
		{"cutouts.min_size is 2, wanted a number from 0 to 1", func(c *guided.Config) { c.Cutouts.MinSize = 2 }},
		{"cutouts.min_size is NaN", func(c *guided.Config) { c.Cutouts.MinSize = nan }},
		{"cutouts.max_size is 100", func(c *guided.Config) { c.Cutouts.MaxSize = 100 }},
		{"cutouts.max_size is 0, wanted a number above 0, up to 4", func(c *guided.Config) { c.Cutouts.MaxSize = 0 }},
		{"cutouts.power is -1", func(c *guided.Config) { c.Cutouts.Power = -1 }},
		{"cutouts.rotation is 181", func(c *guided.Config) { c.Cutouts.Rotation = 181 }},
		{"cutouts.translation is -0.1", func(c *guided.Config) { c.Cutouts.Translation = -0.1 }},
		{"cutouts.zoom is 1, wanted a number from 0 to below 1", func(c *guided.Config) { c.Cutouts.Zoom = 1 }},
		{"cutouts.shear is 90", func(c *guided.Config) { c.Cutouts.Shear = 90 }},
		{"cutouts.perspective is NaN", func(c *guided.Config) { c.Cutouts.Perspective = nan }},
		{"cutouts.flip is 1.5", func(c *guided.Config) { c.Cutouts.Flip = 1.5 }},
		{"cutouts.jitter is -0.1", func(c *guided.Config) { c.Cutouts.Jitter = -0.1 }},
		{"cutouts.noise is +Inf", func(c *guided.Config) { c.Cutouts.Noise = infinity }},
	} {
		t.Run(test.want, func(t *testing.T) {
			config := settings(1, 1)
			test.change(&config)
			requireBad(t, config, plain, test.want)
			err := config.Validate()
			require.ErrorContains(t, err, test.want, "without models")
			require.ErrorIs(t, err, torch.ErrInvalid)
		})
	}
}

// requireBad checks that a run does not begin, with an error of one line.
func requireBad(t *testing.T, config guided.Config, options guided.RunOptions, want string) {
	t.Helper()
	model, scorer := load(t)
	result, err := guided.Generate(t.Context(), model, scorer, config, options)
	require.ErrorContains(t, err, want)
	assert.Nil(t, result)
	assert.NotContains(t, err.Error(), "\n")
}

func TestWhatTheModelsDoNotTake(t *testing.T) {
	config := settings(1, 1)
	config.Width = 1
	requireBad(t, config, plain, "1x64")
	for name, text := range map[string]string{"long": fmt.Sprint(make([]int, 200)), "invalid UTF-8": "\xff"} {
		t.Run(name, func(t *testing.T) {
			config := settings(1, 1)
			config.Prompts[0].Text = text
			requireBad(t, config, plain, "the prompt is ")
		})
	}
}

func TestAPictureToStartFromIsGivenOnce(t *testing.T) {
	picture := guided.RunOptions{Init: imageio.NewRGB(64, 64)}
	requireBad(t, settings(1, 1), picture, `start is "random" and there is a picture`)
	config := settings(1, 1)
	config.Start = guided.PictureStart
	requireBad(t, config, plain, `init is ""`)
	config.Init = "a.png"
	requireBad(t, config, picture, `init is "a.png"`)
	model, scorer := load(t)
	_, err := guided.Generate(t.Context(), model, scorer, config, plain)
	assert.ErrorContains(t, err, "a.png")
}

// TestZeroMeansZero: what other libraries take for a default.
func TestZeroMeansZero(t *testing.T) {
	model, scorer := load(t)
	generate := func(change func(*guided.Config)) *guided.Result {
		config := settings(2, 1)
		change(&config)
		result, err := guided.Generate(t.Context(), model, scorer, config, plain)
		require.NoError(t, err)
		return result
	}
	start := generate(func(c *guided.Config) { c.Steps = 0 })
	assert.Zero(t, start.Steps)
	assert.Empty(t, start.Losses)
	still := generate(func(c *guided.Config) { c.Optimizer.LearningRate = 0 })
	assert.Equal(t, 2, still.Steps)
	assert.Equal(t, pixels(t, start), pixels(t, still))
	moved := generate(func(*guided.Config) {})
	assert.NotEqual(t, pixels(t, start), pixels(t, moved))
	weightless := generate(func(c *guided.Config) { c.Prompts = append(c.Prompts, guided.Prompt{Text: "fog"}) })
	assert.Equal(t, pixels(t, moved), pixels(t, weightless))
	assert.Equal(t, moved.Losses, weightless.Losses)
	largest := generate(func(c *guided.Config) { c.Cutouts.Power = 0 })
	assert.Equal(t, 2, largest.Steps)
	nothing := generate(func(c *guided.Config) {
		c.Cutouts = guided.Cutouts{Number: 2, MaxSize: 1, MinSize: 1}
	})
	same := generate(func(c *guided.Config) {
		c.Cutouts = guided.Cutouts{Number: 1, MaxSize: 1, MinSize: 1}
	})
	assert.InDeltaSlice(t, same.Losses, nothing.Losses, 1e-5, "without noise and augmentation all cutouts are the picture")
}

var _ guided.Scorer = (*clip.Model)(nil)
