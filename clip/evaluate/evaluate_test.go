package evaluate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip/evaluate"
	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleClassification() {
	probabilities := torch.FromRows([][]float32{{0.9, 0.1}, {0.6, 0.4}, {0.2, 0.8}})
	measured, err := evaluate.Classification(probabilities, []int{0, 1, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("top-1 %.3f, confusion %v, calibration error %.3f\n", measured.Top1, measured.Confusion, measured.Calibration.Error)
	// Output: top-1 0.667, confusion [[1 0] [1 1]], calibration error 0.300
}

func ExampleRetrieval() {
	images := torch.FromRows([][]float32{{1, 0}, {0, 1}})
	texts := torch.FromRows([][]float32{{0.9, 0.1}, {0.2, 0.9}, {0.8, 0.3}}) // the third is of the second image
	found, err := evaluate.Retrieval(context.Background(), images, texts, []int{0, 1, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("image to text %.2f, text to image %.2f\n", found.ImageToText.At1, found.TextToImage.At1)
	// Output: image to text 1.00, text to image 0.67
}

// TestAgainstOpenCLIPAndTorchmetrics: the same numbers; scripts/reference/reference_clip_evaluation.py.
func TestAgainstOpenCLIPAndTorchmetrics(t *testing.T) {
	data, err := os.ReadFile("testdata/reference.json")
	require.NoError(t, err)
	var want struct {
		Probabilities, Images, Texts [][]float32
		Classes                      []int
		Top1, Top5                   float64
		Confusion                    [][]int
		CalibrationError             float64 `json:"calibration_error"`
		MeanPerClass                 float64 `json:"mean_per_class"`
		Recall                       map[string]float64
	}
	require.NoError(t, json.Unmarshal(data, &want))
	got, err := evaluate.Classification(torch.FromRows(want.Probabilities), want.Classes)
	require.NoError(t, err)
	assert.Equal(t, len(want.Classes), got.Count)
	assert.InDelta(t, want.Top1, got.Top1, 1e-6)
	assert.InDelta(t, want.Top5, got.Top5, 1e-6)
	assert.InDelta(t, want.MeanPerClass, got.MeanPerClass, 1e-6)
	assert.Equal(t, want.Confusion, got.Confusion)
	assert.InDelta(t, want.CalibrationError, got.Calibration.Error, 1e-6)
	assert.Len(t, got.Calibration.Bins, 15)

	recalls, err := evaluate.Retrieval(t.Context(), torch.FromRows(want.Images), torch.FromRows(want.Texts), nil)
	require.NoError(t, err)
	for direction, recall := range map[string]evaluate.Recall{"image_to_text": recalls.ImageToText, "text_to_image": recalls.TextToImage} {
		for measure, value := range map[string]float64{"R@1": recall.At1, "R@5": recall.At5, "R@10": recall.At10, "mean_rank": recall.MeanRank, "median_rank": recall.MedianRank} {
			assert.InDelta(t, want.Recall[direction+"_"+measure], value, 1e-9, direction+" "+measure)
		}
	}
}

func TestPictures(t *testing.T) {
	measured, err := evaluate.Classification(torch.FromRows([][]float32{{1, 0}, {0, 1}}), []int{0, 1})
	require.NoError(t, err)
	drawn, err := measured.ConfusionPicture([]string{"a cat", "a dog"})
	require.NoError(t, err)
	assert.Positive(t, drawn.Bounds().Dx())
	_, err = measured.ConfusionPicture([]string{"a cat"})
	assert.ErrorContains(t, err, "1 names for 2 classes")
	drawn, err = measured.Calibration.Picture()
	require.NoError(t, err)
	assert.Positive(t, drawn.Bounds().Dx())
}

// TestTies: a model that gives all the same gets nothing for it.
func TestTies(t *testing.T) {
	measured, err := evaluate.Classification(torch.Full(torch.Shape{4, 8}, 0.125), []int{0, 3, 5, 7})
	require.NoError(t, err)
	assert.Equal(t, 0.25, measured.Top1)
	assert.Equal(t, 0.5, measured.Top5)
	same := torch.Ones(torch.Shape{20, 3})
	recalls, err := evaluate.Retrieval(t.Context(), same, same, nil)
	require.NoError(t, err)
	assert.Zero(t, recalls.TextToImage.At10)
	assert.Equal(t, 20.0, recalls.ImageToText.MedianRank)
}

func TestWhatCannotBeMeasured(t *testing.T) {
	rows := torch.Full(torch.Shape{2, 3}, 0.3)
	nan := torch.Full(torch.Shape{2, 3}, math.NaN())
	for want, call := range map[string]func() error{
		"probabilities of shape [2 3] for 1 pictures":   func() error { _, err := evaluate.Classification(rows, []int{0}); return err },
		"and the class 3, wanted 3 probabilities":       func() error { _, err := evaluate.Classification(rows, []int{0, 3}); return err },
		"the probability of class 0 is NaN":             func() error { _, err := evaluate.Classification(nan, []int{0, 1}); return err },
		"there are 2 images and 3 texts":                func() error { return recall(rows, torch.Ones(torch.Shape{3, 3}), nil) },
		"embeddings of images [2 3] and of texts [2 4]": func() error { return recall(rows, torch.Ones(torch.Shape{2, 4}), nil) },
		"image 1 has no text":                           func() error { return recall(rows, rows, []int{0, 0}) },
		"text 1 belongs to image 2 of 2":                func() error { return recall(rows, rows, []int{0, 2}) },
		"there are 2 texts and the images of 1":         func() error { return recall(rows, rows, []int{0}) },
		"the meter is not of NewClassMeter":             func() error { return new(evaluate.ClassMeter).Add(nil, 0) },
	} {
		err := call()
		assert.ErrorContains(t, err, want)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	assert.Error(t, recall(nil, rows, nil))
	assert.Zero(t, evaluate.NewClassMeter(-1).Classes().Top1)
	assert.Zero(t, (*evaluate.ClassMeter)(nil).Classes().Count)
}

func recall(images, texts *torch.Tensor, imageOf []int) error {
	_, err := evaluate.Retrieval(context.Background(), images, texts, imageOf)
	return err
}
