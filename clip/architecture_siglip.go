package clip

import (
	_ "embed"
	"fmt"
	"math"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed siglip.py
var siglipText string

// A trunk is a network of timm. Its sizes are read off the shapes of a checkpoint; what shapes do
// not tell, its name does.
type trunk struct {
	// Family is "siglip".
	Family    string `json:"family"`
	Width     int64  `json:"width"`
	Layers    int64  `json:"layers"`
	Heads     int64  `json:"heads"`
	PatchSize int64  `json:"patch_size"`
	MLPWidth  int64  `json:"mlp_width"`
	// Activation is the class of the activation.
	Activation string `json:"activation"`
}

// siglipHeads are the numbers of heads of timm's SigLIP networks by their width.
var siglipHeads = map[int64]int64{768: 12, 1024: 16, 1152: 16, 1536: 16}

// siglipTanh are parts of the names of timm's SigLIP networks that have the approximation of GELU
// by tanh; the others have GELU itself (vision_transformer.py in timm).
var siglipTanh = []string{"vit_base_patch32", "vit_large_patch16_siglip_512", "vit_so400m_patch16", "vit_giantopt"}

// completeTrunk describes the network of timm from its name and the shapes of its tensors.
func (v *visionNetwork) completeTrunk(set *weights.Set) error {
	if v.Trunk == nil {
		v.Trunk = &trunk{}
	}
	t := v.Trunk
	if !strings.Contains(v.TimmName, "_siglip_") || v.TimmPool != "map" {
		return fmt.Errorf("its image encoder %s (timm_pool %q) is not supported", v.TimmName, v.TimmPool)
	}
	if err := choice("vision_cfg.timm_proj", v.TimmProjection, "", "none"); err != nil {
		return err
	}
	t.Family = "siglip"
	t.Width = set.Size("visual.trunk.patch_embed.proj.weight", 0)
	t.PatchSize = set.Size("visual.trunk.patch_embed.proj.weight", 3)
	t.Layers = set.Count("visual.trunk.blocks")
	t.MLPWidth = set.Size("visual.trunk.blocks.0.mlp.fc1.weight", 0)
	if t.Heads == 0 {
		t.Heads = siglipHeads[t.Width]
	}
	if t.Activation == "" {
		t.Activation = "GELU"
		for _, part := range siglipTanh {
			if strings.Contains(v.TimmName, part) {
				t.Activation = "GELUTanh"
			}
		}
	}
	v.Width, v.PatchSize, v.Layers = t.Width, t.PatchSize, layers{count: t.Layers}
	return nil
}

func (t *trunk) check(imageSize int64) error {
	switch {
	case t.Family != "siglip":
		return fmt.Errorf("its image encoder of family %q is not supported", t.Family)
	case t.Width < 1 || t.Layers < 1 || t.Layers > 1<<10 || t.PatchSize < 1 || t.MLPWidth < 1:
		return fmt.Errorf("its image encoder is not described: width %d, layers %d, patch size %d", t.Width, t.Layers, t.PatchSize)
	case t.Heads < 1 || t.Width%t.Heads != 0:
		return fmt.Errorf("its vision width %d is no multiple of its %d heads", t.Width, t.Heads)
	case imageSize < t.PatchSize:
		return fmt.Errorf("its image size %d is below its patch size %d", imageSize, t.PatchSize)
	}
	return choice("activation", t.Activation, "GELU", "GELUTanh")
}

// siglip adds the encoder, with timm's initial weights for a transformer.
func (t *trunk) siglip(node *architecture.Node, imageSize int64) {
	const eps = 1e-6
	small := architecture.Layer{Weight: architecture.Normal(0.02), Bias: architecture.Zeros}
	model := node.Child("trunk", "SigLIPTransformer")
	model.Child("patch_embed", "TimmPatchEmbedding").Conv2d("proj", architecture.Conv{
		In: 3, Out: t.Width, Kernel: t.PatchSize, Stride: t.PatchSize})
	side := imageSize / t.PatchSize
	model.Parameter("pos_embed", architecture.Normal(0.02), 1, side*side, t.Width)
	blocks := model.Child("blocks", "")
	for range t.Layers {
		block := blocks.Item("TimmBlock")
		block.LayerNorm("norm1", t.Width, eps)
		attention := block.Child("attn", "TimmAttention").Set("heads", t.Heads)
		attention.Linear("qkv", t.Width, 3*t.Width, small)
		attention.Linear("proj", t.Width, t.Width, small)
		block.LayerNorm("norm2", t.Width, eps)
		t.perceptron(block, small)
	}
	model.LayerNorm("norm", t.Width, eps)
	pool := model.Child("attn_pool", "AttentionPoolLatent").Set("heads", t.Heads)
	pool.Parameter("latent", architecture.Normal(math.Pow(float64(t.Width), -0.5)), 1, 1, t.Width)
	pool.Linear("q", t.Width, t.Width, small)
	pool.Linear("kv", t.Width, 2*t.Width, small)
	pool.Linear("proj", t.Width, t.Width, small)
	pool.LayerNorm("norm", t.Width, eps)
	t.perceptron(pool, small)
	node.Plain("head", "Identity")
}

func (t *trunk) perceptron(node *architecture.Node, layer architecture.Layer) {
	mlp := node.Child("mlp", "TimmPerceptron")
	mlp.Linear("fc1", t.Width, t.MLPWidth, layer)
	mlp.Plain("act", t.Activation)
	mlp.Linear("fc2", t.MLPWidth, t.Width, layer)
}
