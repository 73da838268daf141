package vqgan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A diffusersConfig is the config.json of diffusers' VQModel. What is not here has no part in what
// it computes from images and tokens: lookup_from_codebook, scaling_factor, force_upcast.
type diffusersConfig struct {
	Class              string   `json:"_class_name"`
	InChannels         int64    `json:"in_channels"`
	OutChannels        int64    `json:"out_channels"`
	DownBlocks         []string `json:"down_block_types"`
	UpBlocks           []string `json:"up_block_types"`
	Channels           []int64  `json:"block_out_channels"`
	LayersPerBlock     int64    `json:"layers_per_block"`
	Activation         string   `json:"act_fn"`
	LatentChannels     int64    `json:"latent_channels"`
	SampleSize         any      `json:"sample_size"`
	CodebookSize       int64    `json:"num_vq_embeddings"`
	Groups             int64    `json:"norm_num_groups"`
	EmbeddingDimension *int64   `json:"vq_embed_dim"`
	NormType           string   `json:"norm_type"`
	MiddleAttention    bool     `json:"mid_block_add_attention"`
}

// identifyDiffusers identifies the weights of diffusers' VQModel, with its config.json beside path.
func identifyDiffusers(set *weights.Set, path string) (*identified, error) {
	data, err := weights.Beside(path, "config.json")
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fmt.Errorf("weights of diffusers need their config.json beside them: %w", torch.ErrModel)
	}
	n, err := networkFromDiffusers(data)
	if err != nil {
		return nil, fmt.Errorf("its config.json: %w: %w", err, torch.ErrModel)
	}
	return &identified{design: n, set: fromDiffusers(set, len(n.Structure.Multipliers)),
		configuration: "config.json"}, nil
}

func networkFromDiffusers(data []byte) (*network, error) {
	// The defaults of diffusers' VQModel.
	c := diffusersConfig{
		InChannels: 3, OutChannels: 3, DownBlocks: []string{"DownEncoderBlock2D"}, UpBlocks: []string{"UpDecoderBlock2D"},
		Channels: []int64{64}, LayersPerBlock: 1, Activation: "silu", LatentChannels: 3, CodebookSize: 256, Groups: 32,
		NormType: "group", MiddleAttention: true,
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	levels := len(c.Channels)
	switch {
	case c.Class == "AutoencoderKL":
		return nil, fmt.Errorf("it describes an AutoencoderKL, which has no codebook")
	case c.Class != "VQModel" && c.Class != "":
		return nil, fmt.Errorf("it describes a %q, wanted a VQModel", c.Class)
	case c.NormType != "group" && c.NormType != "spatial":
		return nil, fmt.Errorf("its norm_type %q is not supported, only \"group\" and \"spatial\" are", c.NormType)
	case c.Activation != "silu" && c.Activation != "swish":
		return nil, fmt.Errorf("its act_fn %q is not supported, only \"silu\" is", c.Activation)
	case levels < 1 || levels > mostLevels || len(c.DownBlocks) != levels || len(c.UpBlocks) != levels:
		return nil, fmt.Errorf("it has %d down_block_types, %d up_block_types and %d block_out_channels", len(c.DownBlocks), len(c.UpBlocks), levels)
	case c.Channels[0] < 1 || c.Groups < 1:
		return nil, fmt.Errorf("it has block_out_channels %v and norm_num_groups %d", c.Channels, c.Groups)
	}
	n := &network{CodebookSize: c.CodebookSize, EmbeddingDimension: c.LatentChannels}
	if c.EmbeddingDimension != nil {
		n.EmbeddingDimension = *c.EmbeddingDimension
	}
	s := &n.Structure
	*s = structure{
		Channels: c.Channels[0], ImageChannels: c.InChannels, OutChannels: c.OutChannels, Blocks: c.LayersPerBlock,
		ZChannels: c.LatentChannels, Resolution: c.resolution(), NoMiddleAttention: !c.MiddleAttention,
		Attention: []int64{}, DecoderAttention: []int64{}, SpatialNorm: c.NormType == "spatial",
	}
	if c.Groups != 32 {
		s.Groups = c.Groups
	}
	for i := range levels {
		s.Multipliers = append(s.Multipliers, float64(c.Channels[i])/float64(c.Channels[0]))
		for _, each := range []struct {
			block, plain, attends string
			resolutions           *[]int64
		}{
			{c.DownBlocks[i], "DownEncoderBlock2D", "AttnDownEncoderBlock2D", &s.Attention},
			// The decoder's stand in the order of their use.
			{c.UpBlocks[levels-1-i], "UpDecoderBlock2D", "AttnUpDecoderBlock2D", &s.DecoderAttention},
		} {
			switch each.block {
			case each.attends:
				*each.resolutions = append(*each.resolutions, s.Resolution>>i)
			case each.plain:
			default:
				return nil, fmt.Errorf("its block type %q is not supported, only %q and %q are", each.block, each.plain, each.attends)
			}
		}
	}
	if slices.Equal(s.DecoderAttention, s.Attention) {
		s.DecoderAttention = nil
	}
	return n, n.check()
}

// resolution is the size of the images that the model was trained on. sample_size is often left at
// its default of 32, which says nothing. It must differ from level to level.
func (c *diffusersConfig) resolution() int64 {
	size, _ := c.SampleSize.(float64)
	factor := int64(1) << (len(c.Channels) - 1)
	if size == 32 || size < 1 || size > largestSize || int64(size)%factor != 0 {
		return max(assumedResolution, factor)
	}
	return int64(size)
}

// diffusersNames are parts of names in diffusers, also of earlier versions, and ours.
var diffusersNames = strings.NewReplacer(
	"mid_block.resnets.0.", "mid.block_1.", "mid_block.attentions.0.", "mid.attn_1.", "mid_block.resnets.1.", "mid.block_2.",
	"down_blocks.", "down.", "resnets.", "block.", "attentions.", "attn.", "downsamplers.0.", "downsample.", "upsamplers.0.", "upsample.",
	"conv_shortcut.", "nin_shortcut.", "conv_norm_out.", "norm_out.", "group_norm.", "norm.", "spatial_norm.", "norm.",
	"to_q.", "q.", "to_k.", "k.", "to_v.", "v.", "to_out.0.", "proj_out.",
	"query.", "q.", "key.", "k.", "value.", "v.", "proj_attn.", "proj_out.",
	"quantize.", "quantizer.",
)

// fromDiffusers gives the tensors of diffusers' VQModel our names and shapes: the decoder's levels
// are counted from the highest resolution, and attention projects by convolutions.
func fromDiffusers(set *weights.Set, levels int) *weights.Set {
	const up = "decoder.up_blocks."
	renamed := set.Rename(func(name string) string {
		if rest, ok := strings.CutPrefix(name, up); ok {
			index, inner, _ := strings.Cut(rest, ".")
			if level, err := strconv.Atoi(index); err == nil && level >= 0 && level < levels {
				return fmt.Sprintf("decoder.up.%d.%s", levels-1-level, diffusersNames.Replace(inner))
			}
		}
		return diffusersNames.Replace(name)
	})
	for _, name := range renamed.Names() {
		if strings.Contains(name, ".attn") && strings.HasSuffix(name, ".weight") && len(renamed.Shape(name)) == 2 {
			renamed.Reshape(name, renamed.Size(name, 0), renamed.Size(name, 1), 1, 1)
		}
	}
	return renamed
}
