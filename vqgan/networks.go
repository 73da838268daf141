package vqgan

import (
	"encoding/json"
	"maps"
	"slices"
)

// taming returns a network of the width and with the settings that all published ones of
// taming-transformers and latent-diffusion share.
func taming(codebookSize, dimension int64, multipliers []float64, attention ...int64) *network {
	return &network{CodebookSize: codebookSize, EmbeddingDimension: dimension, Structure: structure{
		Channels: 128, ImageChannels: 3, OutChannels: 3, Multipliers: multipliers, Blocks: 2, Resolution: 256,
		ZChannels: dimension, Attention: append([]int64{}, attention...)}}
}

// designs are the networks that are known by name.
var designs = func() map[string]design {
	gumbel := taming(8192, 256, []float64{1, 1, 2, 4}, 32)
	gumbel.Gumbel = true
	small := taming(1024, 16, []float64{1, 1, 2})
	small.Structure.Channels, small.Structure.Blocks, small.Structure.Resolution = 32, 1, 64
	small.Structure.ZChannels, small.Structure.Groups = 64, 8
	movq := taming(16384, 4, []float64{1, 2, 2, 4}, 32)
	movq.Structure.SpatialNorm = true
	drawings := taming(2048, 16, []float64{1, 2, 4, 4})
	drawings.Structure.Channels, drawings.Structure.Blocks, drawings.Structure.Resolution = 32, 1, 128
	drawings.Structure.ZChannels, drawings.Structure.Groups = 64, 8
	return map[string]design{
		"f16-1024":       taming(1024, 256, []float64{1, 1, 2, 2, 4}, 16),
		"f16-16384":      taming(16384, 256, []float64{1, 1, 2, 2, 4}, 16),
		"gumbel-f8-8192": gumbel,
		// latent-diffusion's.
		"vq-f4":  taming(8192, 3, []float64{1, 2, 4}),
		"vq-f8":  taming(16384, 4, []float64{1, 2, 2, 4}, 32),
		"vq-f16": taming(16384, 8, []float64{1, 1, 2, 2, 4}, 16),
		// Kandinsky's.
		"movq-f8-16384": movq,
		// DALL-E's.
		"dvae-f8-8192": newDVAE(8192, 128, 256, 256, 2),
		// That of models/vqgan.pt. With 32 channels, 32 groups would be one channel a group, which takes
		// the mean brightness out of every feature map; 8 groups keep it.
		"f4-1024-emoji": small,
		// That of scripts/training/train_vqgan128.py.
		"f8-2048-drawings": drawings,
	}
}()

// Architectures returns the names of the architectures that [Import] knows.
func Architectures() []string { return slices.Sorted(maps.Keys(designs)) }

// known returns the name of a design, or a description.
func known(d design) string {
	settings, err := json.Marshal(d)
	if err == nil {
		for _, name := range Architectures() {
			if other, err := json.Marshal(designs[name]); err == nil && string(other) == string(settings) {
				return name
			}
		}
	}
	return d.describe()
}

// decodeDesign reads the settings of a network in an archive's config.json.
func decodeDesign(settings []byte) (design, error) {
	var header struct {
		Family string `json:"family"`
	}
	if err := json.Unmarshal(settings, &header); err != nil {
		return nil, err
	}
	var d design = &network{}
	if header.Family == dvaeFamily {
		d = &dvae{}
	}
	return d, json.Unmarshal(settings, d)
}
