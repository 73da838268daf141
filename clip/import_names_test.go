package clip

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A recorder is weights that tell a network's names and shapes.
type recorder struct{ entries []weights.Entry }

func (r *recorder) Tensor(name string, shape torch.Shape, _ architecture.Initial) *torch.Tensor {
	r.entries = append(r.entries, weights.Entry{Name: name, Shape: shape, DType: torch.Float32})
	return nil
}

// tensorsOf returns the tensors of an architecture by their names and shapes.
func tensorsOf(t *testing.T, name string) *weights.Set {
	t.Helper()
	require.Contains(t, networks, name)
	var r recorder
	networks[name].make(&r)
	return weights.NewSet("weights", r.entries)
}

// Without a configuration beside the weights, how pictures are prepared is that of the published
// weights of this name (pretrained.py in open_clip).
func TestPreprocessingByName(t *testing.T) {
	alone := filepath.Join(t.TempDir(), "weights.bin")
	imageNet := [3]float32{0.485, 0.456, 0.406}
	for _, each := range []struct {
		name          string
		given         string
		mean          [3]float32
		interpolation string
		mode          string
	}{
		{"ViT-H-14-378-quickgelu", "ViT-H-14-378-quickgelu", openAIPreprocessing().Mean, "bicubic", "squash"},
		{"ViT-H-14-worldwide-378", "ViT-H-14-worldwide-378", openAIPreprocessing().Mean, "bicubic", "squash"},
		{"ViT-L-14-CLIPA", "", imageNet, "bilinear", "squash"}, // which its shapes tell
		{"ViT-H-14-CLIPA-336", "", imageNet, "bilinear", "squash"},
		{"ViT-B-32", "ViT-B-32", openAIPreprocessing().Mean, "bicubic", "shortest"},
		{"coca_base", "coca_base", openAIPreprocessing().Mean, "bicubic", "shortest"},
	} {
		t.Run(each.name, func(t *testing.T) {
			found, err := identify(tensorsOf(t, each.name), alone, each.given)
			require.NoError(t, err)
			assert.Equal(t, each.name, found.name)
			assert.Equal(t, each.mean, found.preprocessing.Mean)
			assert.Equal(t, each.interpolation, found.preprocessing.Interpolation)
			assert.Equal(t, each.mode, found.preprocessing.ResizeMode)
			assert.NoError(t, found.checkShapes())
		})
	}
	for name, p := range publishedPreprocessing {
		assert.Contains(t, networks, name)
		assert.NoError(t, choice("resize_mode", p.ResizeMode, "shortest", "squash"), name)
		assert.Positive(t, p.StandardDeviation[0], name)
	}
}

// open_clip reads the texts of coca_base by OpenAI's tokenizer, although it has 64,000 tokens.
func TestVocabularyOfCoCaBase(t *testing.T) {
	alone := filepath.Join(t.TempDir(), "weights.bin")
	found, err := identify(tensorsOf(t, "coca_base"), alone, "coca_base")
	require.NoError(t, err)
	config, err := found.config(alone)
	require.NoError(t, err)
	made, files, err := found.makeTokenizer(alone, &config)
	require.NoError(t, err)
	assert.Equal(t, tokenizer.OpenAIMerges(), files[mergesFile])
	assert.Equal(t, openAIVocabulary, made.VocabularySize())
	assert.Equal(t, 76, made.ContextLength())

	// Others need their own.
	found, err = identify(tensorsOf(t, "ViT-L-14-CLIPA"), alone, "")
	require.NoError(t, err)
	config, err = found.config(alone)
	require.NoError(t, err)
	_, _, err = found.makeTokenizer(alone, &config)
	assert.ErrorContains(t, err, "its tokenizer is that of bert-base-uncased: it has 32000 tokens, not OpenAI's 49408")
}

func TestAppleArchitectures(t *testing.T) {
	for tensor, each := range map[string]struct {
		width  int64
		wanted string
	}{
		"image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight/64": {64, "MobileCLIP-S1"},
		"image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight/80": {80, "MobileCLIP-S2"},
		"image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight/4":  {4, ""},
		"image_encoder.model.patch_emb.0.block.conv.weight/64":        {64, "MobileCLIP-B"},
	} {
		entries := []weights.Entry{
			{Name: filepath.Dir(tensor), Shape: torch.Shape{each.width, 3, 3, 3}, DType: torch.Float32},
			{Name: "text_encoder.embedding_layer.weight", Shape: torch.Shape{49408, 512}, DType: torch.Float32},
		}
		if each.wanted != "MobileCLIP-B" {
			entries = append(entries, weights.Entry{Name: "image_encoder.model.network.1.proj.0.lkb_origin.conv.weight", Shape: torch.Shape{1, 1, 7, 7}})
		}
		set := weights.NewSet("mobileclip.pt", entries)
		require.True(t, isApple(set))
		renamed, err := fromApple(set)
		require.NoError(t, err)
		assert.Equal(t, each.wanted, appleArchitecture(renamed), tensor)
		assert.True(t, renamed.Has("token_embedding.weight"))
	}
	// MobileCLIP-S1's list: a stage of blocks, and for each other stage what halves the resolution, in the
	// last one positions, and blocks.
	for name, wanted := range map[string]string{
		"network.0.1.layer_scale": "stages.0.blocks.1.layer_scale",
		"network.1.proj.0.weight": "stages.1.downsample.proj.0.weight",
		"network.4.0.x":           "stages.2.blocks.0.x",
		"network.5.proj.1.x":      "stages.3.downsample.proj.1.x",
		"network.6.pe.weight":     "stages.3.pos_emb.pos_enc.weight",
		"network.7.0.x":           "stages.3.blocks.0.x",
		"head.proj":               "head.proj",
	} {
		assert.Equal(t, wanted, appleStageName(name, []int{1, 3, 5}))
	}
}
