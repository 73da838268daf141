package clip

import (
	"fmt"
	"image"
	"sort"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Classifier tells which of some labels a picture shows, without training for them: zero-shot
// classification, section 3.1 of the CLIP paper.
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

// labelBatch bounds the memory of encoding many labels.
const labelBatch = 256

// NewClassifier makes a classifier of labels. Each template is a text with {} where the label
// goes, as "a photo of a {}."; a label's embeddings under all templates are averaged (section
// 3.1.4 of the paper). Without templates the label alone is the text.
func (m *Model) NewClassifier(labels []string, templates ...string) (*Classifier, error) {
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
	weights, err := m.labelWeights(labels, templates)
	if err != nil {
		return nil, err
	}
	return &Classifier{model: m, labels: append([]string(nil), labels...), weights: weights}, nil
}

func (m *Model) labelWeights(labels, templates []string) (weights *torch.Tensor, err error) {
	err = torch.Try(func() (err error) {
		torch.LimitedScope(func(scope *torch.TensorScope) {
			var batches []*torch.Tensor
			for start := 0; start < len(labels); start += labelBatch {
				batch := labels[start:min(start+labelBatch, len(labels))]
				var rows *torch.Tensor
				if rows, err = m.templateMean(batch, templates); err != nil {
					return
				}
				batches = append(batches, rows)
			}
			weights = scope.Keep(torch.Cat(batches, 0))
		})
		return err
	})
	return weights, err
}

// templateMean normalises each text's embedding, averages a label's, and normalises again.
func (m *Model) templateMean(labels, templates []string) (*torch.Tensor, error) {
	var sum *torch.Tensor
	for _, template := range templates {
		texts := make([]string, len(labels))
		for i, label := range labels {
			texts[i] = strings.ReplaceAll(template, "{}", label)
		}
		embeddings, err := m.EncodeText(texts...)
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

// Labels are what the classifier chooses among.
func (c *Classifier) Labels() []string { return append([]string(nil), c.labels...) }

// Close frees the classifier, not its model.
func (c *Classifier) Close() { c.weights.Close() }

// Probabilities is the softmax over the labels of the scaled cosines, [N, labels], for picture
// embeddings [N, D].
func (c *Classifier) Probabilities(embeddings *torch.Tensor) (probabilities *torch.Tensor, err error) {
	err = torch.Try(func() (err error) {
		torch.LimitedScope(func(scope *torch.TensorScope) {
			var cosines *torch.Tensor
			if cosines, err = Similarity(embeddings, c.weights); err != nil {
				return
			}
			logits := cosines.To(torch.Float32).MulScalar(c.model.LogitScale())
			probabilities = scope.Keep(logits.Softmax(1))
		})
		return err
	})
	return probabilities, err
}

// Classify is, for each picture, all labels with their probabilities, the likeliest first.
func (c *Classifier) Classify(pictures ...image.Image) ([][]Prediction, error) {
	embeddings, err := c.model.EncodeImage(pictures...)
	if err != nil {
		return nil, err
	}
	defer embeddings.Close()
	probabilities, err := c.Probabilities(embeddings)
	if err != nil {
		return nil, err
	}
	defer probabilities.Close()
	return c.rank(torch.ToSlice[float32](probabilities)), nil
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
