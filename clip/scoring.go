package clip

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Head turns logits of labels into probabilities.
type Head int

const (
	// Softmax gives probabilities of which sum to 1: one of the labels fits (section 3.1 of the CLIP
	// paper).
	Softmax Head = iota
	// Sigmoid gives each label a probability of its own: any number of them fit. Only models that were
	// trained with the sigmoid loss have logits for it (Zhai et al. 2023, "Sigmoid Loss for Language
	// Image Pre-Training").
	Sigmoid
)

// String returns "softmax" or "sigmoid".
func (h Head) String() string {
	switch h {
	case Softmax:
		return "softmax"
	case Sigmoid:
		return "sigmoid"
	}
	return fmt.Sprintf("Head(%d)", int(h))
}

// ParseHead returns the head with the name "softmax" or "sigmoid".
func ParseHead(name string) (Head, error) {
	for _, head := range []Head{Softmax, Sigmoid} {
		if name == head.String() {
			return head, nil
		}
	}
	return 0, failed("ParseHead", fmt.Errorf("there is no head %q, wanted softmax or sigmoid: %w", name, torch.ErrInvalid))
}

// Head returns the head that the model was trained with: [Sigmoid] for SigLIP, [Softmax] for CLIP.
func (m *Model) Head() Head {
	if m.orZero().sigmoid {
		return Sigmoid
	}
	return Softmax
}

// Scoring says which labels are wanted of all. The zero value gives all labels with the probabilities
// of the softmax.
type Scoring struct {
	// Head turns logits into probabilities.
	Head Head
	// Top is the largest number of labels for each image; 0 means all.
	Top int
	// Threshold is the least probability of a label, from 0 to 1.
	Threshold float64
	// Thresholds are the least probabilities of some labels, in place of Threshold.
	Thresholds map[string]float64
}

// check returns why the labels cannot be scored so, or nil.
func (s Scoring) check(c *Classifier) error {
	if s.Head != Softmax && s.Head != Sigmoid {
		return fmt.Errorf("there is no head %d: %w", int(s.Head), torch.ErrInvalid)
	}
	if s.Head == Sigmoid && !c.model.sigmoid {
		return fmt.Errorf("the model %s was not trained with the sigmoid loss and has no logit_bias, without which every label gets a probability near 1; use the softmax, or a SigLIP: %w",
			c.model.config.Architecture, torch.ErrInvalid)
	}
	if s.Top < 0 {
		return fmt.Errorf("the largest number of labels is %d, wanted 0 for all, or more: %w", s.Top, torch.ErrInvalid)
	}
	if err := checkThreshold("the threshold", s.Threshold); err != nil {
		return err
	}
	for label, threshold := range s.Thresholds {
		if !slices.Contains(c.labels, label) {
			return fmt.Errorf("there is a threshold for %q, which is none of the %d labels: %w", label, len(c.labels), torch.ErrInvalid)
		}
		if err := checkThreshold(fmt.Sprintf("the threshold of %q", label), threshold); err != nil {
			return err
		}
	}
	return nil
}

func checkThreshold(what string, threshold float64) error {
	if math.IsNaN(threshold) || threshold < 0 || threshold > 1 {
		return fmt.Errorf("%s is %v, wanted 0 to 1: %w", what, threshold, torch.ErrInvalid)
	}
	return nil
}

// Logits returns the logits of the labels, float32 [N, labels], for image embeddings [N, D]: the cosines
// times [Model.LogitScale], and [Model.LogitBias].
func (c *Classifier) Logits(ctx context.Context, embeddings *torch.Tensor) (*torch.Tensor, error) {
	return c.compute(ctx, "Logits", embeddings, func(logits *torch.Tensor) *torch.Tensor { return logits })
}

// Score returns, for image embeddings [N, D], the labels that are wanted of each image, the most
// probable first, those of equal probability in their order. The error is [torch.ErrInvalid] for embeddings of another
// shape, or if the scoring does not fit the labels or the model.
func (c *Classifier) Score(ctx context.Context, embeddings *torch.Tensor, scoring Scoring) ([][]Prediction, error) {
	return c.score(ctx, "Score", embeddings, scoring)
}

// ScoreImages is [Classifier.Score] for images. The errors are also those of [Model.EncodeImage].
func (c *Classifier) ScoreImages(ctx context.Context, scoring Scoring, pictures ...image.Image) ([][]Prediction, error) {
	return c.scoreImages(ctx, "ScoreImages", scoring, pictures)
}

func (c *Classifier) scoreImages(ctx context.Context, operation string, scoring Scoring, pictures []image.Image) ([][]Prediction, error) {
	if err := c.usable(); err != nil {
		return nil, failed(operation, err)
	}
	if err := scoring.check(c); err != nil {
		return nil, failed(operation, err)
	}
	embeddings, err := c.model.EncodeImage(ctx, pictures...)
	if err != nil {
		return nil, err
	}
	defer embeddings.Close()
	return c.score(ctx, operation, embeddings, scoring)
}

func (c *Classifier) score(ctx context.Context, operation string, embeddings *torch.Tensor, scoring Scoring) ([][]Prediction, error) {
	if err := c.usable(); err != nil {
		return nil, failed(operation, err)
	}
	if err := scoring.check(c); err != nil {
		return nil, failed(operation, err)
	}
	probabilities, err := c.compute(ctx, operation, embeddings, func(logits *torch.Tensor) *torch.Tensor {
		if scoring.Head == Sigmoid {
			return logits.Sigmoid()
		}
		return logits.Softmax(1)
	})
	if err != nil {
		return nil, err
	}
	values, err := toFloats(probabilities)
	if err != nil {
		return nil, failed(operation, err)
	}
	all := make([][]Prediction, 0, len(values)/len(c.labels))
	for row := range slices.Chunk(values, len(c.labels)) {
		all = append(all, c.pick(row, scoring))
	}
	return all, nil
}

// pick returns the labels of one image that the scoring wants.
func (c *Classifier) pick(probabilities []float32, scoring Scoring) []Prediction {
	predictions := []Prediction{}
	for i, label := range c.labels {
		threshold, ok := scoring.Thresholds[label]
		if !ok {
			threshold = scoring.Threshold
		}
		if p := float64(probabilities[i]); p >= threshold {
			predictions = append(predictions, Prediction{label, p})
		}
	}
	slices.SortStableFunc(predictions, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	if scoring.Top > 0 && scoring.Top < len(predictions) {
		predictions = slices.Clip(predictions[:scoring.Top])
	}
	return predictions
}

// compute returns what f makes of the logits of embeddings.
func (c *Classifier) compute(ctx context.Context, operation string, embeddings *torch.Tensor, f func(logits *torch.Tensor) *torch.Tensor) (result *torch.Tensor, err error) {
	if err := c.usable(); err != nil {
		return nil, failed(operation, err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		cosines, err := similarity(embeddings, c.weights)
		if err != nil {
			return err
		}
		logits := cosines.To(torch.Float32).MulScalar(c.model.LogitScale()).AddScalar(c.model.LogitBias())
		result = scope.Keep(f(logits))
		return nil
	})
	return result, failed(operation, err)
}
