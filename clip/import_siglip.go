package clip

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
)

// networkFromSigLIP returns the network that a config.json of transformers' SiglipModel or
// Siglip2Model describes.
func networkFromSigLIP(data []byte) (*network, error) {
	// The defaults are those of configuration_siglip.py in transformers.
	text := huggingFaceTextConfig{VocabularySize: 32000, Width: 768, IntermediateSize: 3072, Layers: 12, Heads: 12,
		ContextLength: 64, Activation: "gelu_pytorch_tanh", Epsilon: 1e-6}
	c := struct {
		Text struct {
			huggingFaceTextConfig
			Projection int64 `json:"projection_size"`
		} `json:"text_config"`
		Vision struct {
			huggingFaceImageConfig
			Patches *int64 `json:"num_patches"`
			NoHead  *bool  `json:"vision_use_head"`
		} `json:"vision_config"`
	}{}
	c.Text.huggingFaceTextConfig = text
	c.Vision.huggingFaceImageConfig = huggingFaceImageConfig{Width: 768, IntermediateSize: 3072, Layers: 12, Heads: 12,
		ImageSize: 224, PatchSize: 16, Activation: "gelu_pytorch_tanh", Epsilon: 1e-6}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if c.Vision.Patches != nil {
		return nil, fmt.Errorf("it describes a model for pictures of any shape (num_patches), which is not supported")
	}
	if c.Vision.NoHead != nil && !*c.Vision.NoHead {
		return nil, fmt.Errorf("its image encoder has no head, which is not supported")
	}
	if c.Text.Projection == 0 {
		c.Text.Projection = c.Text.Width
	}
	classes := map[string]string{"gelu": "GELU", "gelu_pytorch_tanh": "GELUTanh"}
	class, ok := classes[c.Vision.Activation]
	if !ok {
		return nil, fmt.Errorf("its activation %q is not supported", c.Vision.Activation)
	}
	bias := -10.0
	n := &network{
		EmbeddingDimension: c.Text.Projection, InitialLogitBias: &bias,
		Vision: visionNetwork{
			ImageSize: c.Vision.ImageSize, Width: c.Vision.Width, PatchSize: c.Vision.PatchSize, Layers: layers{count: c.Vision.Layers},
			TimmName: "siglip", TimmPool: "map",
			Trunk: &trunk{Family: "siglip", Width: c.Vision.Width, Layers: c.Vision.Layers, Heads: c.Vision.Heads,
				PatchSize: c.Vision.PatchSize, MLPWidth: c.Vision.IntermediateSize, Activation: class},
		},
		Text: textNetwork{
			ContextLength: c.Text.ContextLength, VocabularySize: c.Text.VocabularySize, Width: c.Text.Width,
			Heads: c.Text.Heads, Layers: c.Text.Layers, NormParameters: norm{c.Text.Epsilon},
			NotCausal: true, ProjectionBias: true, Pool: "last",
		},
	}
	var err error
	n.Text.encoder, err = huggingFaceEncoder(c.Text.Activation, c.Text.IntermediateSize, c.Text.Width)
	if err != nil {
		return nil, err
	}
	return n, n.check()
}

// siglipNames are replaced in transformers' names of SigLIP's tensors, before huggingFaceNames.
var siglipNames = strings.NewReplacer(
	"vision_model.embeddings.patch_embedding.", "visual.trunk.patch_embed.proj.",
	"vision_model.embeddings.position_embedding.weight", "visual.trunk.pos_embed",
	"vision_model.encoder.layers.", "visual.trunk.blocks.",
	"vision_model.post_layernorm.", "visual.trunk.norm.",
	"vision_model.head.probe", "visual.trunk.attn_pool.latent",
	"vision_model.head.attention.in_proj_", "visual.trunk.attn_pool.in_proj_",
	"vision_model.head.attention.out_proj.", "visual.trunk.attn_pool.proj.",
	"vision_model.head.layernorm.", "visual.trunk.attn_pool.norm.",
	"vision_model.head.mlp.", "visual.trunk.attn_pool.mlp.",
	"text_model.head.", "text_projection.",
)

// siglipBlockNames are replaced in the names of the image encoder's blocks.
var siglipBlockNames = strings.NewReplacer(
	".layer_norm1.", ".norm1.", ".layer_norm2.", ".norm2.", ".self_attn.out_proj.", ".attn.proj.", ".self_attn.", ".attn.",
)

// fromHuggingFaceSigLIP gives transformers' tensors of SigLIP open_clip's names and shapes.
func fromHuggingFaceSigLIP(set *weights.Set) *weights.Set {
	renamed := set.Rename(func(name string) string {
		name = siglipNames.Replace(name)
		if strings.HasPrefix(name, "visual.trunk.blocks.") {
			return siglipBlockNames.Replace(name)
		}
		return name
	})
	for _, name := range renamed.Names() {
		for _, kind := range []string{"weight", "bias"} {
			if prefix, ok := strings.CutSuffix(name, ".attn.q_proj."+kind); ok {
				renamed.Concatenate(prefix+".attn.qkv."+kind,
					prefix+".attn.q_proj."+kind, prefix+".attn.k_proj."+kind, prefix+".attn.v_proj."+kind)
			}
		}
	}
	const pool = "visual.trunk.attn_pool."
	for _, kind := range []string{"weight", "bias"} {
		width := renamed.Size(pool+"in_proj_"+kind, 0) / 3
		renamed.Split(pool+"in_proj_"+kind, []string{pool + "q." + kind, pool + "kv." + kind}, []int64{width, 2 * width})
	}
	positions := renamed.Shape("visual.trunk.pos_embed")
	if len(positions) == 2 {
		renamed.Reshape("visual.trunk.pos_embed", 1, positions[0], positions[1])
	}
	return fromHuggingFace(renamed)
}
