package clip

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed siglip.py
var siglipText string

// siglipHeads are the numbers of heads of timm's SigLIP networks by their width.
var siglipHeads = map[int64]int64{768: 12, 1024: 16, 1152: 16, 1536: 16}

// siglipTanh are parts of the names of timm's SigLIP networks that have the approximation of GELU
// by tanh; the others have GELU itself (vision_transformer.py in timm).
var siglipTanh = []string{"vit_base_patch32", "vit_large_patch16_siglip_512", "vit_so400m_patch16", "vit_giantopt"}

// siglipFamily are timm's vision transformers for SigLIP (vision_transformer.py there).
var siglipFamily = trunkFamily{
	names:  []string{"vit_*_siglip_*"},
	pools:  []string{"map"},
	noHead: true,
	read: func(t *trunk, name string, set *weights.Set) {
		t.readTransformer(set)
		t.MLPWidth = set.Size("visual.trunk.blocks.0.mlp.fc1.weight", 0)
		if t.Heads == 0 {
			t.Heads = siglipHeads[t.Width]
		}
		if t.Activation == "" {
			t.Activation = "GELU"
			if slices.ContainsFunc(siglipTanh, func(part string) bool { return strings.Contains(name, part) }) {
				t.Activation = "GELUTanh"
			}
		}
	},
	check: func(t *trunk, imageSize int64) error {
		if err := t.checkTransformer(imageSize); err != nil {
			return err
		}
		return choice("activation", t.Activation, "GELU", "GELUTanh")
	},
	add: (*trunk).siglip,
}

// readTransformer reads the sizes that all vision transformers of timm have.
func (t *trunk) readTransformer(set *weights.Set) {
	t.Width = set.Size("visual.trunk.patch_embed.proj.weight", 0)
	t.PatchSize = set.Size("visual.trunk.patch_embed.proj.weight", 3)
	t.Layers = set.Count("visual.trunk.blocks")
}

// checkTransformer returns why no vision transformer can be built so, or nil.
func (t *trunk) checkTransformer(imageSize int64) error {
	switch {
	case t.Width < 1 || t.Layers < 1 || t.Layers > 1<<10 || t.PatchSize < 1 || t.MLPWidth < 1:
		return fmt.Errorf("its image encoder is not described: width %d, layers %d, patch size %d", t.Width, t.Layers, t.PatchSize)
	case t.Heads < 1 || t.Width%t.Heads != 0:
		return fmt.Errorf("its vision width %d is no multiple of its %d heads", t.Width, t.Heads)
	case imageSize < t.PatchSize:
		return fmt.Errorf("its image size %d is below its patch size %d", imageSize, t.PatchSize)
	}
	return nil
}

// siglip adds the encoder, with timm's initial weights for a transformer.
func (t *trunk) siglip(node *architecture.Node, imageSize, _ int64) {
	const eps = 1e-6
	small := timmLayer()
	model := node.Child("trunk", "SigLIPTransformer")
	model.Child("patch_embed", "TimmPatchEmbedding").Conv2d("proj", architecture.Conv{
		In: 3, Out: t.Width, Kernel: t.PatchSize, Stride: t.PatchSize})
	side := imageSize / t.PatchSize
	model.Parameter("pos_embed", architecture.Normal(0.02), 1, side*side, t.Width)
	t.timmBlocks(model, eps, small)
	model.LayerNorm("norm", t.Width, eps)
	pool := model.Child("attn_pool", "AttentionPoolLatent").Set("heads", t.Heads)
	pool.Parameter("latent", architecture.Normal(math.Pow(float64(t.Width), -0.5)), 1, 1, t.Width)
	pool.Linear("q", t.Width, t.Width, small)
	pool.Linear("kv", t.Width, 2*t.Width, small)
	pool.Linear("proj", t.Width, t.Width, small)
	pool.LayerNorm("norm", t.Width, eps)
	t.perceptron(pool, small)
}

// timmBlocks adds the blocks of timm's vision transformers.
func (t *trunk) timmBlocks(model *architecture.Node, eps float64, layer architecture.Layer) {
	blocks := model.Child("blocks", "")
	for range t.Layers {
		block := blocks.Item("TimmBlock")
		block.LayerNorm("norm1", t.Width, eps)
		attention := block.Child("attn", "TimmAttention").Set("heads", t.Heads)
		attention.Linear("qkv", t.Width, 3*t.Width, layer)
		attention.Linear("proj", t.Width, t.Width, layer)
		block.LayerNorm("norm2", t.Width, eps)
		t.perceptron(block, layer)
	}
}

func (t *trunk) perceptron(node *architecture.Node, layer architecture.Layer) {
	mlp := node.Child("mlp", "TimmPerceptron")
	mlp.Linear("fc1", t.Width, t.MLPWidth, layer)
	mlp.Plain("act", cmp.Or(t.Activation, "GELU"))
	mlp.Linear("fc2", t.MLPWidth, t.Width, layer)
}
