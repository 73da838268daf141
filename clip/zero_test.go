package clip_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

// TestZeroModels: what was not loaded is an error wherever it is used, and no crash.
func TestZeroModels(t *testing.T) {
	pixels := torch.Zeros(torch.Shape{1, 3, 8, 8})
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	ctx := t.Context()
	for _, model := range []*clip.Model{new(clip.Model), nil} {
		for name, err := range map[string]error{
			"EncodeText":    second(model.EncodeText(ctx, "a cat")),
			"EncodePixels":  second(model.EncodePixels(ctx, pixels)),
			"EncodeImage":   second(model.EncodeImage(ctx, picture)),
			"EncodeFile":    second(model.EncodeFile(ctx, "a.png")),
			"NewClassifier": second(model.NewClassifier(ctx, []string{"a cat"})),
		} {
			assert.ErrorIs(t, err, torch.ErrInvalid, name)
			assert.ErrorContains(t, err, "the model was not loaded; clip.Load returns one", name)
		}
		count := 0
		for _, err := range model.EncodeImages(ctx, nil) {
			assert.ErrorContains(t, err, "was not loaded")
			count++
		}
		assert.Equal(t, 1, count)
		assert.Equal(t, []any{clip.Config{}, int64(0), 0.0, torch.CPU, nil}, []any{
			model.Config(), model.ImageSize(), model.LogitScale(), model.Device(), model.Tokenizer()})
		assert.Zero(t, model.Preprocessor())
		model.Close()
	}
	for _, classifier := range []*clip.Classifier{new(clip.Classifier), nil} {
		for _, err := range []error{second(classifier.Classify(ctx, picture)), second(classifier.Probabilities(ctx, pixels))} {
			assert.ErrorContains(t, err, "the classifier was not made by NewClassifier")
		}
		assert.Empty(t, classifier.Labels())
		classifier.Close()
	}
	for _, err := range []error{second(clip.Read(nil)), second(clip.NewPreprocessor(8).Decode(nil))} {
		assert.ErrorContains(t, err, "the reader is nil")
	}
	assert.ErrorIs(t, second(clip.Similarity(ctx, nil, pixels)), torch.ErrInvalid)
	model, err := models.CLIP(torch.Option(nil), torch.Float64)
	require.NoError(t, err)
	defer model.Close()
	assert.Equal(t, torch.Float64, model.DType(), "nil is no option")
}

func second[T any](_ T, err error) error { return err }

// TestANilContextNeverEnds.
func TestANilContextNeverEnds(t *testing.T) {
	var none context.Context
	m := loaded.CLIP(t, torch.CPU)
	embeddings, err := m.EncodeImage(none, image.NewGray(image.Rect(0, 0, 9, 9)))
	require.NoError(t, err)
	_, err = clip.Similarity(none, embeddings, embeddings)
	require.NoError(t, err)
	classifier, err := m.NewClassifier(none, []string{"a", "b"})
	require.NoError(t, err)
	defer classifier.Close()
	_, err = classifier.Probabilities(none, embeddings)
	require.NoError(t, err)
	for range m.EncodeFiles(none, nil) {
		t.Fatal("there is no file")
	}
	require.Error(t, second(m.EncodePixels(none, nil)))
}

// TestPicturesWithoutEnd: image.Uniform has 4e18 pixels.
func TestPicturesWithoutEnd(t *testing.T) {
	uniform := image.NewUniform(image.White)
	m := loaded.CLIP(t, torch.CPU)
	_, err := m.EncodeImage(t.Context(), uniform)
	assert.ErrorIs(t, err, imageio.ErrTooManyPixels)
	exact := clip.NewPreprocessor(8)
	exact.ReferenceExact = true
	for _, preprocessor := range []*clip.Preprocessor{clip.NewPreprocessor(8), exact} {
		_, err := preprocessor.Image(uniform)
		assert.ErrorIs(t, err, imageio.ErrTooManyPixels)
		_, err = preprocessor.Image((*image.RGBA)(nil))
		assert.ErrorIs(t, err, imageio.ErrSize)
	}
}
