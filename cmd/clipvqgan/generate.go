package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

const defaultPrompt = "a slice of pizza"

// generation are the flags of generate.
type generation struct {
	output  string
	size    string
	init    string
	every   int
	options guided.Options
}

func newGenerate(s *settings) *cobra.Command {
	var g generation
	var onWhite bool
	command := &cobra.Command{
		Use:   "generate [PROMPT...]",
		Short: "Turn text into a picture by VQGAN+CLIP, and tell what CLIP sees in it",
		Long: `Turn text into a picture by VQGAN+CLIP, and tell what CLIP sees in it.

A prompt is "text", "text:weight" or "text:weight:stop". With a weight below 0 the picture
moves away from the text; below the distance stop a prompt no longer pulls.
Ctrl-C writes the picture so far.`,
		Example: `  clipvqgan generate "a slice of pizza" -o pizza.png --seed 7
  clipvqgan generate "a red heart" "text:-0.3" --steps 300`,
		RunE: func(command *cobra.Command, prompts []string) error {
			if onWhite || !command.Flags().Changed("on-white") && s.clip == "" && s.vqgan == "" {
				g.fillIn(guided.OnWhite())
			}
			if err := g.read(prompts); err != nil {
				return err
			}
			return g.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&g.output, "output", "o", "generated.png", "the picture to write (PNG or JPEG)")
	flags.Uint64Var(&g.options.Seed, "seed", 0, "the same seed makes the same picture")
	flags.IntVar(&g.options.Steps, "steps", 0, "how many steps to take (default 150)")
	flags.StringVar(&g.size, "size", "", "width x height in pixels, as 64x64 (default: what the VQGAN was trained on)")
	flags.IntVar(&g.options.Cutouts.Number, "cutouts", 0, "how many cutouts CLIP sees in each step (default 16 on white, else 32)")
	flags.IntVar(&g.options.Batch, "batch", 0, "how many cutouts go through CLIP at once; fewer need less memory (default: all)")
	flags.Float64Var(&g.options.LearningRate, "learning-rate", 0, "the optimizer's learning rate (default 0.2 on white, else 0.1)")
	flags.Float64Var(&g.options.TotalVariation, "smoothness", 0, "weight of the difference between neighbouring pixels")
	flags.StringVar(&g.init, "init", "", "a picture to start from, in place of noise")
	flags.Float64Var(&g.options.InitWeight, "init-weight", 0, "how strongly to hold on to what the run started from")
	flags.IntVar(&g.every, "save-every", 0, "also write the picture every so many steps (0: only at the end)")
	flags.BoolVar(&g.options.Cutouts.Plain, "no-augmentation", false, "leave the cutouts as they are")
	flags.BoolVar(&onWhite, "on-white", false, "one thing over white, not a full picture (default: with the models that come with the program)")
	return command
}

// fillIn takes the preset's values where no flag said otherwise.
func (g *generation) fillIn(preset guided.Options) {
	given := g.options
	g.options = preset
	g.options.Seed, g.options.Steps, g.options.Batch = given.Seed, given.Steps, given.Batch
	g.options.TotalVariation, g.options.InitWeight = given.TotalVariation, given.InitWeight
	g.options.Cutouts.Plain = given.Cutouts.Plain
	if given.LearningRate != 0 {
		g.options.LearningRate = given.LearningRate
	}
	if given.Cutouts.Number != 0 {
		g.options.Cutouts.Number = given.Cutouts.Number
	}
}

// read checks what needs no model, so that a slip is told at once.
func (g *generation) read(prompts []string) error {
	if len(prompts) == 0 {
		prompts = []string{defaultPrompt}
	}
	g.options.Prompts = nil
	for _, text := range prompts {
		prompt, err := guided.ParsePrompt(text)
		if err != nil {
			return err
		}
		g.options.Prompts = append(g.options.Prompts, prompt)
	}
	if g.size != "" {
		if n, err := fmt.Sscanf(g.size+" ", "%dx%d ", &g.options.Width, &g.options.Height); n != 2 || err != nil {
			return fmt.Errorf("--size is %q, wanted width x height, as 64x64", g.size)
		}
	}
	if g.every < 0 {
		return fmt.Errorf("--save-every is %d, wanted 0 or more", g.every)
	}
	if err := imageio.CheckOutputPath(g.output); err != nil {
		return err
	}
	if g.init != "" {
		picture, err := imageio.Load(g.init, imageio.Options{})
		if err != nil {
			return err
		}
		g.options.Init = picture
	}
	return nil
}

func (g *generation) run(ctx context.Context, out, progress io.Writer, s *settings) error {
	scorer, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer scorer.Close()
	model, err := s.loadVQGAN()
	if err != nil {
		return err
	}
	defer model.Close()

	fmt.Fprintf(out, "%s on %s, seed %d\n", g.title(), model.Device(), g.options.Seed)
	var bar *progressbar.ProgressBar
	g.options.OnStep = func(step guided.Step) error {
		if bar == nil {
			bar = newBar(progress, step.Steps)
		}
		bar.Describe(fmt.Sprintf("loss %.3f", step.Loss))
		if err := bar.Add(1); err != nil {
			return err
		}
		if g.every == 0 || step.Number%g.every != 0 || step.Number == step.Steps {
			return nil
		}
		picture, err := step.Picture()
		if err != nil {
			return err
		}
		return g.save(picture, step.Number)
	}
	started := time.Now()
	result, err := guided.Generate(ctx, model, scorer, g.options)
	if bar != nil {
		fmt.Fprintln(progress)
	}
	if result == nil {
		return err
	}
	if failed := g.save(result.Picture, result.Steps); failed != nil {
		return errors.Join(err, failed)
	}
	if err != nil {
		return fmt.Errorf("%w after %d steps; wrote the picture so far to %s", err, result.Steps, g.output)
	}
	fmt.Fprintf(out, "wrote %s: %d steps in %.1f s\n", g.output, result.Steps, time.Since(started).Seconds())
	return g.judge(out, scorer, result.Picture)
}

func newBar(out io.Writer, steps int) *progressbar.ProgressBar {
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(out),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("steps"),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
}

// title is the prompts as they were meant.
func (g *generation) title() string {
	var texts []string
	for _, prompt := range g.options.Prompts {
		text := fmt.Sprintf("%q", prompt.Text)
		if prompt.Weight != 1 {
			text += fmt.Sprintf(" (weight %g)", prompt.Weight)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " + ")
}

func (g *generation) save(picture image.Image, steps int) error {
	return imageio.Save(g.output, picture,
		imageio.Text{Keyword: "Software", Value: "clipvqgan"},
		imageio.Text{Keyword: "Description", Value: g.title()},
		imageio.Text{Keyword: "Seed", Value: fmt.Sprint(g.options.Seed)},
		imageio.Text{Keyword: "Steps", Value: fmt.Sprint(steps)},
	)
}

// judge tells what CLIP sees in the picture: the first prompt among the names of all emoji.
func (g *generation) judge(out io.Writer, scorer *clip.Model, picture image.Image) error {
	prompt := g.options.Prompts[0].Text
	names := models.Labels()
	if !slices.Contains(names, prompt) {
		names = append(names, prompt)
	}
	classifier, err := scorer.NewClassifier(names)
	if err != nil {
		return err
	}
	defer classifier.Close()
	all, err := classifier.Classify(picture)
	if err != nil {
		return err
	}
	predictions := all[0]
	place := slices.IndexFunc(predictions, func(p clip.Prediction) bool { return p.Label == prompt })
	fmt.Fprintf(out, "CLIP puts %q in place %d among %d names, with %.2f %%:\n",
		prompt, place+1, len(names), 100*predictions[place].Probability)
	printPredictions(out, predictions[:5])
	return nil
}
