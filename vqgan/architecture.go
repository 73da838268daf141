package vqgan

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

//go:embed vqgan.py
var vqganText string

//go:embed movq.py
var movqText string

//go:embed dvae.py
var dvaeText string

// sources are the networks' methods.
var sources = []jit.Source{
	architecture.Layers,
	{Name: "vqgan/vqgan.py", Text: vqganText},
	{Name: "vqgan/movq.py", Text: movqText},
	{Name: "vqgan/dvae.py", Text: dvaeText},
}

// A design is a network that can be built.
type design interface {
	// check returns why no network can be built so, or nil: the numbers may come from a file.
	check() error
	// parts describes the module of the network. What the weights lack is told by them.
	parts(weights architecture.Weights) *jit.Parts
	// sizes returns a Config with the sizes alone.
	sizes() Config
	// describe names the network by its sizes.
	describe() string
}

// A network says how a VQGAN is built, in the fields of taming-transformers' configurations: those
// of its VQModel and of the ddconfig there.
type network struct {
	CodebookSize       int64 `json:"n_embed" yaml:"n_embed"`
	EmbeddingDimension int64 `json:"embed_dim" yaml:"embed_dim"`
	// Gumbel models choose tokens by logits.
	Gumbel bool `json:"gumbel,omitempty" yaml:"-"`
	// Beta weighs one term of the codebook loss; 0 means 0.25. It is the codebook's, as in taming's
	// VectorQuantizer2 by default, or, with PaperLoss, that of the commitment, as in equation 4 of the
	// paper.
	Beta      float64 `json:"beta,omitempty" yaml:"-"`
	PaperLoss bool    `json:"paper_loss,omitempty" yaml:"-"`
	// DecoderOnly models have no encoder.
	DecoderOnly bool      `json:"decoder_only,omitempty" yaml:"-"`
	Structure   structure `json:"ddconfig" yaml:"ddconfig"`

	// anyChannels allows images of other than three channels, as stages that give conditions have.
	anyChannels bool
}

// A structure describes the encoder and the decoder, as ddconfig does.
type structure struct {
	Channels      int64     `json:"ch" yaml:"ch"`
	ImageChannels int64     `json:"in_channels" yaml:"in_channels"`
	OutChannels   int64     `json:"out_ch" yaml:"out_ch"`
	Multipliers   []float64 `json:"ch_mult" yaml:"ch_mult,flow"`
	// Blocks is the number of residual blocks at each resolution of the encoder. The decoder has one
	// more.
	Blocks      int64 `json:"num_res_blocks" yaml:"num_res_blocks"`
	Resolution  int64 `json:"resolution" yaml:"resolution"`
	ZChannels   int64 `json:"z_channels" yaml:"z_channels"`
	DoubleZ     bool  `json:"double_z" yaml:"double_z"`
	Convolution *bool `json:"resamp_with_conv,omitempty" yaml:"resamp_with_conv"` // nil means true
	// Attention are the resolutions, of images of the size Resolution, at which there is attention.
	Attention []int64 `json:"attn_resolutions" yaml:"attn_resolutions,flow"`

	// AttentionType is latent-diffusion's: "vanilla", the default, or "none".
	AttentionType string `json:"attn_type,omitempty" yaml:"attn_type"`
	Tanh          bool   `json:"tanh_out,omitempty" yaml:"tanh_out"`
	EndEarly      bool   `json:"-" yaml:"give_pre_end"`
	Linear        bool   `json:"-" yaml:"use_linear_attn"`

	// What only diffusers' models have. DecoderAttention are the decoder's resolutions, nil if they are
	// the encoder's; Groups are those of the normalization, 0 means 32; and NoMiddleAttention leaves out
	// the attention at the lowest resolution.
	DecoderAttention  []int64 `json:"decoder_attn_resolutions,omitzero" yaml:"-"`
	Groups            int64   `json:"norm_groups,omitempty" yaml:"-"`
	NoMiddleAttention bool    `json:"no_mid_attn,omitempty" yaml:"-"`
	// SpatialNorm is true for MoVQ's decoder.
	SpatialNorm bool `json:"spatial_norm,omitempty" yaml:"-"`

	// UnitRange is true for decoders that were trained on images in [0, 1], in place of [-1, 1].
	UnitRange bool `json:"unit_range,omitempty" yaml:"-"`
	// Epsilon is what the normalization adds to the variance; 0 means 1e-6.
	Epsilon float64 `json:"norm_eps,omitempty" yaml:"-"`
}

// groupNormEps is what the normalization adds to the variance in taming-transformers.
const groupNormEps = 1e-6

// The groups of the spatial normalization (SpatialNorm in diffusers' attention_processor.py).
const spatialNormGroups = 32

func (s *structure) epsilon() float64 {
	if s.Epsilon == 0 {
		return groupNormEps
	}
	return s.Epsilon
}

const mostLevels, mostBlocks, mostChannels, largestSize = 16, 64, 1 << 16, 1 << 24

func (n *network) check() error {
	s := &n.Structure
	for _, each := range []struct {
		name  string
		value int64
	}{
		{"n_embed", n.CodebookSize}, {"embed_dim", n.EmbeddingDimension}, {"ch", s.Channels}, {"z_channels", s.ZChannels},
		{"resolution", s.Resolution}, {"num_res_blocks", s.Blocks},
	} {
		if each.value < 1 || each.value > largestSize {
			return fmt.Errorf("its %s is %d", each.name, each.value)
		}
	}
	switch {
	case len(s.Multipliers) < 1 || len(s.Multipliers) > mostLevels:
		return fmt.Errorf("its ch_mult has %d levels", len(s.Multipliers))
	case s.Blocks > mostBlocks:
		return fmt.Errorf("its num_res_blocks is %d", s.Blocks)
	case s.Resolution < n.factor():
		return fmt.Errorf("its resolution is %d, and it makes images smaller by %d", s.Resolution, n.factor())
	case n.anyChannels && (s.ImageChannels < 1 || s.OutChannels < 1 || max(s.ImageChannels, s.OutChannels) > mostChannels):
		return fmt.Errorf("it takes images of %d channels and gives some of %d", s.ImageChannels, s.OutChannels)
	case !n.anyChannels && (s.ImageChannels != 3 || s.OutChannels != 3):
		return fmt.Errorf("it takes images of %d channels and gives some of %d, supported are 3", s.ImageChannels, s.OutChannels)
	case s.DoubleZ:
		return fmt.Errorf("its double_z is true, as in an autoencoder without a codebook")
	case s.AttentionType != "" && s.AttentionType != "vanilla" && s.AttentionType != "none":
		return fmt.Errorf("its attn_type %q is not supported", s.AttentionType)
	case s.Linear:
		return fmt.Errorf("its use_linear_attn is not supported")
	case s.EndEarly:
		return fmt.Errorf("its give_pre_end is not supported")
	case s.SpatialNorm && s.ZChannels != n.EmbeddingDimension:
		return fmt.Errorf("its z_channels %d and embed_dim %d differ, which no model with spatial normalization has", s.ZChannels, n.EmbeddingDimension)
	case n.Gumbel && s.ZChannels != n.EmbeddingDimension:
		return fmt.Errorf("its z_channels %d and embed_dim %d differ, which no Gumbel model has", s.ZChannels, n.EmbeddingDimension)
	}
	for i := range s.Multipliers {
		channels := s.width(i)
		if channels < 1 || channels > largestSize || channels%s.groups() != 0 {
			return fmt.Errorf("its level %d has %d channels, which %d groups of the normalization do not divide", i, channels, s.groups())
		}
		if s.SpatialNorm && channels%spatialNormGroups != 0 {
			return fmt.Errorf("its level %d has %d channels, which %d groups of the spatial normalization do not divide", i, channels, spatialNormGroups)
		}
	}
	if s.Channels%s.groups() != 0 {
		return fmt.Errorf("its %d channels are no multiple of the %d groups of the normalization", s.Channels, s.groups())
	}
	return nil
}

func (s *structure) groups() int64 {
	if s.Groups == 0 {
		return 32
	}
	return s.Groups
}

// width is the number of channels at a level.
func (s *structure) width(level int) int64 {
	return int64(math.Round(float64(s.Channels) * s.Multipliers[level]))
}

// attends tells at which levels there is attention. The decoder counts resolutions up from the
// lowest.
func (s *structure) attends(level int, decoder bool) bool {
	at, resolution := s.Attention, s.Resolution>>level
	if decoder {
		last := len(s.Multipliers) - 1
		resolution = s.Resolution >> last << (last - level)
		if s.DecoderAttention != nil {
			at = s.DecoderAttention
		}
	}
	return s.AttentionType != "none" && slices.Contains(at, resolution)
}

func (n *network) factor() int64 { return 1 << max(len(n.Structure.Multipliers)-1, 0) }

func (n *network) sizes() Config {
	config := Config{
		DownsamplingFactor: n.factor(), CodebookSize: n.CodebookSize, EmbeddingDimension: n.EmbeddingDimension,
		ImageSize: n.Structure.Resolution,
	}
	config.DecoderOnly = n.DecoderOnly
	if n.Structure.ImageChannels != pictureChannels {
		config.ImageChannels = n.Structure.ImageChannels
	}
	return config
}

func (n *network) describe() string {
	if n.Structure.SpatialNorm {
		return fmt.Sprintf("movq-f%d-%d", n.factor(), n.CodebookSize)
	}
	if n.Gumbel {
		return fmt.Sprintf("gumbel-f%d-%d", n.factor(), n.CodebookSize)
	}
	return fmt.Sprintf("f%d-%d", n.factor(), n.CodebookSize)
}

func (n *network) parts(weights architecture.Weights) *jit.Parts {
	root, s := architecture.New("VQGAN", weights), &n.Structure
	if !n.DecoderOnly {
		s.encoder(root.Child("encoder", "Encoder"))
	}
	s.decoder(root.Child("decoder", s.decoderPart().decoder))
	initial := architecture.Uniform(1 / float64(n.CodebookSize))
	if n.Gumbel {
		initial = architecture.Normal(1)
	}
	beta := n.Beta
	if beta == 0 {
		beta = 0.25
	}
	codebook, commitment := beta, 1.0
	if n.PaperLoss {
		codebook, commitment = commitment, codebook
	}
	quantizer := root.Child("quantizer", "Quantizer").Set("codebook_weight", codebook).Set("commitment_weight", commitment)
	quantizer.Embedding("embedding", n.CodebookSize, n.EmbeddingDimension, initial)
	if !n.DecoderOnly {
		root.Conv2d("quant_conv", architecture.Conv{In: s.ZChannels, Out: n.EmbeddingDimension, Kernel: 1})
	}
	root.Conv2d("post_quant_conv", architecture.Conv{In: n.EmbeddingDimension, Out: s.ZChannels, Kernel: 1})
	if n.Gumbel {
		root.Conv2d("proj", architecture.Conv{In: s.ZChannels, Out: n.CodebookSize, Kernel: 1})
	}
	return root.Parts()
}

// A half is the encoder or the decoder: the names of its classes, and its normalization.
type half struct {
	decoder, level, middle, block, identity string
	norm                                    func(node *architecture.Node, name string, channels int64)
}

// plainPart is the half with normalization in groups.
func (s *structure) plainPart() half {
	return half{
		decoder: "Decoder", level: "UpLevel", middle: "Middle", block: "ResidualBlock", identity: "Identity",
		norm: func(node *architecture.Node, name string, channels int64) {
			node.GroupNorm(name, s.groups(), channels, s.epsilon())
		},
	}
}

// decoderPart is the decoder.
func (s *structure) decoderPart() half {
	if !s.SpatialNorm {
		return s.plainPart()
	}
	return half{
		decoder: "MoVQDecoder", level: "MoVQLevel", middle: "MoVQMiddle", block: "MoVQBlock", identity: "MoVQIdentity",
		norm: func(node *architecture.Node, name string, channels int64) {
			norm := node.Child(name, "SpatialNorm")
			norm.GroupNorm("norm_layer", spatialNormGroups, channels, s.epsilon())
			convolution(norm, "conv_y", s.ZChannels, channels, 1)
			convolution(norm, "conv_b", s.ZChannels, channels, 1)
		},
	}
}

func (s *structure) encoder(node *architecture.Node) {
	h := s.plainPart()
	convolution(node, "conv_in", s.ImageChannels, s.Channels, 3)
	down := node.Child("down", "")
	channels := s.Channels
	for i := range s.Multipliers {
		level := down.Item("DownLevel")
		h.blocks(level, channels, s.width(i), s.Blocks, s.attends(i, false))
		channels = s.width(i)
		s.resample(level, "downsample", "Downsample", channels, i < len(s.Multipliers)-1)
	}
	s.middle(h, node, channels)
	h.norm(node, "norm_out", channels)
	convolution(node, "conv_out", channels, s.ZChannels, 3)
}

func (s *structure) decoder(node *architecture.Node) {
	h := s.decoderPart()
	channels := s.width(len(s.Multipliers) - 1)
	convolution(node, "conv_in", s.ZChannels, channels, 3)
	s.middle(h, node, channels)
	up := node.Child("up", "")
	for i := len(s.Multipliers) - 1; i >= 0; i-- {
		level := up.Child(fmt.Sprint(i), h.level)
		h.blocks(level, channels, s.width(i), s.Blocks+1, s.attends(i, true))
		channels = s.width(i)
		s.resample(level, "upsample", "Upsample", channels, i > 0)
	}
	h.norm(node, "norm_out", channels)
	convolution(node, "conv_out", channels, s.OutChannels, 3)
	if s.Tanh {
		node.Set("tanh_out", true)
	}
	if s.UnitRange {
		node.Set("unit_range", true)
	}
}

// blocks adds the blocks of one resolution.
func (h half) blocks(node *architecture.Node, in, out, blocks int64, attends bool) {
	block, attention := node.Child("block", ""), node.Child("attn", "")
	for range blocks {
		h.residual(block.Item(h.block), in, out)
		if attends {
			h.attention(attention.Item("SpatialAttention"), out)
		} else {
			attention.Item(h.identity)
		}
		in = out
	}
}

func (s *structure) middle(h half, node *architecture.Node, channels int64) {
	middle := node.Child("mid", h.middle)
	h.residual(middle.Child("block_1", h.block), channels, channels)
	if s.NoMiddleAttention || s.AttentionType == "none" {
		middle.Plain("attn_1", h.identity)
	} else {
		h.attention(middle.Child("attn_1", "SpatialAttention"), channels)
	}
	h.residual(middle.Child("block_2", h.block), channels, channels)
}

func (h half) residual(node *architecture.Node, in, out int64) {
	h.norm(node, "norm1", in)
	convolution(node, "conv1", in, out, 3)
	h.norm(node, "norm2", out)
	convolution(node, "conv2", out, out, 3)
	if in == out {
		node.Plain("nin_shortcut", "Identity")
	} else {
		convolution(node, "nin_shortcut", in, out, 1)
	}
}

func (h half) attention(node *architecture.Node, channels int64) {
	h.norm(node, "norm", channels)
	for _, name := range []string{"q", "k", "v", "proj_out"} {
		convolution(node, name, channels, channels, 1)
	}
}

// resample adds what changes the resolution after a level, if the level is not the last.
func (s *structure) resample(node *architecture.Node, name, class string, channels int64, changes bool) {
	if !changes {
		node.Plain(name, "Identity")
		return
	}
	child := node.Child(name, class)
	if s.Convolution != nil && !*s.Convolution {
		return
	}
	conv := architecture.Conv{In: channels, Out: channels, Kernel: 3, Padding: 1}
	if class == "Downsample" {
		conv.Stride, conv.Padding = 2, 0
	}
	child.Conv2d("conv", conv)
}

// convolution adds a convolution that keeps the image's size.
func convolution(node *architecture.Node, name string, in, out, kernel int64) {
	node.Conv2d(name, architecture.Conv{In: in, Out: out, Kernel: kernel, Padding: kernel / 2})
}

// build makes the module of a network from the weights, which tell what they lack.
func build(d design, weights interface {
	architecture.Weights
	Check() error
}) (*jit.Module, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, torch.ErrModel)
	}
	return architecture.Build(weights, d.parts, sources...)
}

// describeModule returns the Config of a network.
func describeModule(d design) (Config, error) {
	settings, err := json.Marshal(d)
	config := d.sizes()
	config.Kind, config.Version, config.Network = contract.Kind, 1, settings
	config.Architecture = known(d)
	return config, err
}
