package main

import (
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// TestFlagsChangeWhatTheyNameAlone in either preset; a zero too.
func TestFlagsChangeWhatTheyNameAlone(t *testing.T) {
	for _, arguments := range [][]string{{}, {
		"--seed", "18446744073709551615", "--steps", "0", "--cutouts", "3", "--batch", "2", "--learning-rate", "0",
		"--smoothness", "0.1", "--init", "a picture.png", "--init-weight", "1e-300", "--size", "8x9", "--save-every", "2", "-o", "b.png",
	}} {
		onWhite := generation{config: guided.OnWhite()}
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		onWhite.setFlags(flags)
		require.NoError(t, flags.Parse(arguments))
		full := generation{config: guided.Default()}
		require.NoError(t, copyFlags(&full, flags))
		for _, test := range []struct {
			got    generation
			preset guided.Config
		}{{onWhite, guided.OnWhite()}, {full, guided.Default()}} {
			want := generation{config: test.preset, output: "generated.png"}
			if len(arguments) > 0 {
				want.output, want.size, want.every = "b.png", "8x9", 2
				want.config.Seed, want.config.Steps, want.config.Optimizer.LearningRate = 1<<64-1, 0, 0
				want.config.Cutouts.Number, want.config.Batch = 3, 2
				want.config.Losses.TotalVariation, want.config.Init, want.config.InitWeight = 0.1, "a picture.png", 1e-300
			}
			assert.Equal(t, want, test.got)
		}
	}
}

func TestWhatTheCommandLineLeavesToThePreset(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "a.png")
	require.NoError(t, imageio.Save(picture, imageio.NewRGB(8, 8)))
	g := generation{config: guided.OnWhite(), output: "b.png", size: "16x24"}
	g.config.Init = picture
	require.NoError(t, g.read([]string{"a cat", "fog:-0.5"}))
	want := guided.OnWhite()
	want.Prompts = []guided.Prompt{{Text: "a cat", Weight: 1}, {Text: "fog", Weight: -0.5}}
	want.Width, want.Height = 16, 24
	want.Start, want.Init = guided.PictureStart, picture
	assert.Equal(t, want, g.config)
}
