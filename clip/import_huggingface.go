package clip

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A huggingFaceConfig is the config.json of transformers' CLIPModel, with its defaults.
type huggingFaceConfig struct {
	ModelType           string                 `json:"model_type"`
	ProjectionDimension int64                  `json:"projection_dim"`
	Text                huggingFaceTextConfig  `json:"text_config"`
	Vision              huggingFaceImageConfig `json:"vision_config"`
	// Older files have these too, which count in place of the others.
	TextDict   json.RawMessage `json:"text_config_dict"`
	VisionDict json.RawMessage `json:"vision_config_dict"`
}

type huggingFaceTextConfig struct {
	VocabularySize   int64   `json:"vocab_size"`
	Width            int64   `json:"hidden_size"`
	IntermediateSize int64   `json:"intermediate_size"`
	Layers           int64   `json:"num_hidden_layers"`
	Heads            int64   `json:"num_attention_heads"`
	ContextLength    int64   `json:"max_position_embeddings"`
	Activation       string  `json:"hidden_act"`
	Epsilon          float64 `json:"layer_norm_eps"`
	EndToken         int64   `json:"eos_token_id"`
}

type huggingFaceImageConfig struct {
	Width            int64   `json:"hidden_size"`
	IntermediateSize int64   `json:"intermediate_size"`
	Layers           int64   `json:"num_hidden_layers"`
	Heads            int64   `json:"num_attention_heads"`
	ImageSize        int64   `json:"image_size"`
	PatchSize        int64   `json:"patch_size"`
	Activation       string  `json:"hidden_act"`
	Epsilon          float64 `json:"layer_norm_eps"`
}

// networkFromHuggingFace returns the network that a config.json describes.
func networkFromHuggingFace(data []byte) (*network, error) {
	// The defaults are those of configuration_clip.py in transformers.
	c := huggingFaceConfig{
		ProjectionDimension: 512,
		Text: huggingFaceTextConfig{VocabularySize: 49408, Width: 512, IntermediateSize: 2048, Layers: 12, Heads: 8,
			ContextLength: 77, Activation: "quick_gelu", Epsilon: 1e-5, EndToken: 49407},
		Vision: huggingFaceImageConfig{Width: 768, IntermediateSize: 3072, Layers: 12, Heads: 12, ImageSize: 224,
			PatchSize: 32, Activation: "quick_gelu", Epsilon: 1e-5},
	}
	text, vision := c.Text, c.Vision
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if given(c.TextDict) {
		c.Text = text
	}
	if given(c.VisionDict) {
		c.Vision = vision
	}
	if err := cmp.Or(alone(given(c.TextDict), c.TextDict, &c.Text), alone(given(c.VisionDict), c.VisionDict, &c.Vision)); err != nil {
		return nil, err
	}
	only := ""
	switch c.ModelType {
	case "clip":
	case "clip_vision_model":
		only = "image"
	case "clip_text_model":
		only = "text"
	case "siglip", "siglip2":
		return networkFromSigLIP(data)
	default:
		return nil, fmt.Errorf("it describes a model of type %q, which is not supported", c.ModelType)
	}
	// An encoder that was published alone has its settings at the top.
	if err := cmp.Or(alone(only == "image", data, &c.Vision), alone(only == "text", data, &c.Text)); err != nil {
		return nil, err
	}
	if c.Vision.Heads < 1 || c.Vision.Width%c.Vision.Heads != 0 {
		return nil, fmt.Errorf("its vision width %d is no multiple of its %d heads", c.Vision.Width, c.Vision.Heads)
	}
	n := &network{
		EmbeddingDimension: c.ProjectionDimension, Only: only,
		Vision: visionNetwork{
			ImageSize: c.Vision.ImageSize, Layers: layers{count: c.Vision.Layers}, Width: c.Vision.Width,
			PatchSize: c.Vision.PatchSize, HeadWidth: c.Vision.Width / c.Vision.Heads,
			NormParameters: norm{c.Vision.Epsilon},
		},
		Text: textNetwork{
			ContextLength: c.Text.ContextLength, VocabularySize: c.Text.VocabularySize, Width: c.Text.Width,
			Heads: c.Text.Heads, Layers: c.Text.Layers, NormParameters: norm{c.Text.Epsilon},
		},
	}
	var err error
	if n.Vision.encoder, err = huggingFaceEncoder(c.Vision.Activation, c.Vision.IntermediateSize, c.Vision.Width); err != nil {
		return nil, err
	}
	if n.Text.encoder, err = huggingFaceEncoder(c.Text.Activation, c.Text.IntermediateSize, c.Text.Width); err != nil {
		return nil, err
	}
	// Early configurations say 2 where they mean the token with the highest number, and transformers
	// takes it so.
	if c.Text.EndToken != 2 {
		n.Text.Pool, n.Text.EndToken = "eos", c.Text.EndToken
	}
	return n, n.check()
}

// given reports whether a file has a value.
func given(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

func alone(is bool, data []byte, into any) error {
	if !is {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return nil
}

// activationNames are transformers' names of activations.
var activationNames = map[string]string{
	"quick_gelu": "quick_gelu", "gelu": "gelu", "gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh",
}

func huggingFaceEncoder(activation string, intermediate, width int64) (encoder, error) {
	name, ok := activationNames[activation]
	if !ok {
		return encoder{}, fmt.Errorf("its activation %q is not supported", activation)
	}
	e := encoder{MLPWidth: intermediate, ActivationName: name}
	e.simplify(width)
	return e, nil
}

// isHuggingFace reports whether tensors have transformers' names.
func isHuggingFace(set *weights.Set) bool {
	return set.HasPrefix("text_model.") || set.HasPrefix("vision_model.")
}

// huggingFaceNames are replaced in transformers' names, in this order.
var huggingFaceNames = strings.NewReplacer(
	"text_model.embeddings.token_embedding.", "token_embedding.",
	"text_model.embeddings.position_embedding.weight", "positional_embedding",
	"text_model.encoder.layers.", "transformer.resblocks.",
	"text_model.final_layer_norm.", "ln_final.",
	"vision_model.embeddings.class_embedding", "visual.class_embedding",
	"vision_model.embeddings.patch_embedding.", "visual.conv1.",
	"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding",
	"vision_model.encoder.layers.", "visual.transformer.resblocks.",
	"vision_model.pre_layrnorm.", "visual.ln_pre.",
	"vision_model.post_layernorm.", "visual.ln_post.",
	".self_attn.", ".attn.",
	".layer_norm1.", ".ln_1.", ".layer_norm2.", ".ln_2.",
	".mlp.fc1.", ".mlp.c_fc.", ".mlp.fc2.", ".mlp.c_proj.",
)

// fromHuggingFace gives transformers' tensors openai/CLIP's names and shapes.
func fromHuggingFace(set *weights.Set) *weights.Set {
	if set.HasPrefix("vision_model.head.") {
		return fromHuggingFaceSigLIP(set)
	}
	renamed := set.Rename(func(name string) string {
		if strings.HasSuffix(name, ".position_ids") {
			return "" // a constant of old files
		}
		if strings.HasPrefix(name, "visual.trunk.") {
			return name // SigLIP's, renamed before
		}
		return huggingFaceNames.Replace(name)
	})
	renamed.Reshape("logit_scale")
	renamed.Reshape("logit_bias")
	for _, projection := range []struct{ from, to string }{{"text_projection.weight", "text_projection"}, {"visual_projection.weight", "visual.proj"}} {
		if !renamed.Has("text_projection.bias") {
			renamed.Transpose(projection.from, projection.to)
		}
	}
	for _, name := range renamed.Names() {
		for _, kind := range []string{"weight", "bias"} {
			if prefix, ok := strings.CutSuffix(name, ".attn.q_proj."+kind); ok {
				renamed.Concatenate(prefix+".attn.in_proj_"+kind,
					prefix+".attn.q_proj."+kind, prefix+".attn.k_proj."+kind, prefix+".attn.v_proj."+kind)
			}
		}
	}
	return renamed
}

// A preprocessing is how pictures become the input of an image encoder, in the fields of open_clip's
// preprocess_cfg.
type preprocessing struct {
	Mean              [3]float32 `json:"mean"`
	StandardDeviation [3]float32 `json:"std"`
	Interpolation     string     `json:"interpolation"`
	ResizeMode        string     `json:"resize_mode"` // "shortest" or "squash"
}

// openAIPreprocessing is that of OpenAI's models, and of most that were trained with open_clip.
func openAIPreprocessing() preprocessing {
	p := NewPreprocessor(0)
	return preprocessing{Mean: p.Mean, StandardDeviation: p.Std, Interpolation: "bicubic", ResizeMode: "shortest"}
}

// siglipPreprocessing is that of SigLIP, where its files say nothing else.
func siglipPreprocessing() preprocessing {
	half := [3]float32{0.5, 0.5, 0.5}
	return preprocessing{Mean: half, StandardDeviation: half, Interpolation: "bicubic", ResizeMode: "squash"}
}

// preprocessorConfig returns the settings of transformers' image processor beside a checkpoint, and the
// name of their file, or nil: preprocessor_config.json, or, since transformers 5, a part of
// processor_config.json.
func preprocessorConfig(checkpoint string) ([]byte, string, error) {
	const own, joined = "preprocessor_config.json", "processor_config.json"
	data, err := weights.Beside(checkpoint, own)
	if data != nil || err != nil {
		return data, own, err
	}
	if data, err = weights.Beside(checkpoint, joined); data == nil || err != nil {
		return nil, joined, err
	}
	var processor struct {
		Image json.RawMessage `json:"image_processor"`
	}
	if err := json.Unmarshal(data, &processor); err != nil {
		return nil, joined, fmt.Errorf("its %s: it cannot be read: %w", joined, err)
	}
	if !given(processor.Image) {
		return nil, joined, nil
	}
	return processor.Image, joined, nil
}

// fromPreprocessorConfig reads a preprocessor_config.json of transformers for a network.
func fromPreprocessorConfig(data []byte, n *network) (preprocessing, error) {
	p := openAIPreprocessing()
	if n.Vision.Trunk != nil {
		p = siglipPreprocessing()
	}
	c := struct {
		Mean      *[3]float32     `json:"image_mean"`
		Deviation *[3]float32     `json:"image_std"`
		Resample  *int            `json:"resample"`
		Size      json.RawMessage `json:"size"`
		Crop      json.RawMessage `json:"crop_size"`
		Normalize *bool           `json:"do_normalize"`
		Scale     *float64        `json:"rescale_factor"`
	}{}
	if err := json.Unmarshal(data, &c); err != nil {
		return p, fmt.Errorf("it cannot be read: %w", err)
	}
	if c.Mean != nil {
		p.Mean = *c.Mean
	}
	if c.Deviation != nil {
		p.StandardDeviation = *c.Deviation
	}
	if c.Normalize != nil && !*c.Normalize {
		p.Mean, p.StandardDeviation = [3]float32{}, [3]float32{1, 1, 1}
	}
	if c.Resample != nil {
		// Pillow's numbers of filters.
		switch *c.Resample {
		case 2:
			p.Interpolation = "bilinear"
		case 3:
			p.Interpolation = "bicubic"
		default:
			return p, fmt.Errorf("its resampling filter %d is not supported", *c.Resample)
		}
	}
	if c.Scale != nil && math.Abs(*c.Scale-1./255) > 1e-6 {
		return p, fmt.Errorf("its rescale_factor %v is not supported, only 1/255 is", *c.Scale)
	}
	crop, resize := readSize(c.Crop), readSize(c.Size)
	if size := cmp.Or(crop.Shortest, crop.Height); size > 0 && size != n.Vision.ImageSize {
		return p, fmt.Errorf("it crops to %d pixels, the model takes %d", size, n.Vision.ImageSize)
	}
	switch size := n.Vision.ImageSize; {
	case resize.Shortest > 0:
		p.ResizeMode = "shortest"
		if resize.Shortest != size {
			return p, fmt.Errorf("it scales to %d pixels and crops to %d, which is not supported", resize.Shortest, size)
		}
	case resize.Height > 0:
		p.ResizeMode = "squash"
		if resize.Height != size || resize.Width != size {
			return p, fmt.Errorf("it scales to %d x %d pixels, the model takes %d x %d", resize.Width, resize.Height, size, size)
		}
	}
	return p, nil
}

// A pictureSize is a size in a preprocessor_config.json: that of the shorter side, or both.
type pictureSize struct {
	Shortest int64 `json:"shortest_edge"`
	Height   int64 `json:"height"`
	Width    int64 `json:"width"`
}

// readSize reads a size, which in older files is a number: that of the shorter side.
func readSize(data json.RawMessage) pictureSize {
	var size pictureSize
	if json.Unmarshal(data, &size.Shortest) != nil {
		_ = json.Unmarshal(data, &size) // of another form, it says nothing
	}
	return size
}

var errNoConfig = fmt.Errorf("transformers' weights need their config.json in the same folder: %w", torch.ErrModel)
