package vqgan

import (
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// A dvae says how DALL-E's discrete VAE is built, in the fields of dall_e's Encoder and Decoder.
type dvae struct {
	Family         string `json:"family"` // dvaeFamily
	Vocabulary     int64  `json:"vocab_size"`
	InitialWidth   int64  `json:"n_init"`
	EncoderWidth   int64  `json:"encoder_n_hid"`
	DecoderWidth   int64  `json:"decoder_n_hid"`
	BlocksPerGroup int64  `json:"n_blk_per_group"`
}

const dvaeFamily = "dvae"

func newDVAE(vocabulary, initialWidth, encoderWidth, decoderWidth, blocks int64) *dvae {
	return &dvae{dvaeFamily, vocabulary, initialWidth, encoderWidth, decoderWidth, blocks}
}

// dvaeGroups is the number of groups of blocks, with the resolution halved between them.
const dvaeGroups = 4

func (d *dvae) check() error {
	for _, each := range []struct {
		name  string
		value int64
	}{
		{"vocab_size", d.Vocabulary}, {"n_init", d.InitialWidth}, {"encoder's n_hid", d.EncoderWidth}, {"decoder's n_hid", d.DecoderWidth},
	} {
		if each.value < 1 || each.value > largestSize {
			return fmt.Errorf("its %s is %d", each.name, each.value)
		}
	}
	if d.BlocksPerGroup < 1 || d.BlocksPerGroup > mostBlocks {
		return fmt.Errorf("its n_blk_per_group is %d", d.BlocksPerGroup)
	}
	if d.EncoderWidth%4 != 0 || d.DecoderWidth%4 != 0 {
		return fmt.Errorf("its widths %d and %d are no multiples of 4", d.EncoderWidth, d.DecoderWidth)
	}
	return nil
}

func (d *dvae) sizes() Config {
	return Config{
		DownsamplingFactor: 1 << (dvaeGroups - 1), CodebookSize: d.Vocabulary, EmbeddingDimension: d.InitialWidth, ImageSize: 256,
	}
}

func (d *dvae) describe() string { return fmt.Sprintf("dvae-f%d-%d", 1<<(dvaeGroups-1), d.Vocabulary) }

func (d *dvae) parts(weights architecture.Weights) *jit.Parts {
	root := architecture.New("DVAE", weights)

	encoder := root.Child("encoder", "DVAEEncoder").Child("blocks", "Sequential")
	dvaeConvolution(encoder, "input", 3, d.EncoderWidth, 7)
	channels := d.EncoderWidth
	for i := range int64(dvaeGroups) {
		group := encoder.Child(fmt.Sprintf("group_%d", i+1), "Sequential")
		channels = d.group(group, channels, d.EncoderWidth<<i, [4]int64{3, 3, 3, 1})
		if i < dvaeGroups-1 {
			group.Plain("pool", "MaxPool")
		}
	}
	dvaeOutput(encoder, channels, d.Vocabulary)

	decoder := root.Child("decoder", "DVAEDecoder").Parameter("bias", architecture.Zeros, d.InitialWidth)
	blocks := decoder.Child("blocks", "Sequential")
	channels = d.InitialWidth
	for i := range int64(dvaeGroups) {
		group := blocks.Child(fmt.Sprintf("group_%d", i+1), "Sequential")
		channels = d.group(group, channels, d.DecoderWidth<<(dvaeGroups-1-i), [4]int64{1, 3, 3, 3})
		if i < dvaeGroups-1 {
			group.Plain("upsample", "Upsample")
		}
	}
	dvaeOutput(blocks, channels, 6) // means and logarithms of scales

	// Its training had no codebook loss; these weights are those of a VQGAN's.
	quantizer := root.Child("quantizer", "Quantizer").Set("codebook_weight", 0.25).Set("commitment_weight", 1.0)
	// The initial values are those of the convolution whose weights the rows are.
	quantizer.Embedding("embedding", d.Vocabulary, d.InitialWidth, architecture.Normal(1/math.Sqrt(float64(d.Vocabulary))))
	return root.Parts()
}

// group adds blocks whose convolutions have the kernels, and returns the number of their channels.
func (d *dvae) group(node *architecture.Node, in, out int64, kernels [4]int64) int64 {
	layers := float64(dvaeGroups * d.BlocksPerGroup)
	for i := range d.BlocksPerGroup {
		block := node.Child(fmt.Sprintf("block_%d", i+1), "DVAEBlock").Set("post_gain", 1/(layers*layers))
		if in == out {
			block.Plain("id_path", "Identity")
		} else {
			dvaeConvolution(block, "id_path", in, out, 1)
		}
		path := block.Child("res_path", "Sequential")
		hidden := out / 4
		for j, sizes := range [][2]int64{{in, hidden}, {hidden, hidden}, {hidden, hidden}, {hidden, out}} {
			path.Plain(fmt.Sprintf("relu_%d", j+1), "ReLU")
			dvaeConvolution(path, fmt.Sprintf("conv_%d", j+1), sizes[0], sizes[1], kernels[j])
		}
		in = out
	}
	return out
}

func dvaeOutput(node *architecture.Node, in, out int64) {
	output := node.Child("output", "Sequential")
	output.Plain("relu", "ReLU")
	dvaeConvolution(output, "conv", in, out, 1)
}

// dvaeConvolution adds a convolution with dall_e's initial weights.
func dvaeConvolution(node *architecture.Node, name string, in, out, kernel int64) {
	node.Conv2d(name, architecture.Conv{
		Layer: architecture.Layer{Weight: architecture.Normal(1 / math.Sqrt(float64(in*kernel*kernel))), Bias: architecture.Zeros},
		In:    in, Out: out, Kernel: kernel, Padding: kernel / 2,
	})
}
