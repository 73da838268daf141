package clip

import (
	"compress/gzip"
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A checkpointReference is what the package that defines a checkpoint computes with it;
// scripts/reference/reference_clip_checkpoints.py.
type checkpointReference struct {
	Size       int64
	Tokens     []int64
	LogitScale float64 `json:"logit_scale"`
	Image      []float32
	Text       []float32
	Gradient   []float32
	Texts      []string
	TextTokens []int64 `json:"text_tokens"`
}

func checkpointFolder(name string) string { return filepath.Join("testdata", "checkpoints", name) }

func readReference(t *testing.T, name string) checkpointReference {
	t.Helper()
	file, err := os.Open(filepath.Join(checkpointFolder(name), "reference.json.gz"))
	require.NoError(t, err)
	defer file.Close()
	reader, err := gzip.NewReader(file)
	require.NoError(t, err)
	var reference checkpointReference
	require.NoError(t, json.NewDecoder(reader).Decode(&reference))
	return reference
}

// layouts are the sources in each layout.
var layouts = map[string]string{
	"openai_vit": "model.pt", "openai_resnet": "model.pt", "openai_state_dict": "model.pt",
	"open_clip": "", "open_clip_wrapped": "", "open_clip_custom_text": "open_clip_model.safetensors",
	"open_clip_siglip": "", "huggingface_siglip": "",
	"huggingface_image": "", "huggingface_text": "model.safetensors",
	"open_clip_convnext_linear": "", "open_clip_convnext_mlp": "",
	"open_clip_clipa": "", "open_clip_no_projection": "",
	"apple_mobileclip": "", "apple_mobileclip_b": "mobileclip.pt",
	"open_clip_efficientnet": "", "open_clip_efficientnet_symmetric": "",
	"open_clip_coca_base": "", "open_clip_coca": "", "open_clip_coca_equal_widths": "",
	"open_clip_eva02": "", "open_clip_eva02_enormous": "", "open_clip_eva01": "",
	"open_clip_fastvit": "", "open_clip_fastvit_merged": "", "open_clip_fastvit_five_stages": "",
	"open_clip_timm_conv_stem": "", "open_clip_timm_vit": "",
	"huggingface": "", "huggingface_sharded": "", "huggingface_bin": "pytorch_model.bin",
}

// requireClose requires a difference of at most 1e-4 of the largest element.
func requireClose(t *testing.T, wanted []float32, got *torch.Tensor, what string) {
	t.Helper()
	reference := torch.FromSlice(wanted, nil)
	got = got.Reshape(torch.Shape{-1})
	largest := reference.Abs().Max().Item()
	require.Less(t, reference.Sub(got).Abs().Max().Item(), 1e-4*largest, what)
	cosine := reference.Mul(got).Sum().Item() / (reference.Norm(2).Item() * got.Norm(2).Item())
	require.GreaterOrEqual(t, cosine, 0.99999, what)
}

func checkAgainst(t *testing.T, model *Model, reference checkpointReference) {
	t.Helper()
	require.Equal(t, len(reference.Image) > 0, model.EncodesImages())
	require.Equal(t, len(reference.Text) > 0, model.EncodesTexts())
	if model.EncodesImages() {
		checkImages(t, model, reference)
	} else {
		_, err := model.EncodePixels(t.Context(), torch.Zeros(torch.Shape{1, 3, 32, 32}))
		assert.ErrorContains(t, err, "has no image encoder")
		_, err = model.EncodeImage(t.Context(), image.NewGray(image.Rect(0, 0, 5, 5)))
		assert.ErrorContains(t, err, "has no image encoder")
	}
	if model.EncodesTexts() {
		checkTexts(t, model, reference)
	} else {
		_, err := model.EncodeText(t.Context(), "a cat")
		assert.ErrorContains(t, err, "has no text encoder")
		_, err = model.NewClassifier(t.Context(), []string{"a cat"}, "{}")
		assert.ErrorContains(t, err, "has no text encoder")
	}
	if model.EncodesImages() && model.EncodesTexts() {
		require.InEpsilon(t, reference.LogitScale, model.LogitScale(), 1e-3)
	}
}

func checkImages(t *testing.T, model *Model, reference checkpointReference) {
	t.Helper()
	size := reference.Size
	require.Equal(t, size, model.ImageSize())
	normalized := torch.Linspace(-1, 1, 2*3*size*size).Reshape(torch.Shape{2, 3, size, size}).Sin().SetRequiresGrad(true)
	embeddings, err := model.encode(t.Context(), "encode_image", func() *torch.Tensor { return normalized })
	require.NoError(t, err)
	requireClose(t, reference.Image, embeddings, "embeddings of pictures")

	weights := torch.Arange(0, embeddings.NumElements(), 1).To(torch.Float32).Reshape(embeddings.Shape()).Cos()
	embeddings.Mul(weights).Sum().Backward()
	gradient := normalized.Grad().Select(0, 0).Reshape(torch.Shape{3, size, size})
	gradient = gradient.Slice(1, 0, size, 3).Slice(2, 0, size, 3)
	requireClose(t, reference.Gradient, gradient, "gradient in the picture")
}

func checkTexts(t *testing.T, model *Model, reference checkpointReference) {
	t.Helper()
	rows, err := model.Tokenizer().Tokenize(reference.Texts...)
	require.NoError(t, err)
	require.Equal(t, reference.TextTokens, slices.Concat(rows...), "tokens")
	text, err := model.encode(t.Context(), "encode_text", func() *torch.Tensor {
		return torch.FromSlice(reference.Tokens, torch.Shape{2, int64(len(reference.Tokens) / 2)})
	})
	require.NoError(t, err)
	requireClose(t, reference.Text, text, "embeddings of texts")
}

func TestCheckpointsAgreeWithTheirPackages(t *testing.T) {
	for name, file := range layouts {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(checkpointFolder(name), file)
			reference := readReference(t, name)
			model, err := Load(source)
			require.NoError(t, err)
			defer model.Close()
			checkAgainst(t, model, reference)

			output := filepath.Join(t.TempDir(), "model.pt")
			config, err := Import(source, output, ImportOptions{})
			require.NoError(t, err)
			assert.Len(t, config.SourceSHA256, 64)
			archived, err := Load(output)
			require.NoError(t, err)
			defer archived.Close()
			assert.Equal(t, config, archived.Config())
			checkAgainst(t, archived, reference)
		})
	}
}
