package main

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// TestFieldsAreToldAsFlags: the user of the program knows flags, and no fields of a Config.
func TestFieldsAreToldAsFlags(t *testing.T) {
	for want, edit := range map[string]func(*guided.Config){
		"--steps is -1, wanted a finite number, 0 or more":          func(c *guided.Config) { c.Steps = -1 },
		"--cutouts is 0, wanted a number from 1 to 4096":            func(c *guided.Config) { c.Cutouts.Number = 0 },
		"--batch is 0, wanted a finite number, 1 or more":           func(c *guided.Config) { c.Batch = 0 },
		"--init-weight is -2, wanted a finite number, 0 or more":    func(c *guided.Config) { c.InitWeight = -2 },
		"--size: the width is 9000, wanted a number from 1 to 8192": func(c *guided.Config) { c.Width = 9000 },
		"prompt 2: its weight is +Inf, wanted a finite number": func(c *guided.Config) {
			c.Prompts = []guided.Prompt{guided.NewPrompt("a"), {Text: "b", Weight: math.Inf(1)}}
		},
		"losses.margin is -1, wanted a finite number, 0 or more": func(c *guided.Config) { c.Losses.Margin = -1 }, // which has no flag
	} {
		config := guided.Default()
		config.Prompts = []guided.Prompt{guided.NewPrompt("a cat")}
		edit(&config)
		err := inFlags(config.Validate())
		assert.ErrorIs(t, err, torch.ErrInvalid, want)
		assert.Equal(t, want, oneLine(err))
	}
	assert.NoError(t, inFlags(nil))
	assert.Equal(t, "--learning-rate is 3", oneLine(inFlags(errors.New("guided: optimizer.learning_rate is 3: invalid argument"))))
}
