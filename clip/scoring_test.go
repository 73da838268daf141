package clip_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleClassifier_ScoreImages() {
	ctx := context.Background()
	model, err := clip.Load("../models/clip.pt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	classifier, err := model.NewClassifier(ctx, []string{"a red square", "a cat", "a green circle"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer classifier.Close()
	red := imageio.NewRGB(64, 64)
	for i := 0; i < len(red.Pix); i += 3 {
		red.Pix[i] = 255
	}
	predictions, err := classifier.ScoreImages(ctx, clip.Scoring{Top: 2, Threshold: 0.5}, red)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, prediction := range predictions[0] {
		fmt.Println(prediction.Label)
	}
	// Output: a red square
}

func ExampleNearest() {
	ctx := context.Background()
	pictures := torch.FromRows([][]float32{{1, 0}, {0.6, 0.8}})
	texts := torch.FromRows([][]float32{{0, 2}, {3, 0}, {-1, 0}})
	matches, err := clip.Nearest(ctx, pictures, texts, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, best := range matches {
		fmt.Printf("%d: %.1f, then %d: %.1f\n", best[0].Index, best[0].Cosine, best[1].Index, best[1].Cosine)
	}
	// Output:
	// 1: 1.0, then 0: 0.0
	// 0: 0.8, then 1: 0.6
}

// colored is a picture of one color.
func colored(c color.Color) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		picture.Set(i%16, i/16, c)
	}
	return picture
}

func TestScoring(t *testing.T) {
	ctx := t.Context()
	model := loaded.CLIP(t, torch.CPU)
	names := []string{"a red square", "a blue square", "a cat", "a green square"}
	classifier, err := model.NewClassifier(ctx, names)
	require.NoError(t, err)
	defer classifier.Close()
	embeddings, err := model.EncodeImage(ctx, colored(color.RGBA{255, 0, 0, 255}), colored(color.RGBA{0, 0, 255, 255}))
	require.NoError(t, err)
	defer embeddings.Close()

	all, err := classifier.Score(ctx, embeddings, clip.Scoring{})
	require.NoError(t, err)
	classified, err := classifier.Classify(ctx, colored(color.RGBA{255, 0, 0, 255}), colored(color.RGBA{0, 0, 255, 255}))
	require.NoError(t, err)
	assert.Equal(t, classified, all)
	logits, err := classifier.Logits(ctx, embeddings)
	require.NoError(t, err)
	defer logits.Close()
	require.Equal(t, torch.Shape{2, 4}, logits.Shape())
	for i, predictions := range all {
		require.Len(t, predictions, len(names))
		sum := 0.0
		for _, prediction := range predictions {
			sum += prediction.Probability
		}
		assert.InDelta(t, 1, sum, 1e-6)
		top, err := classifier.Score(ctx, embeddings, clip.Scoring{Top: 2})
		require.NoError(t, err)
		assert.Equal(t, predictions[:2], top[i])
		// The second most probable label, by a threshold of its own alone.
		second := predictions[1]
		few, err := classifier.Score(ctx, embeddings, clip.Scoring{Threshold: 1, Thresholds: map[string]float64{second.Label: second.Probability}})
		require.NoError(t, err)
		assert.Equal(t, []clip.Prediction{second}, few[i])
		none, err := classifier.Score(ctx, embeddings, clip.Scoring{Threshold: 1})
		require.NoError(t, err)
		assert.Equal(t, []clip.Prediction{}, none[i])
	}
}

func TestScoringThatDoesNotFit(t *testing.T) {
	ctx := t.Context()
	model := loaded.CLIP(t, torch.CPU)
	assert.Equal(t, clip.Softmax, model.Head())
	classifier, err := model.NewClassifier(ctx, []string{"a cat", "a dog"})
	require.NoError(t, err)
	defer classifier.Close()
	embeddings := torch.Ones(torch.Shape{1, model.Config().EmbeddingDimension})
	for want, scoring := range map[string]clip.Scoring{
		"there is no head 7": {Head: 7},
		"the model emoji-RN was not trained with the sigmoid loss and has no logit_bias": {Head: clip.Sigmoid},
		"the largest number of labels is -1, wanted 0 for all, or more":                  {Top: -1},
		"the threshold is 1.5, wanted 0 to 1":                                            {Threshold: 1.5},
		"the threshold is NaN, wanted 0 to 1":                                            {Threshold: math.NaN()},
		`there is a threshold for "a cow", which is none of the 2 labels`:                {Thresholds: map[string]float64{"a cow": 0.1}},
		`the threshold of "a dog" is -0.1, wanted 0 to 1`:                                {Thresholds: map[string]float64{"a dog": -0.1}},
	} {
		_, err := classifier.Score(ctx, embeddings, scoring)
		assert.ErrorContains(t, err, "clip: Score: "+want)
		assert.ErrorIs(t, err, torch.ErrInvalid)
		_, err = classifier.ScoreImages(ctx, scoring, image.NewGray(image.Rect(0, 0, 4, 4)))
		assert.ErrorContains(t, err, "clip: ScoreImages: "+want)
	}
	for _, name := range []string{"softmax", "sigmoid"} {
		head, err := clip.ParseHead(name)
		require.NoError(t, err)
		assert.Equal(t, name, head.String())
	}
	_, err = clip.ParseHead("tanh")
	assert.EqualError(t, err, `clip: ParseHead: there is no head "tanh", wanted softmax or sigmoid: invalid argument`)
	_, err = new(clip.Classifier).Score(ctx, embeddings, clip.Scoring{})
	assert.ErrorContains(t, err, "was not made by NewClassifier")
}

// TestSimilarityInBlocks: blocks are the parts of the whole matrix, also where they are not full.
func TestSimilarityInBlocks(t *testing.T) {
	ctx := t.Context()
	torch.ManualSeed(1)
	a, b := torch.RandN(torch.Shape{1500, 6}), torch.RandN(torch.Shape{2100, 6})
	whole, err := clip.Similarity(ctx, a, b)
	require.NoError(t, err)
	covered := 0
	for block, err := range clip.SimilarityBlocks(ctx, a, b) {
		require.NoError(t, err)
		shape := block.Cosines.Shape()
		part := whole.Narrow(0, int64(block.Row), shape[0]).Narrow(1, int64(block.Column), shape[1])
		assert.Less(t, block.Cosines.Sub(part).Abs().Max().Item(), 1e-6)
		covered += int(shape[0] * shape[1])
		block.Cosines.Close()
	}
	assert.Equal(t, 1500*2100, covered)

	matches, err := clip.Nearest(ctx, a, b, 5)
	require.NoError(t, err)
	require.Len(t, matches, 1500)
	values, indices := whole.TopK(5, 1, true)
	for _, row := range []int{0, 7, 1023, 1024, 1499} {
		for j, match := range matches[row] {
			assert.Equal(t, indices.Select(0, int64(row)).Select(0, int64(j)).ItemInt64(), int64(match.Index))
			assert.InDelta(t, values.Select(0, int64(row)).Select(0, int64(j)).Item(), match.Cosine, 1e-6)
		}
	}
	// Equal ones keep their order, also over blocks, and there may be fewer than wanted.
	same, err := clip.Nearest(ctx, torch.Ones(torch.Shape{1, 2}), torch.Ones(torch.Shape{1030, 2}), 1026)
	require.NoError(t, err)
	for i, match := range same[0] {
		require.Equal(t, i, match.Index)
	}
	few, err := clip.Nearest(ctx, torch.Ones(torch.Shape{2, 2}), torch.Ones(torch.Shape{3, 2}), 10)
	require.NoError(t, err)
	assert.Len(t, few[1], 3)
}

func TestBadSimilarities(t *testing.T) {
	a, b := torch.Ones(torch.Shape{2, 3}), torch.Ones(torch.Shape{2, 4})
	for _, pair := range [][2]*torch.Tensor{{a, b}, {nil, a}, {torch.Ones(torch.Shape{3}), a}} {
		count := 0
		for _, err := range clip.SimilarityBlocks(t.Context(), pair[0], pair[1]) {
			assert.ErrorContains(t, err, "clip: SimilarityBlocks: ")
			assert.ErrorIs(t, err, torch.ErrInvalid)
			count++
		}
		assert.Equal(t, 1, count)
		_, err := clip.Nearest(t.Context(), pair[0], pair[1], 1)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	_, err := clip.Nearest(t.Context(), a, a, 0)
	assert.EqualError(t, err, "clip: Nearest: the count is 0, wanted at least 1: invalid argument")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range clip.SimilarityBlocks(canceled, a, a) {
		assert.ErrorIs(t, err, context.Canceled)
	}
	for block := range clip.SimilarityBlocks(t.Context(), a, a) {
		block.Cosines.Close()
		break
	}
}
