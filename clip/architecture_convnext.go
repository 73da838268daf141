package clip

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

//go:embed convnext.py
var convnextText string

// convnextFamily are timm's ConvNeXts (convnext.py there).
var convnextFamily = trunkFamily{
	names: []string{"convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "convnext_xlarge", "convnext_xxlarge"},
	pools: []string{"", "avg"},
	read: func(t *trunk, name string, set *weights.Set) {
		t.Stages = nil
		for i := range set.Count("visual.trunk.stages") {
			blocks := fmt.Sprintf("visual.trunk.stages.%d.blocks", i)
			t.Stages = append(t.Stages, stage{
				Width:    set.Size(blocks+".0.conv_dw.weight", 0),
				Layers:   set.Count(blocks),
				MLPWidth: set.Size(blocks+".0.mlp.fc1.weight", 0),
			})
		}
		if len(t.Stages) > 0 {
			t.Width = t.Stages[len(t.Stages)-1].Width
		}
		if t.Epsilon == 0 {
			t.Epsilon = 1e-6
			if strings.HasPrefix(name, "convnext_xxlarge") {
				t.Epsilon = 1e-5
			}
		}
	},
	check: func(t *trunk, imageSize int64) error {
		if len(t.Stages) != 4 || t.Stages[3].Width != t.Width {
			return fmt.Errorf("its image encoder has %d stages, a ConvNeXt has 4", len(t.Stages))
		}
		if imageSize < 32 {
			return fmt.Errorf("its image size is %d, a ConvNeXt's at least 32", imageSize)
		}
		return t.checkStages()
	},
	add: (*trunk).convnext,
}

// convnext adds the network. Its sizes but the widths are fixed: patches of 4, and kernels of 7.
func (t *trunk) convnext(node *architecture.Node, _, outputs int64) {
	layer := timmLayer()
	model := node.Child("trunk", "ConvNeXt")
	stem := model.Child("stem", "Sequential")
	channels := t.Stages[0].Width
	stem.Conv2d("0", architecture.Conv{Layer: layer, In: 3, Out: channels, Kernel: 4, Stride: 4})
	layerNorm2d(stem, "1", channels, t.Epsilon)
	stages := model.Child("stages", "Sequential")
	for i, s := range t.Stages {
		part := stages.Item("ConvNeXtStage")
		downsample := part.Child("downsample", "Sequential")
		if i > 0 {
			layerNorm2d(downsample, "0", channels, t.Epsilon)
			downsample.Conv2d("1", architecture.Conv{Layer: layer, In: channels, Out: s.Width, Kernel: 2, Stride: 2})
		}
		blocks := part.Child("blocks", "Sequential")
		for range s.Layers {
			block := blocks.Item("ConvNeXtBlock")
			block.Parameter("gamma", architecture.Constant(1e-6), s.Width)
			block.Conv2d("conv_dw", architecture.Conv{
				Layer: layer, In: s.Width, Out: s.Width, Kernel: 7, Padding: 3, Groups: s.Width})
			block.LayerNorm("norm", s.Width, t.Epsilon)
			mlp := block.Child("mlp", "TimmPerceptron")
			mlp.Linear("fc1", s.Width, s.MLPWidth, layer)
			mlp.Plain("act", "GELU")
			mlp.Linear("fc2", s.MLPWidth, s.Width, layer)
		}
		channels = s.Width
	}
	head := model.Child("head", "ConvNeXtHead")
	head.LayerNorm("norm", t.Width, t.Epsilon)
	if outputs > 0 {
		head.Linear("fc", t.Width, outputs, layer)
	} else {
		head.Plain("fc", "Identity")
	}
}
