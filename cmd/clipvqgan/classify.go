package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/models"
)

func newClassify(s *settings) *cobra.Command {
	var labels, template string
	var top int
	command := &cobra.Command{
		Use:     "classify PICTURE...",
		Short:   "Tell which of some labels each picture shows",
		Example: `  clipvqgan classify photo.png --labels "a cat,a dog,a slice of pizza"`,
		Args:    atLeastOne("picture"),
		RunE: func(command *cobra.Command, paths []string) error {
			names, err := labelList(labels, command.Flags().Changed("labels"))
			if err != nil {
				return err
			}
			return classify(command.Context(), command.OutOrStdout(), s, paths, names, template, top)
		},
	}
	command.Flags().StringVar(&labels, "labels", "", "what to choose among, between commas (default: the names of all emoji)")
	command.Flags().StringVar(&template, "template", "{}", "the text that CLIP reads, with {} for the label")
	command.Flags().IntVar(&top, "top", 5, "how many labels to show for each picture")
	return command
}

// atLeastOne is cobra.MinimumNArgs in words.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return fmt.Errorf("no %s was given; use: %s", what, command.UseLine())
		}
		return nil
	}
}

func labelList(labels string, given bool) ([]string, error) {
	if !given {
		return models.Labels(), nil
	}
	var names []string
	for name := range strings.SplitSeq(labels, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New(`--labels is empty; give names between commas, as --labels "a cat,a dog"`)
	}
	return names, nil
}

func classify(ctx context.Context, out io.Writer, s *settings, paths, names []string, template string, top int) error {
	if top < 1 {
		return fmt.Errorf("--top is %d, wanted at least 1", top)
	}
	var pictures []image.Image
	for _, path := range paths {
		picture, err := imageio.Load(path, imageio.Options{})
		if err != nil {
			return err
		}
		pictures = append(pictures, picture)
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	classifier, err := model.NewClassifier(ctx, names, template)
	if err != nil {
		return err
	}
	defer classifier.Close()
	all, err := classifier.Classify(ctx, pictures...)
	if err != nil {
		return err
	}
	for i, predictions := range all {
		fmt.Fprintf(out, "%s, among %d labels:\n", paths[i], len(names))
		printPredictions(out, predictions[:min(top, len(predictions))])
	}
	return nil
}

func printPredictions(out io.Writer, predictions []clip.Prediction) {
	for _, prediction := range predictions {
		fmt.Fprintf(out, "  %6.2f %%  %s\n", 100*prediction.Probability, prediction.Label)
	}
}
