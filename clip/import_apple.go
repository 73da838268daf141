package clip

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Apple's own checkpoints of MobileCLIP (mobileclip_s1.pt and the like) have the names of its
// ml-mobileclip. Here they get open_clip's, as in convert.py there and checkpoint_filter_fn in timm's
// fastvit.py and vision_transformer_hybrid.py.

const appleImages, appleTexts = "image_encoder.model.", "text_encoder."

// isApple reports whether tensors have the names of Apple's ml-mobileclip.
func isApple(set *weights.Set) bool { return set.HasPrefix(appleImages) && set.HasPrefix(appleTexts) }

// fromApple gives the tensors open_clip's names and shapes.
func fromApple(set *weights.Set) (*weights.Set, error) {
	if slices.ContainsFunc(set.Names(), func(name string) bool {
		return strings.HasPrefix(name, appleTexts) && strings.Contains(name, ".token_mixer.")
	}) {
		return nil, fmt.Errorf("its text encoder has convolutions, as that of MobileCLIP-S0, which is not supported: %w", torch.ErrModel)
	}
	image := appleTransformerNames
	stages := appleStages(set)
	convolutional := len(stages) > 0
	if convolutional {
		image = appleFastViTNames
	}
	renamed := set.Rename(func(name string) string {
		if rest, ok := strings.CutPrefix(name, appleTexts); ok {
			return appleTextNames.Replace(rest)
		}
		rest, ok := strings.CutPrefix(name, appleImages)
		if !ok {
			return name
		}
		if convolutional {
			rest = appleStageName(rest, stages)
			if strings.Contains(rest, "layer_scale") {
				rest += ".gamma"
			}
		}
		return "visual.trunk." + image.Replace(rest)
	})
	renamed.Reshape("positional_embedding", renamed.Size("positional_embedding", -2), -1)
	const positions = "visual.trunk.pos_embed"
	renamed.Reshape(positions, 1, renamed.Size(positions, -2), -1)
	// The projection is a matrix without a bias.
	layer := "visual.trunk.head"
	if convolutional {
		layer += ".fc"
	}
	if matrix := renamed.Shape("visual.trunk.proj"); len(matrix) == 2 {
		dtype := renamed.DType("visual.trunk.proj")
		renamed.Transpose("visual.trunk.proj", layer+".weight")
		renamed.Add(weights.Entry{Name: layer + ".bias", Shape: matrix[1:], DType: dtype, Read: func() (bias *torch.Tensor, err error) {
			err = torch.Try(func() error {
				bias = torch.Zeros(matrix[1:], dtype)
				return nil
			})
			return bias, err
		}})
	}
	return renamed, nil
}

// appleTextNames are replaced in the names of the text encoder.
var appleTextNames = strings.NewReplacer(
	"projection_layer", "text_projection",
	"embedding_layer.", "token_embedding.",
	"positional_embedding.pos_embed.pos_embed", "positional_embedding",
	"final_layer_norm.", "ln_final.",
	"transformer.", "transformer.resblocks.",
	"pre_norm_mha.0.", "ln_1.", "pre_norm_mha.1.qkv_proj.", "attn.in_proj_", "pre_norm_mha.1.", "attn.",
	"pre_norm_ffn.0.", "ln_2.", "pre_norm_ffn.1.", "mlp.c_fc.", "pre_norm_ffn.4.", "mlp.c_proj.",
)

// appleTransformerNames are replaced in the names of MobileCLIP-B's image encoder.
var appleTransformerNames = strings.NewReplacer(
	"patch_emb.", "patch_embed.backbone.", "block.conv.", "conv.", "block.norm.", "bn.",
	"post_transformer_norm.", "norm.", "transformer.", "blocks.",
	"pre_norm_mha.0.", "norm1.", "pre_norm_mha.1.qkv_proj.", "attn.qkv.", "pre_norm_mha.1.out_proj.", "attn.proj.",
	"pre_norm_ffn.0.", "norm2.", "pre_norm_ffn.1.", "mlp.fc1.", "pre_norm_ffn.4.", "mlp.fc2.",
	"pos_embed.pos_embed.pos_embed", "pos_embed", "classifier.proj", "proj",
)

// appleFastViTNames are replaced in the names of the other models' image encoders.
var appleFastViTNames = strings.NewReplacer(
	"patch_embed.", "stem.", "rbr_conv.", "conv_kxk.", "rbr_scale.", "conv_scale.", "rbr_skip.", "identity.",
	"conv_exp.", "final_conv.", "lkb_origin.", "large_conv.", "convffn.", "mlp.",
	"se.reduce.", "se.fc1.", "se.expand.", "se.fc2.", "head.proj", "proj",
)

// appleLayer is a layer of the image encoder's list, in which stages, what halves the resolution
// between them, and convolutions that tell positions follow each other.
var appleLayer = regexp.MustCompile(`^network\.(\d+)\.(proj\.|pe\.)?(.*)$`)

// appleStages returns the numbers of the layers that halve the resolution.
func appleStages(set *weights.Set) []int {
	var stages []int
	for _, name := range set.Names() {
		rest, _ := strings.CutPrefix(name, appleImages)
		if match := appleLayer.FindStringSubmatch(rest); match != nil && match[2] == "proj." {
			if number, err := strconv.Atoi(match[1]); err == nil && !slices.Contains(stages, number) {
				stages = append(stages, number)
			}
		}
	}
	slices.Sort(stages)
	return stages
}

// appleStageName replaces the number of a layer by the stage to which it belongs.
func appleStageName(name string, stages []int) string {
	match := appleLayer.FindStringSubmatch(name)
	if match == nil {
		return name
	}
	number, err := strconv.Atoi(match[1])
	if err != nil {
		return name
	}
	stage, found := slices.BinarySearch(stages, number)
	if found {
		stage++
	}
	part := map[string]string{"proj.": "downsample.proj.", "pe.": "pos_emb.pos_enc.", "": "blocks."}[match[2]]
	return fmt.Sprintf("stages.%d.%s%s", stage, part, match[3])
}

// appleArchitecture returns the name of the architecture of renamed tensors, or "" if it is none of
// Apple's published ones.
func appleArchitecture(set *weights.Set) string {
	if set.Has("visual.trunk.patch_embed.backbone.0.conv.weight") {
		return "MobileCLIP-B"
	}
	switch set.Size("visual.trunk.stem.0.conv_kxk.0.conv.weight", 0) {
	case 64:
		return "MobileCLIP-S1"
	case 80:
		return "MobileCLIP-S2"
	}
	return ""
}
