package clip

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed efficientnet.py
var efficientnetText string

// efficientnetStrides are those of the first block of each stage.
var efficientnetStrides = [7]int64{1, 2, 2, 2, 1, 2, 1}

// efficientnetExpansion is by how much the blocks after the first stage widen their channels.
const efficientnetExpansion = 6

// efficientnetFamily are timm's EfficientNet-Lites (efficientnet.py there).
var efficientnetFamily = trunkFamily{
	names: []string{"efficientnet_lite[0-4]", "tf_efficientnet_lite[0-4]"},
	pools: []string{"avg"},
	read: func(t *trunk, name string, set *weights.Set) {
		const prefix = "visual.trunk."
		// Networks from TensorFlow pad as it does, and normalize with its epsilon.
		t.SamePadding = strings.HasPrefix(name, "tf_")
		if t.Epsilon == 0 {
			t.Epsilon = 1e-5
			if t.SamePadding {
				t.Epsilon = 1e-3
			}
		}
		t.StemWidth = set.Size(prefix+"conv_stem.weight", 0)
		t.Stages = nil
		for i := range set.Count(prefix + "blocks") {
			part := fmt.Sprintf("%sblocks.%d", prefix, i)
			last := part + ".0.conv_pwl.weight"
			if i == 0 {
				last = part + ".0.conv_pw.weight"
			}
			t.Stages = append(t.Stages, stage{
				Width:    set.Size(last, 0),
				Layers:   set.Count(part),
				MLPWidth: set.Size(part+".0.conv_dw.weight", 0),
				Kernel:   set.Size(part+".0.conv_dw.weight", 2),
			})
		}
		t.Width = set.Size(prefix+"conv_head.weight", 0)
	},
	check: func(t *trunk, imageSize int64) error {
		if err := t.checkStages(); err != nil {
			return err
		}
		if len(t.Stages) != len(efficientnetStrides) || t.StemWidth < 1 || t.StemWidth > 1<<20 {
			return fmt.Errorf("its image encoder has %d stages after %d channels, which is no EfficientNet-Lite's", len(t.Stages), t.StemWidth)
		}
		for _, s := range t.Stages {
			if s.Kernel < 1 || s.Kernel > 15 || s.Kernel%2 == 0 {
				return fmt.Errorf("its image encoder has kernels of %d, which is no EfficientNet-Lite's", s.Kernel)
			}
		}
		if imageSize < 32 {
			return fmt.Errorf("its image size is %d, an EfficientNet-Lite's at least 32", imageSize)
		}
		return nil
	},
	add: (*trunk).efficientnet,
}

// efficientnet adds the network.
func (t *trunk) efficientnet(node *architecture.Node, _, outputs int64) {
	model := node.Child("trunk", "EfficientNet")
	t.conv(model, "conv_stem", architecture.Conv{In: 3, Out: t.StemWidth, Kernel: 3, Stride: 2})
	t.batchNorm(model, "bn1", t.StemWidth)
	channels := t.StemWidth
	stages := model.Child("blocks", "Sequential")
	for i, s := range t.Stages {
		blocks := stages.Item("Sequential")
		for j := range s.Layers {
			stride := int64(1)
			if j == 0 {
				stride = efficientnetStrides[i]
			}
			if i == 0 {
				t.depthwiseSeparable(blocks, channels, s, stride)
			} else {
				t.invertedResidual(blocks, channels, s, stride)
			}
			channels = s.Width
		}
	}
	t.conv(model, "conv_head", architecture.Conv{In: channels, Out: t.Width, Kernel: 1, Stride: 1})
	t.batchNorm(model, "bn2", t.Width)
	if outputs > 0 {
		model.Linear("classifier", t.Width, outputs, timmLayer())
	} else {
		model.Plain("classifier", "Identity")
	}
}

// depthwiseSeparable adds a block of the first stage.
func (t *trunk) depthwiseSeparable(blocks *architecture.Node, inputs int64, s stage, stride int64) {
	block := blocks.Item("DepthwiseSeparable")
	t.conv(block, "conv_dw", architecture.Conv{In: inputs, Out: inputs, Kernel: s.Kernel, Stride: stride, Groups: inputs})
	t.batchNorm(block, "bn1", inputs)
	t.conv(block, "conv_pw", architecture.Conv{In: inputs, Out: s.Width, Kernel: 1, Stride: 1})
	t.batchNorm(block, "bn2", s.Width)
	block.Set("skip", stride == 1 && inputs == s.Width)
}

// invertedResidual adds a block of the other stages.
func (t *trunk) invertedResidual(blocks *architecture.Node, inputs int64, s stage, stride int64) {
	block := blocks.Item("InvertedResidual")
	wide := inputs * efficientnetExpansion
	t.conv(block, "conv_pw", architecture.Conv{In: inputs, Out: wide, Kernel: 1, Stride: 1})
	t.batchNorm(block, "bn1", wide)
	t.conv(block, "conv_dw", architecture.Conv{In: wide, Out: wide, Kernel: s.Kernel, Stride: stride, Groups: wide})
	t.batchNorm(block, "bn2", wide)
	t.conv(block, "conv_pwl", architecture.Conv{In: wide, Out: s.Width, Kernel: 1, Stride: 1})
	t.batchNorm(block, "bn3", s.Width)
	block.Set("skip", stride == 1 && inputs == s.Width)
}

// conv adds a convolution without bias, which pads as the network does.
func (t *trunk) conv(node *architecture.Node, name string, c architecture.Conv) {
	c.Layer = timmLayer()
	c.NoBias = true
	if !t.SamePadding || c.Stride == 1 {
		c.Padding = c.Kernel / 2
		node.Conv2d(name, c)
		return
	}
	groups := max(c.Groups, 1)
	node.Child(name, "SameConv2d").Parameter("weight", c.Weight, c.Out, c.In/groups, c.Kernel, c.Kernel).
		Set("stride", c.Stride).Set("groups", groups)
}

// batchNorm adds a batch normalization with the network's epsilon.
func (t *trunk) batchNorm(node *architecture.Node, name string, channels int64) {
	node.Child(name, "BatchNorm2d").Parameter("weight", architecture.Ones, channels).Parameter("bias", architecture.Zeros, channels).
		Buffer("running_mean", architecture.Zeros, channels).Buffer("running_var", architecture.Ones, channels).
		Buffer("num_batches_tracked", architecture.Zeros).Set("eps", t.Epsilon)
}
