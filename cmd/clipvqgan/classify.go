package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A classification holds the arguments of classify.
type classification struct {
	labels   []string
	template string
	top      int
}

func newClassify(s *settings) *cobra.Command {
	var c classification
	var given labelFlags
	command := &cobra.Command{
		Use:   "classify PICTURE...",
		Short: "Tell which of some labels each picture shows",
		Long:  "Tell which of some labels each picture shows.\n\n" + aboutPictures,
		Example: `  clipvqgan classify photo.png --labels "a cat,a dog,a slice of pizza"
  clipvqgan classify photo.png --label "red, white and blue" --label "black and white"
  clipvqgan classify photos/ "more/*.jpg" --labels-file labels.txt --top 1 --json
  curl -s https://example.com/photo.jpg | clipvqgan classify -`,
		Args: atLeastOne("picture"),
		RunE: func(command *cobra.Command, arguments []string) (err error) {
			if c.labels, err = given.labels(command.Flags()); err != nil {
				return err
			}
			return c.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments)
		},
	}
	given.set(command.Flags())
	command.Flags().StringVar(&c.template, "template", "{}", "the text that CLIP reads, with {} for the label")
	command.Flags().IntVar(&c.top, "top", 5, "how many labels to show for each picture")
	return command
}

func (c *classification) run(ctx context.Context, out, problems io.Writer, s *settings, arguments []string) error {
	if c.top < 1 {
		return fmt.Errorf("--top is %d, wanted at least 1", c.top)
	}
	inputs, failed := expand(arguments)
	if s.json {
		if err := failed.tellJSON(out); err != nil {
			return err
		}
	}
	if len(inputs) == 0 {
		return failed.result()
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	classifier, err := model.NewClassifier(ctx, c.labels, c.template)
	if err != nil {
		return err
	}
	defer classifier.Close()
	var bar *progress
	if len(inputs) > 1 && !(isTerminal(out) && isTerminal(problems)) { // on a terminal the results show the progress
		bar = newProgress(problems, len(inputs), "pictures")
		defer bar.end()
	}
	paths := func(yield func(string) bool) {
		for _, input := range inputs {
			if !yield(input.path) {
				return
			}
		}
	}
	for embedding, err := range model.EncodeFiles(ctx, paths) {
		unreadable, ok := errors.AsType[*clip.PictureError](err)
		if err != nil && !ok {
			return err
		}
		input := inputs[embedding.Index]
		if ok {
			err = input.told(unreadable.Err)
			failed.add(err)
			if s.json {
				err = printJSON(out, failedInput{fileName(input.name), oneLine(err)})
			} else {
				err = nil
			}
		} else {
			err = c.tell(ctx, out, s, model, classifier, input, embedding.Vector)
		}
		if err != nil {
			return err
		}
		if bar != nil {
			bar.add("")
		}
	}
	return failed.result()
}

// A classifiedPicture is the JSON result for an image.
type classifiedPicture struct {
	Picture     fileName     `json:"picture"`
	Labels      int          `json:"labels"` // the number of labels compared
	Predictions []prediction `json:"predictions"`
}

type prediction struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// tell prints an image's most probable labels.
func (c *classification) tell(ctx context.Context, out io.Writer, s *settings, model *clip.Model, classifier *clip.Classifier, input input, embedding []float32) error {
	predictions, err := predict(ctx, model, classifier, embedding)
	if err != nil {
		return err
	}
	predictions = predictions[:min(c.top, len(predictions))]
	if s.json {
		return printJSON(out, classifiedPicture{fileName(input.name), len(c.labels), forJSON(predictions)})
	}
	name := input.name
	if input.path == standardInput {
		name = "standard input"
	}
	fmt.Fprintf(out, "%s, among %d labels:\n", name, len(c.labels))
	printPredictions(out, predictions)
	return nil
}

// predict returns a classifier's labels, sorted by their probability for an embedding.
func predict(ctx context.Context, model *clip.Model, classifier *clip.Classifier, embedding []float32) ([]clip.Prediction, error) {
	var predictions []clip.Prediction
	err := torch.Compute(ctx, func(*torch.TensorScope) error {
		row := torch.FromSlice(embedding, torch.Shape{1, int64(len(embedding))}).To(model.Device(), model.DType())
		probabilities, err := classifier.Probabilities(ctx, row)
		if err != nil {
			return err
		}
		labels := classifier.Labels()
		for i, probability := range probabilities.Float32s() {
			predictions = append(predictions, clip.Prediction{Label: labels[i], Probability: float64(probability)})
		}
		return nil
	})
	slices.SortStableFunc(predictions, func(a, b clip.Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	return predictions, err
}

func forJSON(predictions []clip.Prediction) []prediction {
	var all []prediction
	for _, p := range predictions {
		all = append(all, prediction(p))
	}
	return all
}

func printPredictions(out io.Writer, predictions []clip.Prediction) {
	for _, prediction := range predictions {
		fmt.Fprintf(out, "  %6.2f %%  %s\n", 100*prediction.Probability, prediction.Label)
	}
}
