package clip

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

//go:embed transformer.py
var transformerText string

//go:embed resnet.py
var resnetText string

// sources are the networks' methods.
var sources = []jit.Source{
	architecture.Layers,
	{Name: "clip/transformer.py", Text: transformerText},
	{Name: "clip/resnet.py", Text: resnetText},
	{Name: "clip/siglip.py", Text: siglipText},
	{Name: "clip/coca.py", Text: cocaText},
	{Name: "clip/eva.py", Text: evaText},
	{Name: "clip/mobileclip.py", Text: mobileclipText},
	{Name: "clip/convnext.py", Text: convnextText},
	{Name: "clip/efficientnet.py", Text: efficientnetText},
}

// A network says how a CLIP is built, in the fields of open_clip's model configurations.
type network struct {
	EmbeddingDimension int64         `json:"embed_dim"`
	QuickGELU          bool          `json:"quick_gelu,omitempty"`
	Vision             visionNetwork `json:"vision_cfg"`
	Text               textNetwork   `json:"text_cfg"`
	// InitialLogitScale is the logarithm of the first scale, and InitialLogitBias is set for models
	// that are trained with the sigmoid loss.
	InitialLogitScale *float64 `json:"init_logit_scale,omitempty"`
	InitialLogitBias  *float64 `json:"init_logit_bias,omitempty"`
	// Only is "image" or "text" if one encoder was published alone.
	Only string `json:"only,omitempty"`
}

// A visionNetwork is a vision transformer, or CLIP's ResNet if Stages are given.
type visionNetwork struct {
	ImageSize int64   `json:"image_size"`
	Layers    layers  `json:"layers"`
	Width     int64   `json:"width"`
	PatchSize int64   `json:"patch_size,omitempty"`
	HeadWidth int64   `json:"head_width,omitempty"` // 0 means 64
	MLPRatio  float64 `json:"mlp_ratio,omitempty"`  // 0 means 4
	// LayerScale is not 0 if there are factors after each attention and perceptron.
	LayerScale     float64 `json:"ls_init_value,omitempty"`
	NoNormBefore   bool    `json:"no_ln_pre,omitempty"`
	Pool           string  `json:"pool_type,omitempty"` // "tok", the default, or "avg"
	NormAfterPool  bool    `json:"final_ln_after_pool,omitempty"`
	NormParameters norm    `json:"norm_kwargs,omitzero"`
	Activation     act     `json:"act_kwargs,omitzero"`
	// AttentionalPool pools by attention of PoolQueries queries with PoolHeads heads (CoCa); 0 means
	// 256 and 8.
	AttentionalPool bool  `json:"attentional_pool,omitempty"`
	PoolQueries     int64 `json:"attn_pooler_queries,omitempty"`
	PoolHeads       int64 `json:"attn_pooler_heads,omitempty"`
	// TimmName is the name of a network of timm, TimmPool how it pools, and TimmProjection the
	// layer after it; Trunk are its sizes.
	TimmName       string `json:"timm_model_name,omitempty"`
	TimmPool       string `json:"timm_pool,omitempty"`
	TimmProjection string `json:"timm_proj,omitempty"`
	Trunk          *trunk `json:"trunk,omitempty"`
	encoder
}

// An encoder has what Hugging Face's configurations say of each encoder, and open_clip's of both.
type encoder struct {
	// MLPWidth is the width within a perceptron, or 0 for that of MLPRatio.
	MLPWidth int64 `json:"mlp_width,omitempty"`
	// ActivationName is "gelu", "gelu_tanh" or "quick_gelu", or empty for that of the network.
	ActivationName string `json:"activation,omitempty"`
}

// A textNetwork is a transformer over tokens.
type textNetwork struct {
	ContextLength  int64   `json:"context_length"`
	VocabularySize int64   `json:"vocab_size"`
	Width          int64   `json:"width"`
	Heads          int64   `json:"heads"`
	Layers         int64   `json:"layers"`
	MLPRatio       float64 `json:"mlp_ratio,omitempty"`
	LayerScale     float64 `json:"ls_init_value,omitempty"`
	NotCausal      bool    `json:"no_causal_mask,omitempty"`
	Pool           string  `json:"pool_type,omitempty"` // "argmax", the default, "last", or "eos"
	ProjectionBias bool    `json:"proj_bias,omitempty"`
	ProjectionType string  `json:"proj_type,omitempty"` // "linear", the default, or "none"
	NormParameters norm    `json:"norm_kwargs,omitzero"`
	Activation     act     `json:"act_kwargs,omitzero"`
	// EndToken is the number of the end token for Pool "eos".
	EndToken int64 `json:"eos_id,omitempty"`
	// ClassToken is true if a learned token after the others is the embedding (CoCa). The mask of the
	// published models is off by one, unless CorrectClassMask is set.
	ClassToken       bool `json:"embed_cls,omitempty"`
	CorrectClassMask bool `json:"correct_cls_mask,omitempty"`
	// TokenizerName is set for tokenizers of Hugging Face, and TokenizerSettings are open_clip's; see
	// tokenizer.OpenCLIPText.
	TokenizerName     string          `json:"hf_tokenizer_name,omitempty"`
	TokenizerSettings json.RawMessage `json:"tokenizer_kwargs,omitempty"`
	encoder
}

type norm struct {
	Epsilon float64 `json:"eps,omitempty"`
}

func (n norm) eps() float64 {
	if n.Epsilon == 0 {
		return 1e-5
	}
	return n.Epsilon
}

type act struct {
	Approximate string `json:"approximate,omitempty"`
}

// layers is a number of layers, or, for a ResNet, of blocks in each of its four stages.
type layers struct {
	count  int64
	stages []int64
}

func (l layers) MarshalJSON() ([]byte, error) {
	if l.stages != nil {
		return json.Marshal(l.stages)
	}
	return json.Marshal(l.count)
}

func (l *layers) UnmarshalJSON(data []byte) error {
	*l = layers{}
	if json.Unmarshal(data, &l.count) == nil {
		return nil
	}
	if err := json.Unmarshal(data, &l.stages); err != nil || len(l.stages) != 4 {
		return fmt.Errorf("layers is %s, wanted a number, or four of a ResNet", data)
	}
	return nil
}

// make makes the module of the network, without extra files. What the weights lack is told by them.
func (n *network) make(weights architecture.Weights) *jit.Parts {
	root := architecture.New("CLIP", weights)
	switch {
	case n.Only == "text":
	case n.Vision.Trunk != nil:
		n.Vision.addTrunk(root.Child("visual", "TimmModel"), n.EmbeddingDimension)
	case n.Vision.Layers.stages != nil:
		n.Vision.resnet(root.Child("visual", "ModifiedResNet"), n.EmbeddingDimension)
	default:
		n.Vision.transformer(root.Child("visual", "VisionTransformer"), n.EmbeddingDimension, n.QuickGELU)
	}
	if n.Only != "image" {
		n.Text.add(root, n.EmbeddingDimension, n.QuickGELU)
	}
	if n.Only != "" {
		return root.Parts()
	}
	scale := math.Log(1 / 0.07)
	if n.InitialLogitScale != nil {
		scale = *n.InitialLogitScale
	}
	root.Parameter("logit_scale", architecture.Constant(scale))
	if n.InitialLogitBias != nil {
		root.Parameter("logit_bias", architecture.Constant(*n.InitialLogitBias))
	}
	return root.Parts()
}

// check returns why no network can be built so, or nil: the numbers may come from a file.
func (n *network) check() error {
	if err := choice("only", n.Only, "", "image", "text"); err != nil {
		return err
	}
	if err := checkSize("embed_dim", n.EmbeddingDimension); err != nil {
		return err
	}
	for _, name := range []string{n.Vision.ActivationName, n.Text.ActivationName} {
		if err := choice("activation", name, "", "gelu", "gelu_tanh", "quick_gelu"); err != nil {
			return err
		}
	}
	for _, approximate := range []string{n.Vision.Activation.Approximate, n.Text.Activation.Approximate} {
		if err := choice("act_kwargs.approximate", approximate, "", "none", "tanh"); err != nil {
			return err
		}
	}
	if n.Only != "image" {
		if err := n.Text.check(n.EmbeddingDimension); err != nil {
			return err
		}
	}
	if n.Only == "text" {
		return nil
	}
	return n.Vision.check(n.EmbeddingDimension)
}

func checkSize(name string, value int64) error {
	if value < 1 || value > 1<<24 {
		return fmt.Errorf("its %s is %d", name, value)
	}
	return nil
}

func (t *textNetwork) check(dimension int64) error {
	err := cmp.Or(checkSize("text_cfg.context_length", t.ContextLength), checkSize("text_cfg.vocab_size", t.VocabularySize),
		checkSize("text_cfg.width", t.Width), checkSize("text_cfg.heads", t.Heads), checkSize("text_cfg.layers", t.Layers))
	if err != nil {
		return err
	}
	if t.Width%t.Heads != 0 {
		return fmt.Errorf("its text width %d is no multiple of its %d heads", t.Width, t.Heads)
	}
	if t.ProjectionType == "none" && t.Width != dimension {
		return fmt.Errorf("its text encoder has width %d and no projection, its embeddings have %d elements", t.Width, dimension)
	}
	return cmp.Or(choice("text_cfg.pool_type", t.Pool, "", "argmax", "last", "eos"), choice("text_cfg.proj_type", t.ProjectionType, "", "linear", "none"))
}

func (v *visionNetwork) check(dimension int64) error {
	if err := cmp.Or(checkSize("vision_cfg.image_size", v.ImageSize), checkSize("vision_cfg.width", v.Width)); err != nil {
		return err
	}
	if err := choice("vision_cfg.pool_type", v.Pool, "", "tok", "avg"); err != nil {
		return err
	}
	if v.Trunk != nil {
		return v.checkTrunk(dimension)
	}
	if v.Layers.stages != nil {
		return v.checkResNet()
	}
	return v.checkTransformer(dimension)
}

func choice(name, value string, choices ...string) error {
	for _, each := range choices {
		if value == each {
			return nil
		}
	}
	return fmt.Errorf("its %s %q is not supported", name, value)
}

// hidden is the width within a perceptron.
func (e encoder) hidden(width int64, ratio float64) int64 {
	switch {
	case e.MLPWidth > 0:
		return e.MLPWidth
	case ratio == 0:
		return 4 * width
	}
	return int64(float64(width) * ratio)
}

// activation is the class of the activation.
func (e encoder) activation(a act, quick bool) string {
	switch {
	case e.ActivationName == "quick_gelu":
		return "QuickGELU"
	case e.ActivationName == "gelu_tanh", a.Approximate == "tanh":
		return "GELUTanh"
	case quick && e.ActivationName == "":
		return "QuickGELU"
	}
	return "GELU"
}

// A transformer describes a stack of residual attention blocks.
type transformer struct {
	width, layers, heads, hidden int64
	causal                       bool
	layerScale                   float64
	eps                          float64
	activation                   string
}

// add adds the blocks, with the initial weights of openai/CLIP's CLIP.initialize_parameters.
func (t transformer) add(node *architecture.Node) {
	std := math.Pow(float64(t.width), -0.5)
	projection := std * math.Pow(2*float64(t.layers), -0.5)
	blocks := node.Child("transformer", "Transformer").Child("resblocks", "")
	for range t.layers {
		block := blocks.Item("ResidualAttentionBlock")
		attention := block.Child("attn", "SelfAttention").
			Parameter("in_proj_weight", architecture.Normal(std), 3*t.width, t.width).
			Parameter("in_proj_bias", architecture.Zeros, 3*t.width)
		attention.Set("heads", t.heads).Set("causal", t.causal)
		attention.Linear("out_proj", t.width, t.width, architecture.Layer{Weight: architecture.Normal(projection), Bias: architecture.Zeros})
		block.LayerNorm("ln_1", t.width, t.eps)
		perceptron := block.Child("mlp", "Perceptron")
		perceptron.Linear("c_fc", t.width, t.hidden, architecture.Layer{Weight: architecture.Normal(math.Pow(2*float64(t.width), -0.5))})
		perceptron.Plain("gelu", t.activation)
		perceptron.Linear("c_proj", t.hidden, t.width, architecture.Layer{Weight: architecture.Normal(projection)})
		block.LayerNorm("ln_2", t.width, t.eps)
		for _, name := range []string{"ls_1", "ls_2"} {
			if t.layerScale == 0 {
				block.Plain(name, "Identity")
			} else {
				block.Child(name, "LayerScale").Parameter("gamma", architecture.Constant(t.layerScale), t.width)
			}
		}
	}
}

func (t *textNetwork) add(root *architecture.Node, dimension int64, quick bool) {
	transformer{
		width: t.Width, layers: t.Layers, heads: t.Heads, hidden: t.hidden(t.Width, t.MLPRatio), causal: !t.NotCausal,
		layerScale: t.LayerScale, eps: t.NormParameters.eps(), activation: t.activation(t.Activation, quick),
	}.add(root)
	root.Embedding("token_embedding", t.VocabularySize, t.Width, architecture.Normal(0.02))
	positions := t.ContextLength
	if t.ClassToken {
		t.addClassToken(root)
		positions++
	}
	root.Parameter("positional_embedding", architecture.Normal(0.01), positions, t.Width)
	root.LayerNorm("ln_final", t.Width, t.NormParameters.eps())
	projection := architecture.Normal(math.Pow(float64(t.Width), -0.5))
	switch {
	case t.ProjectionType == "none":
	case t.ProjectionBias:
		root.Linear("text_projection", t.Width, dimension, architecture.Layer{Weight: projection, Bias: architecture.Zeros})
		root.Set("linear_projection", true)
	default:
		root.Parameter("text_projection", projection, t.Width, dimension)
	}
	switch {
	case t.ClassToken, t.Pool == "last":
		root.Set("pool_last", true)
	case t.Pool == "eos":
		root.Set("end_token", t.EndToken)
	}
}

// headWidth returns the width of an attention head.
func (v *visionNetwork) headWidth() int64 {
	if v.HeadWidth == 0 {
		return 64
	}
	return v.HeadWidth
}

func (v *visionNetwork) checkTransformer(dimension int64) error {
	switch {
	case v.PatchSize < 1 || v.Layers.count < 1:
		return fmt.Errorf("its vision_cfg has patch_size %d and layers %d", v.PatchSize, v.Layers.count)
	case v.ImageSize%v.PatchSize != 0:
		return fmt.Errorf("its image size %d is no multiple of its patch size %d", v.ImageSize, v.PatchSize)
	case v.AttentionalPool && (v.poolQueries() < 1 || v.poolQueries() > 1<<16 || v.poolHeads() < 1 || dimension%v.poolHeads() != 0):
		return fmt.Errorf("its attentional pool has %d queries and %d heads for a width of %d", v.poolQueries(), v.poolHeads(), dimension)
	case v.headWidth() < 1 || v.Width%v.headWidth() != 0:
		return fmt.Errorf("its vision width %d is no multiple of its head width %d", v.Width, v.headWidth())
	}
	return nil
}

func (v *visionNetwork) transformer(node *architecture.Node, dimension int64, quick bool) {
	initial := architecture.Normal(math.Pow(float64(v.Width), -0.5))
	eps := v.NormParameters.eps()
	side := v.ImageSize / v.PatchSize
	node.Conv2d("conv1", architecture.Conv{
		Layer: architecture.Layer{NoBias: true}, In: 3, Out: v.Width, Kernel: v.PatchSize, Stride: v.PatchSize})
	node.Parameter("class_embedding", initial, v.Width)
	node.Parameter("positional_embedding", initial, side*side+1, v.Width)
	if v.NoNormBefore {
		node.Plain("ln_pre", "Identity")
	} else {
		node.LayerNorm("ln_pre", v.Width, eps)
	}
	transformer{
		width: v.Width, layers: v.Layers.count, heads: v.Width / v.headWidth(), hidden: v.hidden(v.Width, v.MLPRatio),
		layerScale: v.LayerScale, eps: eps, activation: v.activation(v.Activation, quick),
	}.add(node)
	features := v.Width
	if v.AttentionalPool {
		v.addAttentionalPool(node, dimension)
		features = dimension
	}
	node.LayerNorm("ln_post", features, eps)
	node.Parameter("proj", initial, features, dimension)
	if v.Pool == "avg" {
		node.Set("average_pool", true)
		if v.NormAfterPool {
			node.Set("norm_after_pool", true)
		}
	}
}

func (v *visionNetwork) checkResNet() error {
	switch {
	case v.ImageSize%32 != 0:
		return fmt.Errorf("its image size %d is no multiple of 32", v.ImageSize)
	case v.Width%2 != 0 || v.headWidth() < 1 || v.Width*32%v.headWidth() != 0:
		return fmt.Errorf("its vision width %d does not fit its head width %d", v.Width, v.headWidth())
	}
	for _, blocks := range v.Layers.stages {
		if blocks < 1 || blocks > 1<<10 {
			return fmt.Errorf("its vision_cfg has layers %v", v.Layers.stages)
		}
	}
	return nil
}

func (v *visionNetwork) resnet(node *architecture.Node, dimension int64) {
	conv := func(node *architecture.Node, name string, in, out, kernel, stride int64) {
		node.Conv2d(name, architecture.Conv{
			Layer: architecture.Layer{NoBias: true}, In: in, Out: out, Kernel: kernel, Stride: stride, Padding: kernel / 2})
	}
	conv(node, "conv1", 3, v.Width/2, 3, 2)
	node.BatchNorm2d("bn1", v.Width/2, architecture.Ones)
	conv(node, "conv2", v.Width/2, v.Width/2, 3, 1)
	node.BatchNorm2d("bn2", v.Width/2, architecture.Ones)
	conv(node, "conv3", v.Width/2, v.Width, 3, 1)
	node.BatchNorm2d("bn3", v.Width, architecture.Ones)
	channels := v.Width
	for i, blocks := range v.Layers.stages {
		stage := node.Child(fmt.Sprintf("layer%d", i+1), "Sequential")
		planes := v.Width << i
		for j := range blocks {
			stride := int64(1)
			if i > 0 && j == 0 {
				stride = 2
			}
			block := stage.Item("Bottleneck")
			conv(block, "conv1", channels, planes, 1, 1)
			block.BatchNorm2d("bn1", planes, architecture.Ones)
			conv(block, "conv2", planes, planes, 3, 1)
			block.BatchNorm2d("bn2", planes, architecture.Ones)
			conv(block, "conv3", planes, planes*4, 1, 1)
			// Zeros there make each block start as the identity.
			block.BatchNorm2d("bn3", planes*4, architecture.Zeros)
			block.Set("stride", stride)
			// Its pool, which has no parameters, is the block's.
			shortcut := block.Child("downsample", "Sequential")
			if stride > 1 || channels != planes*4 {
				conv(shortcut, "0", channels, planes*4, 1, 1)
				shortcut.BatchNorm2d("1", planes*4, architecture.Ones)
			}
			channels = planes * 4
		}
	}
	width, side := v.Width*32, v.ImageSize/32
	initial := architecture.Normal(math.Pow(float64(width), -0.5))
	pool := node.Child("attnpool", "AttentionPool2d").
		Parameter("positional_embedding", initial, side*side+1, width).
		Set("heads", width/v.headWidth())
	for _, name := range []string{"k_proj", "q_proj", "v_proj"} {
		pool.Linear(name, width, width, architecture.Layer{Weight: initial})
	}
	pool.Linear("c_proj", width, dimension, architecture.Layer{Weight: initial})
}

// build makes the module from the weights, which tell what they lack.
func (n *network) build(weights interface {
	architecture.Weights
	Check() error
}) (*jit.Module, error) {
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, torch.ErrModel)
	}
	return architecture.Build(weights, n.make, sources...)
}
