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

func TestPreprocessorConfigs(t *testing.T) {
	model := &network{Vision: visionNetwork{ImageSize: 224}}
	siglip := &network{Vision: visionNetwork{ImageSize: 224, Trunk: &trunk{}}}
	for _, each := range []struct {
		network  *network
		contents string
		mode     string
	}{
		{model, `{}`, "shortest"},
		{siglip, `{}`, "squash"},
		{model, `{"size": 224, "crop_size": 224}`, "shortest"}, // before transformers 4.22
		{model, `{"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}`, "shortest"},
		{model, `{"size": {"height": 224, "width": 224}, "rescale_factor": 0.00392156862745098}`, "squash"},
		{siglip, `{"size": {"height": 224, "width": 224}}`, "squash"},
	} {
		p, err := fromPreprocessorConfig([]byte(each.contents), each.network)
		require.NoError(t, err, each.contents)
		assert.Equal(t, each.mode, p.ResizeMode, each.contents)
	}
	for contents, wanted := range map[string]string{
		`{"size": {"shortest_edge": 256}}`:             "it scales to 256 pixels and crops to 224, which is not supported",
		`{"size": {"height": 224, "width": 200}}`:      "it scales to 200 x 224 pixels, the model takes 224 x 224",
		`{"crop_size": {"height": 192, "width": 192}}`: "it crops to 192 pixels, the model takes 224",
		`{"rescale_factor": 1}`:                        "its rescale_factor 1 is not supported",
	} {
		_, err := fromPreprocessorConfig([]byte(contents), model)
		assert.ErrorContains(t, err, wanted)
	}
}

// Processors of transformers 5 have one file.
func TestProcessorConfig(t *testing.T) {
	folder := copyFolder(t, "huggingface")
	folder.Remove("preprocessor_config.json")
	folder.Write("processor_config.json", `{"processor_class": "CLIPProcessor", "image_processor":
		{"size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.25, 0.125], "resample": 2}}`)
	config, err := ReadConfig(folder.Path)
	require.NoError(t, err)
	assert.Equal(t, [3]float32{0.5, 0.25, 0.125}, config.Mean)
	assert.Equal(t, "squash", config.ResizeMode)
	assert.Equal(t, "bilinear", config.Interpolation)
	folder.Write("processor_config.json", `{"processor_class": "CLIPProcessor"}`)
	config, err = ReadConfig(folder.Path)
	require.NoError(t, err)
	assert.Equal(t, openAIPreprocessing().Mean, config.Mean)
	folder.Write("processor_config.json", `{`)
	_, err = ReadConfig(folder.Path)
	assert.ErrorContains(t, err, "its processor_config.json: it cannot be read")
}

// As transformers' CLIPConfig takes them: text_config_dict counts in place of text_config.
func TestOlderHuggingFaceConfigs(t *testing.T) {
	n, err := networkFromHuggingFace([]byte(`{"model_type": "clip", "projection_dim": 1024,
		"text_config": {"hidden_size": 640, "num_attention_heads": 10, "max_position_embeddings": 99},
		"text_config_dict": {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "hidden_act": "gelu"},
		"vision_config": {"hidden_size": 1280, "num_attention_heads": 16, "intermediate_size": 5120, "patch_size": 14},
		"vision_config_dict": null}`))
	require.NoError(t, err)
	assert.EqualValues(t, 1024, n.Text.Width)
	assert.EqualValues(t, 77, n.Text.ContextLength, "the default")
	assert.Equal(t, "gelu", n.Text.ActivationName)
	assert.EqualValues(t, 1280, n.Vision.Width)
	assert.EqualValues(t, 14, n.Vision.PatchSize)
	_, err = networkFromHuggingFace([]byte(`{"model_type": "clip", "text_config_dict": {"hidden_size": "x"}}`))
	assert.ErrorContains(t, err, "it cannot be read")
}
