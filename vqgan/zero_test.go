package vqgan_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// TestZeroModels: what was not loaded is an error wherever it is used, and no crash.
func TestZeroModels(t *testing.T) {
	tensor := torch.Zeros(torch.Shape{1, 3, 8, 8})
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	ctx := t.Context()
	for _, model := range []*vqgan.Model{new(vqgan.Model), nil} {
		for name, err := range map[string]error{
			"Encode":      second(model.Encode(ctx, tensor)),
			"Quantize":    second(model.Quantize(ctx, tensor)),
			"Embed":       second(model.Embed(ctx, tensor)),
			"Decode":      second(model.Decode(ctx, tensor)),
			"EncodeImage": second(model.EncodeImage(ctx, picture, 8, 8)),
			"DecodeImage": second(model.DecodeImage(ctx, tensor)),
			"Reconstruct": second(model.Reconstruct(ctx, picture)),
		} {
			assert.ErrorIs(t, err, torch.ErrInvalid, name)
			assert.ErrorContains(t, err, "vqgan: "+name+": the model was not loaded; vqgan.Load returns one")
		}
		width, height := model.FitSize(30, 40)
		assert.Equal(t, []int{30, 40}, []int{width, height})
		assert.Nil(t, model.Codebook())
		assert.Equal(t, vqgan.Config{}, model.Config())
		model.Close()
	}
	assert.ErrorContains(t, second(vqgan.Read(nil)), "the reader is nil")
}

func second[T any](_ T, err error) error { return err }

// TestNilArguments: a nil context never ends, a nil tensor or picture is an error, and so is a picture
// without an end.
func TestNilArguments(t *testing.T) {
	var none context.Context
	model := loaded.VQGAN(t, torch.CPU)
	made, err := model.Reconstruct(none, image.NewGray(image.Rect(0, 0, 16, 16)))
	require.NoError(t, err)
	assert.Equal(t, image.Rect(0, 0, 16, 16), made.Bounds())
	for _, err := range []error{
		second(model.Encode(none, nil)), second(model.Quantize(none, nil)), second(model.Embed(none, nil)), second(model.Decode(none, nil)),
		second(model.DecodeImage(none, nil)), second(model.Reconstruct(none, nil)), second(model.Reconstruct(none, (*image.RGBA)(nil))),
		second(model.EncodeImage(none, nil, 16, 16)),
	} {
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	uniform := image.NewUniform(image.Black)
	for _, err := range []error{second(model.Reconstruct(none, uniform)), second(model.EncodeImage(none, uniform, 16, 16))} {
		assert.ErrorIs(t, err, imageio.ErrTooManyPixels)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
}
