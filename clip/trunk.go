package clip

import (
	"fmt"
	"path"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

// A trunk is a network of timm. Its sizes are read off the shapes of a checkpoint; what shapes do
// not tell, its name does.
type trunk struct {
	// Family is a key of trunkFamilies.
	Family string `json:"family"`
	// Width is that of the features.
	Width int64 `json:"width"`
	// Transformers have these.
	Layers    int64 `json:"layers,omitempty"`
	Heads     int64 `json:"heads,omitempty"`
	PatchSize int64 `json:"patch_size,omitempty"`
	MLPWidth  int64 `json:"mlp_width,omitempty"`
	// Activation is the class of the activation.
	Activation string `json:"activation,omitempty"`
	// SwiGLU is true for EVA-02's perceptrons, and its rotary embeddings with them, and NormAfter if
	// blocks normalize at their ends.
	SwiGLU    bool `json:"swiglu,omitempty"`
	NormAfter bool `json:"norm_after,omitempty"`
	// StemWidth is that of the convolutions that make patches, or 0 if one does, and of an
	// EfficientNet's first convolution.
	StemWidth int64 `json:"stem_width,omitempty"`
	// Merged is true if each block of branches is stored as one convolution, and StemScale if the
	// first blocks have a branch with a kernel of 1 (FastViT).
	Merged    bool `json:"merged,omitempty"`
	StemScale bool `json:"stem_scale,omitempty"`
	// SamePadding is true if strided convolutions pad as TensorFlow's do (EfficientNet).
	SamePadding bool `json:"same_padding,omitempty"`
	// Stages are those of a convolutional network.
	Stages []stage `json:"stages,omitempty"`
	// Epsilon is that of the normalizations.
	Epsilon float64 `json:"eps,omitempty"`
}

// A stage is a part of a convolutional network with one width and one resolution.
type stage struct {
	Width    int64 `json:"width"`
	Layers   int64 `json:"layers"`
	MLPWidth int64 `json:"mlp_width"`
	// Attention is true for blocks with attention, and LayerNorm if that normalizes by layers, not
	// batches. Excite is true if squeeze and excitation comes before the blocks, and Positions if
	// a convolution that tells positions does (FastViT).
	Attention bool `json:"attention,omitempty"`
	LayerNorm bool `json:"layer_norm,omitempty"`
	Excite    bool `json:"excite,omitempty"`
	Positions bool `json:"positions,omitempty"`
	// Kernel is the side of the depthwise kernels (EfficientNet), where it is not fixed.
	Kernel int64 `json:"kernel,omitempty"`
}

// A trunkFamily has what differs between the networks of timm.
type trunkFamily struct {
	// names are the patterns, as of path.Match, of timm's names, and pools the values of timm_pool.
	names, pools []string
	// noHead is true if the features are the embeddings. Otherwise there is a projection of open_clip's
	// (timm_proj), or, without it, one of timm's.
	noHead bool
	// read reads the sizes that are not in the trunk yet.
	read func(t *trunk, name string, set *weights.Set)
	// check returns why no network can be built so, or nil.
	check func(t *trunk, imageSize int64) error
	// add adds the network as a child of the node. outputs is the width of its own projection, or 0.
	add func(t *trunk, node *architecture.Node, imageSize, outputs int64)
}

var trunkFamilies = map[string]*trunkFamily{
	"siglip":       &siglipFamily,
	"convnext":     &convnextFamily,
	"fastvit":      &fastvitFamily,
	"transformer":  &transformerFamily,
	"eva":          &evaFamily,
	"efficientnet": &efficientnetFamily,
}

// familyOf returns the family of a name of timm, which may have the tag of its weights, or "".
func familyOf(name string) string {
	name, _, _ = strings.Cut(name, ".")
	for family, f := range trunkFamilies {
		for _, pattern := range f.names {
			if ok, _ := path.Match(pattern, name); ok {
				return family
			}
		}
	}
	return ""
}

// completeTrunk describes the network of timm from its name and the shapes of its tensors.
func (v *visionNetwork) completeTrunk(set *weights.Set) error {
	if v.Trunk == nil {
		v.Trunk = &trunk{}
	}
	t := v.Trunk
	t.Family = familyOf(v.TimmName)
	family := trunkFamilies[t.Family]
	if family == nil {
		return fmt.Errorf("its image encoder %s, a network of timm, is not supported", v.TimmName)
	}
	if err := choice("vision_cfg.timm_pool", v.TimmPool, family.pools...); err != nil {
		return err
	}
	family.read(t, v.TimmName, set)
	v.Width, v.PatchSize, v.Layers = t.Width, t.PatchSize, layers{count: t.Layers}
	return nil
}

// checkTrunk returns why the network of timm cannot be built, or nil.
func (v *visionNetwork) checkTrunk(dimension int64) error {
	t := v.Trunk
	family := trunkFamilies[t.Family]
	if family == nil {
		return fmt.Errorf("its image encoder of family %q is not supported", t.Family)
	}
	projections := []string{"", "none", "linear", "mlp"}
	if family.noHead {
		projections = projections[:2]
	}
	if err := choice("vision_cfg.timm_proj", v.TimmProjection, projections...); err != nil {
		return err
	}
	if (family.noHead || v.TimmProjection == "none") && t.Width != dimension {
		return fmt.Errorf("its image encoder has width %d, its embeddings %d", t.Width, dimension)
	}
	if t.Width < 1 || t.Width > 1<<20 {
		return fmt.Errorf("its image encoder is not described: its width is %d", t.Width)
	}
	return family.check(t, v.ImageSize)
}

// addTrunk adds open_clip's TimmModel (timm_model.py there).
func (v *visionNetwork) addTrunk(node *architecture.Node, dimension int64) {
	t := v.Trunk
	family := trunkFamilies[t.Family]
	outputs := int64(0)
	if !family.noHead && v.TimmProjection == "" {
		outputs = dimension
	}
	family.add(t, node, v.ImageSize, outputs)
	switch v.TimmProjection {
	case "linear":
		node.Child("head", "Sequential").Linear("proj", t.Width, dimension, architecture.Layer{NoBias: true})
	case "mlp":
		mlp := node.Child("head", "Sequential").Child("mlp", "TimmPerceptron")
		mlp.Linear("fc1", t.Width, 2*dimension, architecture.Layer{})
		mlp.Plain("act", "GELU")
		mlp.Linear("fc2", 2*dimension, dimension, architecture.Layer{NoBias: true})
	default:
		node.Plain("head", "Identity")
	}
}

// checkStages returns why a convolutional network cannot have its stages, or nil.
func (t *trunk) checkStages() error {
	for _, s := range t.Stages {
		if s.Width < 1 || s.Layers < 1 || s.MLPWidth < 1 || max(s.Width, s.MLPWidth) > 1<<20 || s.Layers > 1<<10 {
			return fmt.Errorf("its image encoder has a stage of width %d, %d blocks and perceptrons of width %d", s.Width, s.Layers, s.MLPWidth)
		}
	}
	return nil
}

// timmLayer has timm's initial weights of most layers.
func timmLayer() architecture.Layer {
	return architecture.Layer{Weight: architecture.Normal(0.02), Bias: architecture.Zeros}
}

// layerNorm2d adds a layer normalization over the channels of a picture.
func layerNorm2d(node *architecture.Node, name string, channels int64, eps float64) {
	node.Child(name, "LayerNorm2d").Parameter("weight", architecture.Ones, channels).
		Parameter("bias", architecture.Zeros, channels).Set("eps", eps)
}

// timmHead adds timm's projection of the features, which is the identity without outputs.
func timmHead(model *architecture.Node, width, outputs int64) {
	if outputs > 0 {
		model.Linear("head", width, outputs, timmLayer())
	} else {
		model.Plain("head", "Identity")
	}
}
