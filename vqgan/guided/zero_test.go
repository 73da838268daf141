package guided

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// TestNothingToGenerateWith is an error; a nil context never ends.
func TestNothingToGenerateWith(t *testing.T) {
	var none context.Context
	model, scorer := loaded.VQGAN(t, torch.CPU), loaded.CLIP(t, torch.CPU)
	config := OnWhite()
	config.Prompts = []Prompt{NewPrompt("a cat")}
	config.Width, config.Height, config.Steps, config.Cutouts.Number = 16, 16, 1, 1
	for want, generate := range map[string]func() (*Result, error){
		"the VQGAN was not loaded": func() (*Result, error) { return Generate(none, nil, scorer, config, RunOptions{}) },
		"VQGAN was not loaded":     func() (*Result, error) { return Generate(none, new(vqgan.Model), scorer, config, RunOptions{}) },
		"there is no scorer":       func() (*Result, error) { return Generate(none, model, nil, config, RunOptions{}) },
		"no scorer":                func() (*Result, error) { return Generate(none, model, new(clip.Model), config, RunOptions{}) },
		"it was not loaded":        func() (*Result, error) { return Generate(none, model, (*clip.Model)(nil), config, RunOptions{}) },
		"prompts is empty": func() (*Result, error) {
			return Generate(none, model, scorer, Config{Width: 16, Height: 16}, RunOptions{})
		},
	} {
		result, err := generate()
		assert.Nil(t, result)
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
	result, err := Generate(none, model, scorer, config, RunOptions{})
	require.NoError(t, err)
	assert.Equal(t, 1, result.Steps)

	config.Start = PictureStart
	_, err = Generate(t.Context(), model, scorer, config, RunOptions{Init: image.NewUniform(image.White)})
	assert.ErrorIs(t, err, imageio.ErrTooManyPixels)
	_, err = Generate(t.Context(), model, scorer, config, RunOptions{Init: (*image.RGBA)(nil)})
	assert.ErrorIs(t, err, imageio.ErrSize)
}
