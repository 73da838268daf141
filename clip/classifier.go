package clip

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sort"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Classifier tells which of several labels fits a picture best, without training for them: zero-shot
// classification (section 3.1 of the paper). It may be used from many goroutines at once.
type Classifier struct {
	model  *Model
	labels []string
	// weights are the labels' unit embeddings, [labels, D].
	weights *torch.Tensor
}

// A Prediction is a label with its probability among the classifier's labels.
type Prediction struct {
	Label       string
	Probability float64
}

// NewClassifier embeds labels for a classifier. Each template is a text with {} where the label
// goes, as "a photo of a {}."; the unit embeddings of a label under all templates are averaged
// (section 3.1.4 of the paper). Without templates the label alone is the text. No labels, an empty
// label and a template without {} are the error [torch.ErrInvalid]; the other errors are those of
// [Model.EncodeText].
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

// labelWeights returns the unit embeddings of labels, [labels, D].
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

// Labels returns the labels in the order in which they were given.
func (c *Classifier) Labels() []string { return append([]string(nil), c.labels...) }

// Close frees the classifier, not its model. Closing it again does nothing.
func (c *Classifier) Close() { c.weights.Close() }

// Probabilities returns, for picture embeddings [N, D], the softmax over the labels of the scaled
// cosines: float32 [N, labels].
func (c *Classifier) Probabilities(ctx context.Context, embeddings *torch.Tensor) (probabilities *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		cosines, err := similarity(embeddings, c.weights)
		if err != nil {
			return err
		}
		logits := cosines.To(torch.Float32).MulScalar(c.model.LogitScale())
		probabilities = scope.Keep(logits.Softmax(1))
		return nil
	})
	return probabilities, failed("Probabilities", err)
}

// Classify returns, for each picture, all labels with their probabilities, the likeliest first. The
// errors are those of [Model.EncodeImage].
func (c *Classifier) Classify(ctx context.Context, pictures ...image.Image) ([][]Prediction, error) {
	embeddings, err := c.model.EncodeImage(ctx, pictures...)
	if err != nil {
		return nil, err
	}
	defer embeddings.Close()
	probabilities, err := c.Probabilities(ctx, embeddings)
	if err != nil {
		return nil, err
	}
	values, err := toFloats(probabilities)
	if err != nil {
		return nil, failed("Classify", err)
	}
	return c.rank(values), nil
}

func (c *Classifier) rank(probabilities []float32) [][]Prediction {
	var all [][]Prediction
	for ; len(probabilities) > 0; probabilities = probabilities[len(c.labels):] {
		predictions := make([]Prediction, len(c.labels))
		for i, label := range c.labels {
			predictions[i] = Prediction{label, float64(probabilities[i])}
		}
		sort.SliceStable(predictions, func(i, j int) bool {
			return predictions[i].Probability > predictions[j].Probability
		})
		all = append(all, predictions)
	}
	return all
}
