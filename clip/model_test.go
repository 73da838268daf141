package clip_test

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/reference"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/internal/testkit/loaded"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Bounds against the defining package in float32. Both sides run the same weights through kernels
// that differ in the order of their sums only (fused attention, convolutions with other blocking),
// which moves the last digits.
const (
	leastCosine       = 0.99999
	largestDifference = 1e-4
)

func onEachDevice(t *testing.T, test func(t *testing.T, model *clip.Model)) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		test(t, loaded.CLIP(t, device))
	})
}

func openReference(t *testing.T) *reference.File {
	return reference.Open(t, filepath.Join("testdata", "reference.json"))
}

func referencePictures(t *testing.T) []image.Image {
	var names []string
	openReference(t).Decode("pictures", &names)
	var pictures []image.Image
	for _, name := range names {
		picture, err := imageio.Load(filepath.Join("testdata", "pictures", name), imageio.Options{})
		require.NoError(t, err)
		pictures = append(pictures, picture)
	}
	return pictures
}

// assertRowsAgree compares embeddings row by row.
func assertRowsAgree(t *testing.T, want, got *torch.Tensor) {
	t.Helper()
	require.Equal(t, want.Shape(), got.Shape())
	width := int(want.Size(1))
	wanted, given := want.Float32s(), got.Float32s()
	for start := 0; start < len(wanted); start += width {
		row, reference1 := given[start:start+width], wanted[start:start+width]
		assert.GreaterOrEqual(t, reference.Cosine(row, reference1), leastCosine)
		assert.LessOrEqual(t, reference.LargestDifference(row, reference1), largestDifference)
	}
}

func TestTokensAgreeWithOpenAI(t *testing.T) {
	file := openReference(t)
	var prompts []string
	file.Decode("prompts", &prompts)
	model := loaded.CLIP(t, torch.CPU)
	rows, err := model.Tokenizer().Tokenize(prompts...)
	require.NoError(t, err)
	var tokens []int64
	for _, row := range rows {
		tokens = append(tokens, row...)
	}
	assert.Equal(t, torch.ToSlice[int64](file.Tensor("tokens")), tokens)
}

func TestPixelsAgreeWithOpenAI(t *testing.T) {
	want := torch.ToSlice[float32](openReference(t).Tensor("pixels"))
	model := loaded.CLIP(t, torch.CPU)
	preprocessor := model.Preprocessor()
	var got []float32
	for _, picture := range referencePictures(t) {
		values, err := preprocessor.Image(picture)
		require.NoError(t, err)
		got = append(got, values...)
	}
	assert.Equal(t, want, got, "bit for bit")
}

func TestEmbeddingsAgreeWithOpenAI(t *testing.T) {
	file := openReference(t)
	var prompts []string
	file.Decode("prompts", &prompts)
	onEachDevice(t, func(t *testing.T, model *clip.Model) {
		images, err := model.EncodeImage(t.Context(), referencePictures(t)...)
		require.NoError(t, err)
		assertRowsAgree(t, file.Tensor("image_embeddings"), images)

		texts, err := model.EncodeText(t.Context(), prompts...)
		require.NoError(t, err)
		assertRowsAgree(t, file.Tensor("text_embeddings"), texts)

		cosines, err := clip.Similarity(t.Context(), images, texts)
		require.NoError(t, err)
		logits := cosines.MulScalar(model.LogitScale())
		want := file.Tensor("logits_per_image")
		assert.LessOrEqual(t, reference.LargestDifference(logits.Float32s(), want.Float32s()), largestDifference)
	})
}

func TestClassifierAgreesWithOpenAI(t *testing.T) {
	file := openReference(t)
	var prompts []string
	file.Decode("prompts", &prompts)
	want := file.Tensor("probabilities").Float32s()
	onEachDevice(t, func(t *testing.T, model *clip.Model) {
		classifier, err := model.NewClassifier(t.Context(), prompts)
		require.NoError(t, err)
		assert.Equal(t, prompts, classifier.Labels())
		all, err := classifier.Classify(t.Context(), referencePictures(t)...)
		require.NoError(t, err)
		for i, predictions := range all {
			require.Len(t, predictions, len(prompts))
			probability := map[string]float64{}
			for j, prediction := range predictions {
				probability[prediction.Label] = prediction.Probability
				if j > 0 {
					assert.GreaterOrEqual(t, predictions[j-1].Probability, prediction.Probability)
				}
			}
			for j, prompt := range prompts {
				assert.InDelta(t, want[i*len(prompts)+j], probability[prompt], 1e-4)
			}
		}
	})
}

func TestTemplatesAreAveragedAsUnitVectors(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	templates := []string{"a photo of a {}.", "{} icon"}
	classifier, err := model.NewClassifier(t.Context(), []string{"cat", "red heart"}, templates...)
	require.NoError(t, err)
	picture, err := model.EncodeImage(t.Context(), referencePictures(t)[0])
	require.NoError(t, err)
	got, err := classifier.Probabilities(t.Context(), picture)
	require.NoError(t, err)

	// Written out: normalize each, average, normalize again.
	var logits []float32
	for _, label := range []string{"cat", "red heart"} {
		first, err := model.EncodeText(t.Context(), strings.ReplaceAll(templates[0], "{}", label))
		require.NoError(t, err)
		second, err := model.EncodeText(t.Context(), strings.ReplaceAll(templates[1], "{}", label))
		require.NoError(t, err)
		mean := first.Normalize(1).Add(second.Normalize(1)).DivScalar(2)
		cosine, err := clip.Similarity(t.Context(), picture, mean)
		require.NoError(t, err)
		logits = append(logits, float32(cosine.Item()*model.LogitScale()))
	}
	want := torch.FromSlice(logits, nil).Softmax(0).Float32s()
	assert.InDeltaSlice(t, want, got.Float32s(), 1e-5)
}

func TestPixelsHaveAGradient(t *testing.T) {
	onEachDevice(t, func(t *testing.T, model *clip.Model) {
		size := model.ImageSize()
		pixels := torch.Full(torch.Shape{2, 3, size, size}, 0.5, model.Device()).SetRequiresGrad(true)
		embeddings, err := model.EncodePixels(t.Context(), pixels)
		require.NoError(t, err)
		embeddings.Square().Sum().Backward()
		require.NotNil(t, pixels.Grad())
		assert.Positive(t, pixels.Grad().Abs().Sum().Item())
	})
}

func TestBatchesAgreeWithSinglePictures(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	pictures := referencePictures(t)
	together, err := model.EncodeImage(t.Context(), pictures...)
	require.NoError(t, err)
	for i, picture := range pictures {
		alone, err := model.EncodeImage(t.Context(), picture)
		require.NoError(t, err)
		assertRowsAgree(t, alone, together.Narrow(0, int64(i), 1))
	}
}

func TestFilesAgreeWithPictures(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	fromPictures, err := model.EncodeImage(t.Context(), referencePictures(t)...)
	require.NoError(t, err)
	var names []string
	openReference(t).Decode("pictures", &names)
	for i := range names {
		names[i] = filepath.Join("testdata", "pictures", names[i])
	}
	fromFiles, err := model.EncodeFile(t.Context(), names...)
	require.NoError(t, err)
	assert.Equal(t, fromPictures.Float32s(), fromFiles.Float32s())

	_, err = model.EncodeFile(t.Context(), names[0], "missing.png")
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "missing.png")
}

// TestHalfPrecision: the bounds are those that PyTorch itself keeps between these dtypes.
func TestHalfPrecision(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		dtypes := []torch.DType{torch.BFloat16}
		if device.IsCUDA() {
			dtypes = append(dtypes, torch.Float16)
		}
		for _, dtype := range dtypes {
			model, err := models.CLIP(device, dtype)
			require.NoError(t, err)
			assert.Equal(t, dtype, model.DType())
			embeddings, err := model.EncodeImage(t.Context(), referencePictures(t)...)
			require.NoError(t, err)
			want := openReference(t).Tensor("image_embeddings").Float32s()
			cosine := reference.Cosine(embeddings.Float32s(), want)
			t.Logf("%v: cosine %.6f", dtype, cosine)
			assert.Greater(t, cosine, 0.999, dtype)
		}
	})
}

func TestModelIsConcurrent(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	picture := referencePictures(t)[0]
	want, err := model.EncodeImage(t.Context(), picture)
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			got, err := model.EncodeImage(t.Context(), picture)
			if assert.NoError(t, err) {
				assert.Equal(t, want.Float32s(), got.Float32s())
			}
		})
	}
	group.Wait()
}

func TestBadInput(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	for name, call := range map[string]func() error{
		"no text":       func() error { _, err := model.EncodeText(t.Context()); return err },
		"empty text":    func() error { _, err := model.EncodeText(t.Context(), " "); return err },
		"long text":     func() error { _, err := model.EncodeText(t.Context(), strings.Repeat("word ", 200)); return err },
		"invalid UTF-8": func() error { _, err := model.EncodeText(t.Context(), "a\xff"); return err },
		"no picture":    func() error { _, err := model.EncodeImage(t.Context()); return err },
		"nil picture":   func() error { _, err := model.EncodeImage(t.Context(), nil); return err },
		"empty picture": func() error {
			_, err := model.EncodeImage(t.Context(), image.NewRGBA(image.Rect(0, 0, 0, 0)))
			return err
		},
		"no labels":    func() error { _, err := model.NewClassifier(t.Context(), nil); return err },
		"empty label":  func() error { _, err := model.NewClassifier(t.Context(), []string{"cat", ""}); return err },
		"bad template": func() error { _, err := model.NewClassifier(t.Context(), []string{"cat"}, "a photo"); return err },
		"pixels' shape": func() error {
			_, err := model.EncodePixels(t.Context(), torch.Zeros(torch.Shape{1, 3, 5, 5}))
			return err
		},
		"nil pixels": func() error { _, err := model.EncodePixels(t.Context(), nil); return err },
		"embeddings' shapes": func() error {
			_, err := clip.Similarity(t.Context(), torch.Zeros(torch.Shape{1, 4}), torch.Zeros(torch.Shape{1, 5}))
			return err
		},
		"nil embeddings": func() error { _, err := clip.Similarity(t.Context(), nil, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestUnusualPictures(t *testing.T) {
	model := loaded.CLIP(t, torch.CPU)
	for _, size := range []image.Point{{1, 1}, {20_000, 10}, {10, 20_000}} {
		embeddings, err := model.EncodeImage(t.Context(), image.NewGray(image.Rectangle{Max: size}))
		require.NoError(t, err, size)
		assert.True(t, embeddings.IsFinite().All().Item() == 1)
	}
}

func TestUseAfterClose(t *testing.T) {
	model, err := models.CLIP()
	require.NoError(t, err)
	model.Close()
	model.Close()
	_, err = model.EncodeText(t.Context(), "cat")
	assert.ErrorIs(t, err, torch.ErrClosed)
}

func TestLoadFailures(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	whole, err := os.ReadFile(filepath.Join("..", "models", "clip.pt"))
	require.NoError(t, err)

	_, err = clip.Load(filepath.Join(folder, "missing.pt"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = clip.Load(folder)
	assert.ErrorIs(t, err, torch.ErrModel)
	for name, data := range map[string][]byte{
		"empty.pt": {}, "text.pt": []byte("not a model"), "zip.pt": []byte("PK\x03\x04 not really"),
		"half.pt": whole[:len(whole)/2], "short.pt": whole[:len(whole)-100],
	} {
		_, err := clip.Load(write(name, data))
		assert.ErrorIs(t, err, torch.ErrModel, name)
		assert.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
	_, err = clip.Load(filepath.Join("..", "models", "vqgan.pt"))
	assert.ErrorIs(t, err, torch.ErrModel)
	assert.ErrorContains(t, err, `it is a "vqgan" model`)
}
