package clip

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Classifier finds the label that fits an image best, without training for the labels: zero-shot
// classification (section 3.1 of the paper). It may be used from many goroutines at once.
type Classifier struct {
	model  *Model
	labels []string
	// weights are the labels' normalized embeddings, [labels, D].
	weights *torch.Tensor
}

// A Prediction is a label and its probability among the classifier's labels.
type Prediction struct {
	Label       string
	Probability float64
}

// NewClassifier returns a classifier for the labels. Each template is a text with {} in place of
// the label, such as "a photo of a {}."; the normalized embeddings of a label in all templates are
// averaged (section 3.1.4 of the paper). Without templates the label itself is the text. The error
// is [torch.ErrInvalid] if there are no labels, a label is empty or a template has no {}, or an
// error of [Model.EncodeText]. Equal labels, as two classes of ImageNet have, share the probability.
func (m *Model) NewClassifier(ctx context.Context, labels []string, templates ...string) (*Classifier, error) {
	if len(labels) == 0 {
		return nil, fmt.Errorf("clip: there are no labels to choose among: %w", torch.ErrInvalid)
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	for i, label := range labels {
		if strings.TrimSpace(label) == "" {
			return nil, fmt.Errorf("clip: label %d of %d is empty: %w", i+1, len(labels), torch.ErrInvalid)
		}
	}
	for _, template := range templates {
		if !strings.Contains(template, "{}") {
			return nil, fmt.Errorf("clip: the template %q has no {} for the label: %w", template, torch.ErrInvalid)
		}
	}
	weights, err := m.labelWeights(ctx, labels, templates)
	if err != nil {
		return nil, failed("NewClassifier", err)
	}
	return &Classifier{model: m, labels: append([]string(nil), labels...), weights: weights}, nil
}

// labelWeights returns the normalized embeddings of labels, [labels, D].
func (m *Model) labelWeights(ctx context.Context, labels, templates []string) (*torch.Tensor, error) {
	var weights joined
	defer weights.close()
	for batch := range slices.Chunk(labels, textBatch) {
		err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
			rows, err := m.templateMean(ctx, batch, templates)
			if err == nil {
				weights.add(scope.Keep(rows))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return weights.join(ctx)
}

// templateMean normalizes each text's embedding, averages a label's, and normalizes again.
func (m *Model) templateMean(ctx context.Context, labels, templates []string) (*torch.Tensor, error) {
	var sum *torch.Tensor
	for _, template := range templates {
		texts := make([]string, len(labels))
		for i, label := range labels {
			texts[i] = strings.ReplaceAll(template, "{}", label)
		}
		embeddings, err := m.encodeTexts(ctx, texts)
		if err != nil {
			return nil, err
		}
		unit := embeddings.Normalize(-1)
		if sum == nil {
			sum = unit
		} else {
			sum = sum.Add(unit)
		}
	}
	return sum.Normalize(-1), nil
}

// Labels returns a copy of the labels, in order.
func (c *Classifier) Labels() []string {
	if c == nil {
		return nil
	}
	return append([]string(nil), c.labels...)
}

// usable returns an error for a classifier that [Model.NewClassifier] did not make.
func (c *Classifier) usable() error {
	if c == nil || c.weights == nil {
		return fmt.Errorf("the classifier was not made by NewClassifier: %w", torch.ErrInvalid)
	}
	return nil
}

// Close frees the classifier, but not its model. Closing it again does nothing.
func (c *Classifier) Close() {
	if c.usable() == nil {
		c.weights.Close()
	}
}

// Probabilities returns the probabilities of the labels, float32 [N, labels], for image embeddings
// [N, D]: the softmax of the scaled cosines.
func (c *Classifier) Probabilities(ctx context.Context, embeddings *torch.Tensor) (*torch.Tensor, error) {
	return c.compute(ctx, "Probabilities", embeddings, func(logits *torch.Tensor) *torch.Tensor { return logits.Softmax(1) })
}

// Classify returns, for each image, all labels with their probabilities by the softmax, the most probable
// first. [Classifier.ScoreImages] has other ways. The errors are those of [Model.EncodeImage].
func (c *Classifier) Classify(ctx context.Context, pictures ...image.Image) ([][]Prediction, error) {
	return c.scoreImages(ctx, "Classify", Scoring{}, pictures)
}
