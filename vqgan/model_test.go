package vqgan_test

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/reference"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// The bound against taming-transformers in float32: the same weights, convolutions and group
// normalization, so that only the order of sums inside the kernels differs.
const largestDifference = 1e-4

func onEachDevice(t *testing.T, test func(t *testing.T, model *vqgan.Model)) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		test(t, loaded.VQGAN(t, device))
	})
}

func openReference(t *testing.T) *reference.File {
	return reference.Open(t, filepath.Join("testdata", "reference.json"))
}

func assertAgrees(t *testing.T, want, got *torch.Tensor) {
	t.Helper()
	require.Equal(t, want.Shape(), got.Shape())
	assert.LessOrEqual(t, reference.LargestDifference(got.Float32s(), want.Float32s()), largestDifference)
	assert.GreaterOrEqual(t, reference.Cosine(got.Float32s(), want.Float32s()), 0.99999)
}

func TestModelAgreesWithTaming(t *testing.T) {
	file := openReference(t)
	onEachDevice(t, func(t *testing.T, model *vqgan.Model) {
		latent, err := model.Encode(t.Context(), file.Tensor("pixels"))
		require.NoError(t, err)
		assertAgrees(t, file.Tensor("latent"), latent)

		// From the reference's own latent, so that a tie between codebook rows cannot tip over.
		quantized, err := model.Quantize(t.Context(), file.Tensor("latent"))
		require.NoError(t, err)
		assert.Equal(t, torch.ToSlice[int64](file.Tensor("tokens")), torch.ToSlice[int64](quantized.Tokens))
		assertAgrees(t, file.Tensor("quantized"), quantized.Latent)
		assert.InEpsilon(t, file.Tensor("loss").Item(), quantized.Loss.Item(), 1e-4)

		embedded, err := model.Embed(t.Context(), quantized.Tokens)
		require.NoError(t, err)
		assertAgrees(t, file.Tensor("quantized"), embedded)

		decoded, err := model.Decode(t.Context(), quantized.Latent)
		require.NoError(t, err)
		assertAgrees(t, file.Tensor("decoded"), decoded)
	})
}

func TestGradientPassesStraightThrough(t *testing.T) {
	onEachDevice(t, func(t *testing.T, model *vqgan.Model) {
		latent := openReference(t).Tensor("latent").To(model.Device()).Detach().SetRequiresGrad(true)
		quantized, err := model.Quantize(t.Context(), latent)
		require.NoError(t, err)
		weights := torch.RandN(latent.Shape(), model.Device())
		quantized.Latent.Mul(weights).Sum().Backward()
		assert.True(t, weights.Equal(latent.Grad()))
	})
}

func TestCodebook(t *testing.T) {
	onEachDevice(t, func(t *testing.T, model *vqgan.Model) {
		config := model.Config()
		assert.Equal(t, []int64{config.CodebookSize, config.EmbeddingDimension}, model.Codebook().Shape())
		token := config.CodebookSize - 1
		latent, err := model.Embed(t.Context(), torch.FromSlice([]int64{token}, torch.Shape{1, 1, 1}))
		require.NoError(t, err)
		assert.Equal(t, model.Codebook().Select(0, token).Float32s(), latent.Float32s())
	})
}

func TestReconstruct(t *testing.T) {
	model := loaded.VQGAN(t, torch.CPU)
	for _, size := range []image.Point{{64, 64}, {1, 1}, {67, 130}, {2000, 10}} {
		picture := image.NewGray(image.Rectangle{Max: size})
		for i := range picture.Pix {
			picture.Pix[i] = 255
		}
		reconstructed, err := model.Reconstruct(t.Context(), picture)
		require.NoError(t, err, size)
		factor := int(model.Config().DownsamplingFactor)
		assert.Equal(t, max(factor, size.X/factor*factor), reconstructed.Bounds().Dx())
		assert.Equal(t, max(factor, size.Y/factor*factor), reconstructed.Bounds().Dy())
		if size.X >= 64 {
			r, g, b, _ := reconstructed.At(size.X/2, size.Y/2).RGBA()
			assert.Greater(t, min(r, g, b), uint32(0xe000), "white stays white")
		}
	}
}

func TestBadInput(t *testing.T) {
	model := loaded.VQGAN(t, torch.CPU)
	config := model.Config()
	for name, call := range map[string]func() error{
		"nil pictures":       func() error { _, err := model.Encode(t.Context(), nil); return err },
		"pictures' shape":    func() error { _, err := model.Encode(t.Context(), torch.Zeros(torch.Shape{3, 8, 8})); return err },
		"pictures' multiple": func() error { _, err := model.Encode(t.Context(), torch.Zeros(torch.Shape{1, 3, 9, 8})); return err },
		"latent's width": func() error {
			_, err := model.Decode(t.Context(), torch.Zeros(torch.Shape{1, config.EmbeddingDimension + 1, 4, 4}))
			return err
		},
		"nil latent":    func() error { _, err := model.Quantize(t.Context(), nil); return err },
		"tokens' dtype": func() error { _, err := model.Embed(t.Context(), torch.Zeros(torch.Shape{1, 2, 2})); return err },
		"token too large": func() error {
			_, err := model.Embed(t.Context(), torch.Full(torch.Shape{1, 2, 2}, float64(config.CodebookSize), torch.Int64))
			return err
		},
		"token below 0": func() error {
			_, err := model.Embed(t.Context(), torch.Full(torch.Shape{1, 2, 2}, -1, torch.Int64))
			return err
		},
		"nil picture": func() error { _, err := model.Reconstruct(t.Context(), nil); return err },
		"picture's size": func() error {
			_, err := model.EncodeImage(t.Context(), image.NewGray(image.Rect(0, 0, 8, 8)), 9, 8)
			return err
		},
		"several latents": func() error {
			_, err := model.DecodeImage(t.Context(), torch.Zeros(torch.Shape{2, config.EmbeddingDimension, 4, 4}))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			require.Error(t, err)
			assert.ErrorIs(t, err, torch.ErrInvalid)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestLoadFailures(t *testing.T) {
	_, err := vqgan.Load(filepath.Join(t.TempDir(), "missing.pt"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = vqgan.Load(filepath.Join("..", "models", "clip.pt"))
	assert.ErrorIs(t, err, torch.ErrModel)
	assert.ErrorContains(t, err, `it is a "clip" model`)
}

func TestUseAfterClose(t *testing.T) {
	model, err := models.VQGAN()
	require.NoError(t, err)
	dimension := model.Config().EmbeddingDimension
	model.Close()
	model.Close()
	_, err = model.Decode(t.Context(), torch.Zeros(torch.Shape{1, dimension, 4, 4}))
	assert.ErrorIs(t, err, torch.ErrClosed)
}

func TestFitSize(t *testing.T) {
	model := loaded.VQGAN(t, torch.CPU)
	width, height := model.FitSize(100, 70)
	assert.Equal(t, [2]int{100, 70}, [2]int{width, height})
	width, height = model.FitSize(8000, 6000)
	factor := int(model.Config().DownsamplingFactor)
	assert.LessOrEqual(t, width/factor*(height/factor), 65536)
	assert.InDelta(t, 8000.0/6000, float64(width)/float64(height), 0.01)
	assert.Greater(t, width, 100)
}
