package clip

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

// timmHeads are the numbers of heads of timm's vision transformers by their width.
var timmHeads = map[int64]int64{384: 6, 768: 12, 1024: 16, 1280: 16}

// transformerFamily are timm's vision transformers for MobileCLIP (vision_transformer.py and
// vision_transformer_hybrid.py there): CLIP's, with a normalization before the blocks, and one whose
// patches are made by convolutions.
var transformerFamily = trunkFamily{
	names: []string{"vit_base_mci_224", "vit_*_patch*_clip_[0-9][0-9][0-9]"},
	pools: []string{"token"},
	read: func(t *trunk, _ string, set *weights.Set) {
		const prefix = "visual.trunk."
		t.readTransformer(set)
		t.MLPWidth = set.Size(prefix+"blocks.0.mlp.fc1.weight", 0)
		t.Epsilon = 1e-5
		if t.StemWidth = set.Size(prefix+"patch_embed.backbone.0.conv.weight", 0); t.StemWidth > 0 {
			t.Width, t.PatchSize, t.Epsilon = set.Size(prefix+"patch_embed.backbone.2.conv.weight", 0), 16, 1e-6
		}
		if t.Heads == 0 {
			t.Heads = timmHeads[t.Width]
		}
	},
	check: func(t *trunk, imageSize int64) error {
		if t.StemWidth < 0 || t.StemWidth > 1<<20 || t.StemWidth > 0 && t.PatchSize != 16 {
			return fmt.Errorf("its image encoder has a stem of width %d and patches of %d", t.StemWidth, t.PatchSize)
		}
		return t.checkTransformer(imageSize)
	},
	add: (*trunk).transformer,
}

// transformer adds the network.
func (t *trunk) transformer(node *architecture.Node, imageSize, outputs int64) {
	layer := timmLayer()
	model := node.Child("trunk", "TimmTransformer")
	side := imageSize / t.PatchSize
	positions := side*side + 1
	if t.StemWidth > 0 {
		positions--
		model.Plain("norm_pre", "Identity")
		stem := model.Child("patch_embed", "ConvPatchEmbedding").Child("backbone", "Sequential")
		convNorm(stem, "0", "ConvNormGELU", architecture.Conv{In: 3, Out: t.StemWidth, Kernel: 4, Stride: 4})
		convNorm(stem, "1", "ConvNormGELU", architecture.Conv{In: t.StemWidth, Out: t.StemWidth, Kernel: 2, Stride: 2})
		stem.Child("2", "LastConv").Conv2d("conv", architecture.Conv{In: t.StemWidth, Out: t.Width, Kernel: 2, Stride: 2})
	} else {
		model.LayerNorm("norm_pre", t.Width, t.Epsilon)
		model.Child("patch_embed", "TimmPatchEmbedding").Conv2d("proj", architecture.Conv{
			Layer: architecture.Layer{NoBias: true}, In: 3, Out: t.Width, Kernel: t.PatchSize, Stride: t.PatchSize})
	}
	model.Parameter("cls_token", architecture.Normal(0.02), 1, 1, t.Width)
	model.Parameter("pos_embed", architecture.Normal(0.02), 1, positions, t.Width)
	t.timmBlocks(model, t.Epsilon, layer)
	model.LayerNorm("norm", t.Width, t.Epsilon)
	timmHead(model, t.Width, outputs)
}
