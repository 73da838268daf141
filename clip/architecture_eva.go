package clip

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed eva.py
var evaText string

// evaHeads are the numbers of heads of EVA-CLIP's networks by their width.
var evaHeads = map[int64]int64{768: 12, 1024: 16, 1408: 16, 1792: 16}

// evaFamily are timm's networks for EVA-CLIP (eva.py there).
var evaFamily = trunkFamily{
	names: []string{"eva02_*_patch*_clip_*", "eva_giant_patch14_224", "eva_giant_patch14_clip_224"},
	pools: []string{"token"},
	read: func(t *trunk, name string, set *weights.Set) {
		t.readTransformer(set)
		t.SwiGLU = set.Has("visual.trunk.blocks.0.mlp.fc1_g.weight")
		t.MLPWidth = set.Size("visual.trunk.blocks.0.mlp.fc2.weight", 1)
		t.NormAfter = strings.HasPrefix(name, "eva02_enormous_")
		if t.Heads == 0 {
			t.Heads = evaHeads[t.Width]
		}
	},
	check: func(t *trunk, imageSize int64) error {
		if err := t.checkTransformer(imageSize); err != nil {
			return err
		}
		if t.SwiGLU && t.Width/t.Heads%4 != 0 {
			return fmt.Errorf("its vision width %d for %d heads does not allow rotary embeddings", t.Width, t.Heads)
		}
		return nil
	},
	add: (*trunk).eva,
}

// eva adds EVA-02 if the perceptrons are SwiGLUs, and otherwise EVA or, with normalizations at the
// end of each branch, EVA-02's largest network.
func (t *trunk) eva(node *architecture.Node, imageSize, outputs int64) {
	const eps = 1e-6
	layer := timmLayer()
	model := node.Child("trunk", "Eva")
	model.Child("patch_embed", "TimmPatchEmbedding").Conv2d("proj", architecture.Conv{
		Layer: layer, In: 3, Out: t.Width, Kernel: t.PatchSize, Stride: t.PatchSize})
	side := imageSize / t.PatchSize
	model.Set("side", side).Set("head_width", t.Width/t.Heads)
	model.Parameter("cls_token", architecture.Normal(0.02), 1, 1, t.Width)
	model.Parameter("pos_embed", architecture.Normal(0.02), 1, side*side+1, t.Width)
	class := "EvaBlock"
	if t.NormAfter {
		class = "EvaBlockPostNorm"
	}
	blocks := model.Child("blocks", "")
	for range t.Layers {
		block := blocks.Item(class)
		block.LayerNorm("norm1", t.Width, eps)
		t.evaAttention(block, layer, eps)
		block.LayerNorm("norm2", t.Width, eps)
		if t.SwiGLU {
			mlp := block.Child("mlp", "SwiGLU")
			mlp.Linear("fc1_g", t.Width, t.MLPWidth, layer)
			mlp.Linear("fc1_x", t.Width, t.MLPWidth, layer)
			mlp.LayerNorm("norm", t.MLPWidth, eps)
			mlp.Linear("fc2", t.MLPWidth, t.Width, layer)
		} else {
			mlp := block.Child("mlp", "TimmPerceptron")
			mlp.Linear("fc1", t.Width, t.MLPWidth, layer)
			mlp.Plain("act", "GELU")
			mlp.Linear("fc2", t.MLPWidth, t.Width, layer)
		}
	}
	model.LayerNorm("norm", t.Width, eps)
	timmHead(model, t.Width, outputs)
}

func (t *trunk) evaAttention(block *architecture.Node, layer architecture.Layer, eps float64) {
	attention := block.Child("attn", "EvaAttention").Set("heads", t.Heads)
	unbiased := architecture.Layer{Weight: layer.Weight, NoBias: true}
	if t.SwiGLU {
		attention.Set("rotary", true)
		attention.Linear("q_proj", t.Width, t.Width, layer)
		attention.Linear("k_proj", t.Width, t.Width, unbiased)
		attention.Linear("v_proj", t.Width, t.Width, layer)
		attention.LayerNorm("norm", t.Width, eps)
	} else {
		attention.Linear("qkv", t.Width, 3*t.Width, unbiased)
		attention.Parameter("q_bias", architecture.Zeros, t.Width).Parameter("v_bias", architecture.Zeros, t.Width)
		attention.Plain("norm", "Identity")
	}
	attention.Linear("proj", t.Width, t.Width, layer)
}
