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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

const defaultPrompt = "a slice of pizza"

// generation holds the arguments of one call of generate.
type generation struct {
	output string
	size   string
	every  int
	config guided.Config
	init   image.Image // the image in the file config.Init
	report *reporter   // nil without --json
}

// setFlags defines flags that write to the generation. Its current values are their defaults.
func (g *generation) setFlags(flags *pflag.FlagSet) {
	full := guided.Default()
	flags.StringVarP(&g.output, "output", "o", "generated.png", "the picture to write (PNG, JPEG or WebP)")
	flags.Uint64Var(&g.config.Seed, "seed", g.config.Seed, "the same seed makes the same picture")
	flags.IntVar(&g.config.Steps, "steps", g.config.Steps, fmt.Sprintf("how many steps to take; without --on-white %d", full.Steps))
	flags.StringVar(&g.size, "size", "", "width x height in pixels, as 64x64 (default: what the VQGAN was trained on)")
	flags.IntVar(&g.config.Cutouts.Number, "cutouts", g.config.Cutouts.Number,
		fmt.Sprintf("how many cutouts CLIP sees in each step; without --on-white %d", full.Cutouts.Number))
	flags.IntVar(&g.config.Batch, "batch", g.config.Batch, "how many cutouts go through CLIP at once; fewer need less memory")
	flags.Float64Var(&g.config.Optimizer.LearningRate, "learning-rate", g.config.Optimizer.LearningRate,
		fmt.Sprintf("the optimizer's learning rate; without --on-white %v", full.Optimizer.LearningRate))
	flags.Float64Var(&g.config.Losses.TotalVariation, "smoothness", g.config.Losses.TotalVariation, "weight of the difference between neighboring pixels")
	flags.StringVar(&g.config.Init, "init", g.config.Init, "a picture to start from, in place of noise; - is standard input")
	flags.Float64Var(&g.config.InitWeight, "init-weight", g.config.InitWeight, "how strongly to hold on to what the run started from")
	flags.IntVar(&g.every, "save-every", 0, "also write the picture every so many steps (0: only at the end)")
}

func newGenerate(s *settings) *cobra.Command {
	onWhite := generation{config: guided.OnWhite()}
	var isOnWhite, plain bool
	command := &cobra.Command{
		Use:   "generate [PROMPT...]",
		Short: "Turn text into a picture by VQGAN+CLIP, and tell what CLIP sees in it",
		Long: `Turn text into a picture by VQGAN+CLIP, and tell what CLIP sees in it.

A prompt is "text", "text:weight" or "text:weight:stop". With a weight below 0 the picture
moves away from the text. A stop ends a prompt's pull on what is nearer than that distance.
Ctrl-C writes the picture so far.`,
		Example: `  clipvqgan generate "a slice of pizza" -o pizza.png --seed 7
  clipvqgan generate "a red heart" "text:-0.3" --steps 300`,
		RunE: func(command *cobra.Command, prompts []string) error {
			g := &onWhite
			if !isOnWhite && (command.Flags().Changed("on-white") || s.clip != "" || s.vqgan != "") {
				g = &generation{config: guided.Default()}
				if err := copyFlags(g, command.Flags()); err != nil {
					return err
				}
			}
			if plain {
				g.config.Cutouts = g.config.Cutouts.WithoutAugmentation()
			}
			if err := g.read(prompts); err != nil {
				return err
			}
			return g.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s)
		},
	}
	flags := command.Flags()
	onWhite.setFlags(flags)
	flags.BoolVar(&plain, "no-augmentation", false, "leave the cutouts as they are")
	flags.BoolVar(&isOnWhite, "on-white", false, "one thing over white, not a full picture (default: with the models that come with the program)")
	return command
}

// copyFlags applies the flags that were set to another generation.
func copyFlags(g *generation, set *pflag.FlagSet) (err error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	g.setFlags(flags)
	set.Visit(func(flag *pflag.Flag) {
		if err == nil && flags.Lookup(flag.Name) != nil {
			err = flags.Set(flag.Name, flag.Value.String())
		}
	})
	return err
}

// read checks everything that needs no model, so that errors are reported at once.
func (g *generation) read(prompts []string) error {
	if len(prompts) == 0 {
		prompts = []string{defaultPrompt}
	}
	for _, text := range prompts {
		prompt, err := guided.ParsePrompt(text)
		if err != nil {
			return err
		}
		g.config.Prompts = append(g.config.Prompts, prompt)
	}
	if g.size != "" {
		if n, err := fmt.Sscanf(g.size+" ", "%dx%d ", &g.config.Width, &g.config.Height); n != 2 || err != nil {
			return fmt.Errorf("--size is %q, wanted width x height, as 64x64", g.size)
		}
	}
	if g.every < 0 {
		return fmt.Errorf("--save-every is %d, wanted 0 or more", g.every)
	}
	if err := imageio.CheckOutputPath(g.output); err != nil {
		return err
	}
	if g.config.Init != "" {
		g.config.Start = guided.PictureStart
		picture, err := loadOne("--init", g.config.Init)
		if err != nil {
			return err
		}
		g.init = picture
	}
	return inFlags(g.config.Validate())
}

func (g *generation) run(ctx context.Context, out, progressTo io.Writer, s *settings) error {
	if s.json {
		g.report = &reporter{out: out, signals: ctx}
		s.lastWord.set(func() error { return g.tellEnd(nil, nil, errors.New("interrupted before there was a picture")) })
	}
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

	if g.size == "" {
		side := int(model.Config().ImageSize)
		g.config.Width, g.config.Height = side, side
	}
	if !s.json {
		fmt.Fprintf(out, "%s on %s, seed %d\n", g.title(), model.Device(), g.config.Seed)
	}
	bar := newProgress(progressTo, max(1, g.config.Steps), "steps")
	keeper := newKeeper(&s.lastWord, g)
	onStep := func(step guided.Step) error {
		bar.add(fmt.Sprintf("loss %.3f", step.Loss))
		if err := keeper.keep(step); err != nil {
			return err
		}
		if g.every == 0 || step.Number%g.every != 0 || step.Number == step.Steps {
			return nil
		}
		picture, err := step.Picture()
		if err != nil {
			return err
		}
		return s.lastWord.save(func() error { return g.save(picture, step.Number) })
	}
	config := g.config
	config.Init = "" // the image is in g.init
	started := time.Now()
	if s.json {
		s.lastWord.save(func() error { return g.report.begin(started, model.Device()) })
	}
	result, err := guided.Generate(ctx, model, scorer, config, guided.RunOptions{Init: g.init, OnStep: onStep})
	seconds := time.Since(started).Seconds()
	err = inFlags(err)
	bar.end()
	if result == nil {
		return s.lastWord.save(func() error { return g.tellEnd(nil, nil, err) })
	}
	err = s.lastWord.save(func() error {
		if failed := g.save(result.Picture, result.Steps); failed != nil {
			return g.tellEnd(nil, result.Losses, errors.Join(err, failed))
		}
		if err != nil {
			err = fmt.Errorf("%w after %d steps; wrote the picture so far to %s", err, result.Steps, g.output)
			return g.tellEnd(result.Picture, result.Losses, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.json {
		s.lastWord.set(func() error { return g.tellEnd(result.Picture, result.Losses, errors.New("interrupted")) })
	} else {
		s.lastWord.set(nil)
		fmt.Fprintf(out, "wrote %s: %d steps in %.1f s\n", g.output, result.Steps, seconds)
	}
	judgement, err := g.judge(ctx, scorer, result.Picture)
	if err != nil {
		return s.lastWord.finish(func() error { return g.tellEnd(result.Picture, result.Losses, err) })
	}
	if s.json {
		return s.lastWord.finish(func() error { return g.tell(result, seconds, judgement) })
	}
	fmt.Fprintf(out, "CLIP puts %q in place %d among %d names, with %.2f %%:\n",
		judgement.Prompt, judgement.Place, judgement.Names, 100*judgement.Probability)
	printPredictions(out, judgement.predictions)
	return nil
}

// title returns the prompts as text.
func (g *generation) title() string {
	var texts []string
	for _, prompt := range g.config.Prompts {
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
		imageio.Text{Keyword: "Seed", Value: fmt.Sprint(g.config.Seed)},
		imageio.Text{Keyword: "Steps", Value: fmt.Sprint(steps)},
	)
}

// A judgement is how CLIP classifies a generated image.
type judgement struct {
	Prompt      string       `json:"prompt"`
	Place       int          `json:"place"` // rank of the prompt, from 1
	Names       int          `json:"names"` // the number of names compared
	Probability float64      `json:"probability"`
	Predictions []prediction `json:"predictions"`
	predictions []clip.Prediction
}

// judge returns the rank of the first prompt among the names of all emoji.
func (g *generation) judge(ctx context.Context, scorer *clip.Model, picture image.Image) (judgement, error) {
	prompt := g.config.Prompts[0].Text
	names := models.Labels()
	if !slices.Contains(names, prompt) {
		names = append(names, prompt)
	}
	classifier, err := scorer.NewClassifier(ctx, names)
	if err != nil {
		return judgement{}, err
	}
	defer classifier.Close()
	all, err := classifier.Classify(ctx, picture)
	if err != nil {
		return judgement{}, err
	}
	predictions := all[0]
	place := slices.IndexFunc(predictions, func(p clip.Prediction) bool { return p.Label == prompt })
	best := predictions[:5]
	return judgement{prompt, place + 1, len(names), predictions[place].Probability, forJSON(best), best}, nil
}
