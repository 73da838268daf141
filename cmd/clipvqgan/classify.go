package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A classification holds the arguments of classify.
type classification struct {
	labels, templates []string
	head              string
	top               int
	threshold         float64
	csv               bool
	sheet             string
	probe             string

	// score returns the labels that are shown of a picture.
	score func(embedding []float32) ([]clip.Prediction, error)
}

func newClassify(s *settings) *cobra.Command {
	var c classification
	var given labelFlags
	command := &cobra.Command{
		Use:   "classify PICTURE...",
		Short: "Tell which of some labels each picture shows",
		Long: "Tell which of some labels each picture shows.\n\n" + aboutPictures + `

Results are printed as they come: as text, with --json as one object a line, or with --csv. Probabilities of
the softmax sum to 1: one label fits. Those of the sigmoid, which SigLIP was trained with, are each label's
own: any number fit, and --threshold says from where on.`,
		Example: `  clipvqgan classify photo.png --labels "a cat,a dog,a slice of pizza"
  clipvqgan classify photo.png --label "red, white and blue" --label "black and white"
  clipvqgan classify photos/ "more/*.jpg" --labels-file labels.txt --top 1 --json
  clipvqgan classify photos/ --labels-of food101 --clip ViT-B-32.pt --csv --sheet sheet.png
  clipvqgan classify photos/ --labels-of imagenet --templates best --clip ViT-B-32.pt
  clipvqgan classify photos/ --labels "a cat,a dog" --clip siglip/ --head sigmoid --threshold 0.2
  clipvqgan classify garden/ --probe flowers.safetensors --clip ViT-B-32.pt
  curl -s https://example.com/photo.jpg | clipvqgan classify -`,
		Args: atLeastOne("picture"),
		RunE: func(command *cobra.Command, arguments []string) (err error) {
			if c.labels, c.templates, err = given.given(command.Flags()); err != nil {
				return err
			}
			if c.probe != "" {
				for _, flag := range []string{"labels", "label", "labels-file", "labels-of", "template", "templates", "head"} {
					if command.Flags().Changed(flag) {
						return fmt.Errorf("--%s and --probe were both given: a probe has classes of its own", flag)
					}
				}
			}
			return c.run(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), s, arguments)
		},
	}
	given.define(command.Flags())
	command.Flags().StringVar(&c.head, "head", "auto", "what turns logits into probabilities: softmax, sigmoid, or auto for what the model was trained with")
	command.Flags().IntVar(&c.top, "top", 5, "how many labels to show for each picture")
	command.Flags().Float64Var(&c.threshold, "threshold", 0, "show only labels with at least this probability, from 0 to 1")
	command.Flags().BoolVar(&c.csv, "csv", false, "print results as CSV: picture, label, probability, error")
	command.Flags().StringVar(&c.sheet, "sheet", "", "also write a contact `picture` (PNG, JPEG or WebP): all pictures with their labels")
	command.Flags().StringVar(&c.probe, "probe", "", "choose among the classes of a linear probe, a `file` of clipvqgan probe")
	return command
}

func (c *classification) run(ctx context.Context, out, problems io.Writer, s *settings, arguments []string) (err error) {
	if c.top < 1 {
		return fmt.Errorf("--top is %d, wanted at least 1", c.top)
	}
	if !(c.threshold >= 0 && c.threshold <= 1) {
		return fmt.Errorf("--threshold is %v, wanted 0 to 1", c.threshold)
	}
	results, err := newResults(out, s.json, c.csv)
	if err != nil {
		return err
	}
	contact, err := newContactSheet(c.sheet, c.top)
	if err != nil {
		return err
	}
	defer contact.close()
	inputs, failed := expand(arguments)
	for _, argument := range failed.arguments {
		if err := results.failure(argument); err != nil {
			return err
		}
	}
	if len(inputs) == 0 {
		return failed.result()
	}
	if err := contact.prepare(inputs); err != nil {
		return err
	}
	model, err := s.loadCLIP()
	if err != nil {
		return err
	}
	defer model.Close()
	closing, err := c.prepare(ctx, model)
	if err != nil {
		return err
	}
	defer closing()
	var bar *progress
	if len(inputs) > 1 && !(isTerminal(out) && isTerminal(problems)) { // on a terminal the results show the progress
		bar = newProgress(problems, len(inputs), "pictures")
		defer bar.end()
	}
	if contact != nil {
		s.lastWord.set(contact.save)
	}
	err = c.each(ctx, model, inputs, func(input input, embedding []float32, unreadable error) error {
		if bar != nil {
			defer bar.add("")
		}
		if unreadable == nil {
			return c.tell(results, contact, input, embedding)
		}
		failed.add(unreadable)
		return results.failure(failedInput{fileName(input.name), oneLine(unreadable)})
	})
	if contact != nil { // also of a run that was interrupted
		if saving := s.lastWord.finish(contact.save); saving != nil {
			return saving
		}
		if err == nil {
			err = results.note(contact.message())
		}
	}
	return cmp.Or(context.Cause(ctx), err, failed.result())
}

// each calls handle with the embedding of each input, or with why it could not be read.
func (c *classification) each(ctx context.Context, model *clip.Model, inputs []input, handle func(input input, embedding []float32, unreadable error) error) error {
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
			err = handle(input, nil, input.told(unreadable.Err))
		} else {
			err = handle(input, embedding.Vector, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prepare makes what scores pictures: a classifier of the labels, or the probe.
func (c *classification) prepare(ctx context.Context, model *clip.Model) (closing func(), err error) {
	if c.probe != "" {
		return c.prepareProbe(ctx, model)
	}
	scoring := clip.Scoring{Head: model.Head(), Top: c.top, Threshold: c.threshold}
	if c.head != "auto" {
		if scoring.Head, err = clip.ParseHead(c.head); err != nil {
			return nil, fmt.Errorf("--head is %q, wanted auto, softmax or sigmoid", c.head)
		}
	}
	classifier, err := model.NewClassifier(ctx, c.labels, c.templates...)
	if err != nil {
		return nil, err
	}
	c.score = func(embedding []float32) (predictions []clip.Prediction, err error) {
		err = torch.Compute(ctx, func(*torch.TensorScope) error {
			all, err := classifier.Score(ctx, row(model, embedding), scoring)
			if err == nil {
				predictions = all[0]
			}
			return err
		})
		return predictions, err
	}
	// Before the first picture it is told that a scoring does not fit the model.
	if _, err := c.score(make([]float32, model.Config().EmbeddingDimension)); err != nil {
		classifier.Close()
		return nil, err
	}
	return classifier.Close, nil
}

// prepareProbe is prepare with --probe.
func (c *classification) prepareProbe(ctx context.Context, model *clip.Model) (closing func(), err error) {
	trained, err := loadProbe(c.probe, model)
	if err != nil {
		return nil, err
	}
	c.labels = trained.Classes
	c.score = func(embedding []float32) (predictions []clip.Prediction, err error) {
		err = torch.Compute(ctx, func(*torch.TensorScope) error {
			all, err := trained.Predict(ctx, row(model, embedding))
			if err != nil {
				return err
			}
			predictions = []clip.Prediction{}
			for _, p := range all[0] {
				if p.Probability >= c.threshold && len(predictions) < c.top {
					predictions = append(predictions, clip.Prediction{Label: p.Class, Probability: p.Probability})
				}
			}
			return nil
		})
		return predictions, err
	}
	return trained.Close, nil
}

// row returns an embedding as a tensor [1, D] of the model.
func row(model *clip.Model, embedding []float32) *torch.Tensor {
	return torch.FromSlice(embedding, torch.Shape{1, int64(len(embedding))}).To(model.Device(), model.DType())
}

// tell prints an image's most probable labels.
func (c *classification) tell(results results, contact *contactSheet, input input, embedding []float32) error {
	predictions, err := c.score(embedding)
	if err != nil {
		return err
	}
	if err := contact.add(input, predictions); err != nil {
		return err
	}
	return results.picture(input, len(c.labels), predictions)
}
