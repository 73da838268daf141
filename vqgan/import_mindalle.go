package vqgan

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// isDetokenizer reports whether a checkpoint is min-dalle's VQGanDetokenizer: taming's codebook and decoder.
func isDetokenizer(set *weights.Set) bool {
	return set.Has("embedding.weight") && set.Has("post_quant_conv.weight") && set.HasPrefix("decoder.up.") && !set.HasPrefix("encoder.")
}

// identifyDetokenizer reads the network off the shapes (vqgan_detokenizer.py in min-dalle).
func identifyDetokenizer(set *weights.Set) (*identified, error) {
	levels := set.Count("decoder.up")
	if levels < 1 || levels > mostLevels {
		return nil, fmt.Errorf("its decoder has %d levels: %w", levels, torch.ErrModel)
	}
	n := &network{CodebookSize: set.Size("embedding.weight", 0), EmbeddingDimension: set.Size("embedding.weight", 1), DecoderOnly: true}
	s := &n.Structure
	s.Epsilon = 1e-5
	s.UnitRange, s.ImageChannels, s.OutChannels = true, pictureChannels, set.Size("decoder.conv_out.weight", 0)
	s.ZChannels, s.Resolution, s.Attention = set.Size("decoder.conv_in.weight", 1), max(assumedResolution, int64(1)<<(levels-1)), []int64{}
	s.Channels, s.Blocks = set.Size("decoder.conv_out.weight", 1), set.Count("decoder.up.0.block")-1
	for i := range levels {
		channels := set.Size(fmt.Sprintf("decoder.up.%d.block.0.conv1.weight", i), 0)
		s.Multipliers = append(s.Multipliers, float64(channels)/float64(max(1, s.Channels)))
		if set.HasPrefix(fmt.Sprintf("decoder.up.%d.attn.", i)) {
			s.Attention = append(s.Attention, s.Resolution>>i)
		}
	}
	return &identified{design: n, set: set.Rename(func(name string) string {
		if name == "embedding.weight" {
			return "quantizer.embedding.weight"
		}
		return name
	})}, nil
}
