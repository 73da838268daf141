package clip

import (
	_ "embed"
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed mobileclip.py
var mobileclipText string

// fastvitHeadWidth is the width of an attention head.
const fastvitHeadWidth = 32

// fastvitFamily are timm's FastViTs for MobileCLIP (fastvit.py there).
var fastvitFamily = trunkFamily{
	names: []string{"fastvit_mci[0-4]"},
	pools: []string{"avg"},
	read: func(t *trunk, _ string, set *weights.Set) {
		const prefix = "visual.trunk."
		t.Merged = set.Has(prefix + "stem.0.reparam_conv.weight")
		t.StemScale = set.Has(prefix + "stem.0.conv_scale.conv.weight")
		t.Stages = nil
		for i := range set.Count(prefix + "stages") {
			part := fmt.Sprintf("%sstages.%d.", prefix, i)
			t.Stages = append(t.Stages, stage{
				Width:     set.Size(part+"blocks.0.mlp.fc2.weight", 0),
				Layers:    set.Count(part + "blocks"),
				MLPWidth:  set.Size(part+"blocks.0.mlp.fc1.weight", 0),
				Attention: set.Has(part + "blocks.0.token_mixer.qkv.weight"),
				LayerNorm: set.Has(part+"blocks.0.norm.weight") && !set.Has(part+"blocks.0.norm.running_mean"),
				Excite:    set.Has(part + "downsample.proj.0.se.fc1.weight"),
				Positions: set.HasPrefix(part + "pos_emb."),
			})
		}
		t.Width = set.Size(prefix+"final_conv.se.fc2.weight", 0)
	},
	check: func(t *trunk, imageSize int64) error {
		if err := t.checkStages(); err != nil {
			return err
		}
		last := len(t.Stages) - 1
		if last < 3 || last > 4 || t.Width != 2*t.Stages[last].Width {
			return fmt.Errorf("its image encoder has %d stages and width %d, which is no FastViT's", len(t.Stages), t.Width)
		}
		for i, s := range t.Stages {
			if s.Attention && s.Width%fastvitHeadWidth != 0 || i > 0 && s.Width%t.Stages[i-1].Width != 0 {
				return fmt.Errorf("its image encoder has a stage of width %d, which is no FastViT's", s.Width)
			}
		}
		if imageSize < 32 {
			return fmt.Errorf("its image size is %d, a FastViT's at least 32", imageSize)
		}
		return nil
	},
	add: (*trunk).fastvit,
}

// fastvit adds the network.
func (t *trunk) fastvit(node *architecture.Node, _, outputs int64) {
	model := node.Child("trunk", "FastViT")
	channels := t.Stages[0].Width
	stem := model.Child("stem", "Sequential")
	t.mobileOne(stem, "0", mobileOne{in: 3, out: channels, kernel: 3, stride: 2, groups: 1, noScale: !t.StemScale})
	t.mobileOne(stem, "1", mobileOne{in: channels, out: channels, kernel: 3, stride: 2, groups: channels, noScale: !t.StemScale})
	t.mobileOne(stem, "2", mobileOne{in: channels, out: channels, kernel: 1, stride: 1, groups: 1})
	stages := model.Child("stages", "Sequential")
	for i, s := range t.Stages {
		part := stages.Item("FastViTStage")
		if i > 0 {
			t.fastvitDownsample(part, channels, s)
		} else {
			part.Plain("downsample", "Identity")
		}
		channels = s.Width
		if s.Positions {
			name := "pos_enc"
			if t.Merged {
				name = "reparam_conv"
			}
			part.Child("pos_emb", "ConditionalPosition").Conv2d(name, architecture.Conv{
				In: channels, Out: channels, Kernel: 7, Padding: 3, Groups: channels})
		} else {
			part.Plain("pos_emb", "Identity")
		}
		blocks := part.Child("blocks", "Sequential")
		for range s.Layers {
			if s.Attention {
				fastvitAttention(blocks, s)
			} else {
				t.repMixer(blocks, s)
			}
		}
	}
	t.mobileOne(model, "final_conv", mobileOne{in: channels, out: t.Width, kernel: 3, stride: 1, groups: channels, excite: t.Width / 16})
	head := model.Child("head", "FastViTHead")
	if outputs > 0 {
		head.Linear("fc", t.Width, outputs, timmLayer())
	} else {
		head.Plain("fc", "Identity")
	}
}

// A mobileOne describes a block of MobileOne (Vasu et al. 2023).
type mobileOne struct {
	in, out, kernel, stride, groups int64
	// excite is the inner width of squeeze and excitation, or 0.
	excite int64
	// noScale is true without the branch of a kernel of 1, noConv without that of the whole kernel,
	// and noActivation without an activation.
	noScale, noConv, noActivation bool
}

func (t *trunk) mobileOne(node *architecture.Node, name string, m mobileOne) {
	block := node.Child(name, "MobileOneBlock")
	conv := architecture.Conv{In: m.in, Out: m.out, Kernel: m.kernel, Stride: m.stride, Padding: m.kernel / 2, Groups: m.groups}
	if t.Merged {
		block.Conv2d("reparam_conv", conv)
	} else {
		if m.in == m.out && m.stride == 1 {
			block.BatchNorm2d("identity", m.in, architecture.Ones)
		}
		if !m.noConv {
			convNorm(block.Child("conv_kxk", "Sequential"), "0", "ConvNorm", conv)
		}
		if m.kernel > 1 && !m.noScale {
			conv.Kernel, conv.Padding = 1, 0
			convNorm(block, "conv_scale", "ConvNorm", conv)
		}
	}
	squeezeExcite(block, m.out, m.excite)
	if m.noActivation {
		block.Plain("act", "Identity")
	} else {
		block.Plain("act", "GELU")
	}
}

// convNorm adds a convolution without a bias, and its batch normalization.
func convNorm(node *architecture.Node, name, class string, conv architecture.Conv) {
	conv.NoBias = true
	child := node.Child(name, class)
	child.Conv2d("conv", conv)
	child.BatchNorm2d("bn", conv.Out, architecture.Ones)
}

func squeezeExcite(node *architecture.Node, channels, inner int64) {
	if inner == 0 {
		node.Plain("se", "Identity")
		return
	}
	child := node.Child("se", "SqueezeExcite")
	child.Conv2d("fc1", architecture.Conv{In: channels, Out: inner, Kernel: 1})
	child.Conv2d("fc2", architecture.Conv{In: inner, Out: channels, Kernel: 1})
}

// fastvitDownsample halves the resolution.
func (t *trunk) fastvitDownsample(part *architecture.Node, channels int64, s stage) {
	proj := part.Child("downsample", "FastViTDownsample").Child("proj", "Sequential")
	large := proj.Item("LargeKernelConv")
	conv := architecture.Conv{In: channels, Out: s.Width, Kernel: 7, Stride: 2, Padding: 3, Groups: channels}
	if t.Merged {
		large.Conv2d("reparam_conv", conv)
	} else {
		convNorm(large, "large_conv", "ConvNorm", conv)
		conv.Kernel, conv.Padding = 3, 1
		convNorm(large, "small_conv", "ConvNorm", conv)
	}
	inner := int64(0)
	if s.Excite {
		inner = max(8, (s.Width/4+4)/8*8) // a quarter, rounded to a multiple of 8
	}
	squeezeExcite(large, s.Width, inner)
	t.mobileOne(proj, "1", mobileOne{in: s.Width, out: s.Width, kernel: 1, stride: 1, groups: 1})
}

// repMixer adds a block that mixes positions by convolutions.
func (t *trunk) repMixer(blocks *architecture.Node, s stage) {
	block := blocks.Item("RepMixerBlock")
	mixer := block.Child("token_mixer", "RepMixer")
	one := mobileOne{in: s.Width, out: s.Width, kernel: 3, stride: 1, groups: s.Width, noActivation: true}
	if t.Merged {
		mixer.Conv2d("reparam_conv", architecture.Conv{In: s.Width, Out: s.Width, Kernel: 3, Padding: 1, Groups: s.Width})
	} else {
		t.mobileOne(mixer, "mixer", one)
		one.noScale, one.noConv = true, true
		t.mobileOne(mixer, "norm", one)
		scale2d(mixer, "layer_scale", s.Width)
	}
	convPerceptron(block, s)
	scale2d(block, "layer_scale", s.Width)
}

func scale2d(node *architecture.Node, name string, channels int64) {
	node.Child(name, "LayerScale").Parameter("gamma", architecture.Constant(1e-5), channels, 1, 1)
}

func convPerceptron(block *architecture.Node, s stage) {
	mlp := block.Child("mlp", "ConvPerceptron")
	convNorm(mlp, "conv", "ConvNorm", architecture.Conv{In: s.Width, Out: s.Width, Kernel: 7, Padding: 3, Groups: s.Width})
	mlp.Conv2d("fc1", architecture.Conv{Layer: timmLayer(), In: s.Width, Out: s.MLPWidth, Kernel: 1})
	mlp.Conv2d("fc2", architecture.Conv{Layer: timmLayer(), In: s.MLPWidth, Out: s.Width, Kernel: 1})
}

// fastvitAttention adds a block that mixes positions by attention.
func fastvitAttention(blocks *architecture.Node, s stage) {
	block := blocks.Item("FastViTAttentionBlock")
	if s.LayerNorm {
		layerNorm2d(block, "norm", s.Width, 1e-5)
	} else {
		block.BatchNorm2d("norm", s.Width, architecture.Ones)
	}
	attention := block.Child("token_mixer", "FastViTAttention").Set("heads", s.Width/fastvitHeadWidth)
	attention.Linear("qkv", s.Width, 3*s.Width, architecture.Layer{NoBias: true})
	attention.Linear("proj", s.Width, s.Width, timmLayer())
	scale2d(block, "layer_scale_1", s.Width)
	convPerceptron(block, s)
	scale2d(block, "layer_scale_2", s.Width)
}
