package evaluate

import (
	"fmt"
	"image"
	"math"

	"github.com/clipvqgan/clipvqgan/internal/chart"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A Classes is the measures of a classification.
type Classes struct {
	// Count is the number of pictures.
	Count int
	// Top1 and Top5 are the shares whose class is the most probable, or among the five most probable.
	Top1, Top5 float64
	// MeanPerClass is the mean, over the classes with pictures, of the share of each class that is right.
	MeanPerClass float64
	// Confusion [true class][predicted class] counts pictures.
	Confusion [][]int
	// Calibration says how far the probabilities can be trusted.
	Calibration Calibration
}

// A Calibration compares the probability of the predicted class, the confidence, with the share that is right
// (Guo et al. 2017, "On Calibration of Modern Neural Networks").
type Calibration struct {
	// Error is the expected calibration error: the mean, over the pictures, of the difference of the accuracy and
	// the mean confidence of their bin (equation 3).
	Error float64
	// Bins are 15 intervals of confidence of the same width.
	Bins []Bin
}

// A Bin is the pictures with a confidence above From, up to To.
type Bin struct {
	From, To float64
	Count    int
	// Accuracy is the share that is right, and Confidence the mean confidence; 0 in a bin without pictures.
	Accuracy, Confidence float64
}

// binCount is that of the paper, and of torchmetrics.
const binCount = 15

// Classification measures the probabilities [N, C] of classes for pictures of known classes, classOf. A
// class that is as probable as the true one counts as more probable if it is before it. The
// error is [torch.ErrInvalid] for other shapes, classes that are not there, or numbers that are no probabilities.
func Classification(probabilities *torch.Tensor, classOf []int) (*Classes, error) {
	var rows [][]float32
	err := torch.Try(func() error {
		if probabilities.Dim() != 2 || probabilities.Size(0) != int64(len(classOf)) || len(classOf) == 0 || probabilities.Size(1) == 0 {
			return fmt.Errorf("probabilities of shape %v for %d pictures, wanted [N, C]: %w", probabilities.Shape(), len(classOf), torch.ErrInvalid)
		}
		torch.Scope(func(*torch.TensorScope) {
			rows = torch.ToRows[float32](probabilities.Detach().To(torch.CPU, torch.Float32))
		})
		return nil
	})
	if err != nil {
		return nil, failed("Classification", err)
	}
	m := NewClassMeter(len(rows[0]))
	for i, row := range rows {
		if err := m.Add(row, classOf[i]); err != nil {
			return nil, failed("Classification", fmt.Errorf("picture %d: %w", i, err))
		}
	}
	return m.Classes(), nil
}

// A ClassMeter is [Classification] of pictures that come one by one.
type ClassMeter struct {
	confusion  [][]int
	count      int
	top1, top5 int
	bins       []Bin // with sums in place of means
}

// NewClassMeter returns a meter for a number of classes; one below 1 counts as 1.
func NewClassMeter(classes int) *ClassMeter {
	m := &ClassMeter{confusion: make([][]int, max(1, classes)), bins: make([]Bin, binCount)}
	for i := range m.confusion {
		m.confusion[i] = make([]int, len(m.confusion))
	}
	for i := range m.bins {
		m.bins[i].From, m.bins[i].To = float64(i)/binCount, float64(i+1)/binCount
	}
	return m
}

// Add counts a picture of a class, by the probabilities of all classes. The error is [torch.ErrInvalid] if they do
// not fit, and the picture is not counted then.
func (m *ClassMeter) Add(probabilities []float32, class int) error {
	if m == nil || m.confusion == nil {
		return failed("Add", fmt.Errorf("the meter is not of NewClassMeter: %w", torch.ErrInvalid))
	}
	if len(probabilities) != len(m.confusion) || class < 0 || class >= len(m.confusion) {
		return failed("Add", fmt.Errorf("%d probabilities and the class %d, wanted %d probabilities and one of their places: %w", len(probabilities), class, len(m.confusion), torch.ErrInvalid))
	}
	predicted, before := 0, 0
	for i, p := range probabilities {
		if !(p >= 0 && p <= 1+1e-4) {
			return failed("Add", fmt.Errorf("the probability of class %d is %v, wanted 0 to 1: %w", i, p, torch.ErrInvalid))
		}
		if p > probabilities[predicted] {
			predicted = i
		}
		if p > probabilities[class] || p == probabilities[class] && i < class {
			before++
		}
	}
	m.count++
	m.confusion[class][predicted]++
	if before < 1 {
		m.top1++
	}
	if before < 5 {
		m.top5++
	}
	confidence := float64(probabilities[predicted])
	bin := &m.bins[max(0, min(binCount-1, int(math.Ceil(confidence*binCount))-1))]
	bin.Count++
	bin.Confidence += confidence
	if predicted == class {
		bin.Accuracy++
	}
	return nil
}

// Classes returns the measures of the pictures so far; all are 0 without any.
func (m *ClassMeter) Classes() *Classes {
	c := &Classes{}
	if m == nil {
		return c
	}
	c.Count = m.count
	c.Confusion = make([][]int, len(m.confusion))
	seen, right := 0, 0.0
	for i, row := range m.confusion {
		c.Confusion[i] = append([]int(nil), row...)
		sum := 0
		for _, count := range row {
			sum += count
		}
		if sum > 0 {
			seen++
			right += float64(row[i]) / float64(sum)
		}
	}
	c.Calibration.Bins = append([]Bin(nil), m.bins...)
	if m.count == 0 {
		return c
	}
	c.Top1, c.Top5 = float64(m.top1)/float64(m.count), float64(m.top5)/float64(m.count)
	c.MeanPerClass = right / float64(seen)
	for i := range c.Calibration.Bins {
		bin := &c.Calibration.Bins[i]
		if bin.Count == 0 {
			continue
		}
		bin.Accuracy /= float64(bin.Count)
		bin.Confidence /= float64(bin.Count)
		c.Calibration.Error += math.Abs(bin.Accuracy-bin.Confidence) * float64(bin.Count) / float64(m.count)
	}
	return c
}

// ConfusionPicture draws the confusion as a matrix, a row for each true class, from white to blue; with up to 60
// classes their names are beside it. The error is [torch.ErrInvalid] if there is not a name for each.
func (c *Classes) ConfusionPicture(names []string) (image.Image, error) {
	if len(names) != len(c.Confusion) || len(names) == 0 {
		return nil, failed("ConfusionPicture", fmt.Errorf("%d names for %d classes: %w", len(names), len(c.Confusion), torch.ErrInvalid))
	}
	return chart.Matrix(names, c.Confusion), nil
}

// Picture draws the accuracy in each bin over the confidence: the reliability curve, which is the diagonal for
// probabilities that can be trusted.
func (c Calibration) Picture() (image.Image, error) {
	var bins []chart.Bin
	for _, bin := range c.Bins {
		bins = append(bins, chart.Bin{From: bin.From, To: bin.To, Accuracy: bin.Accuracy, Confidence: bin.Confidence, Count: bin.Count})
	}
	drawn, err := chart.Reliability(fmt.Sprintf("expected calibration error %.3f", c.Error), bins)
	return drawn, failed("Picture", err)
}
