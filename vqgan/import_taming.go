package vqgan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// identifyTaming identifies checkpoints with the names of taming-transformers, which
// latent-diffusion took over, and those with the names of our networks.
func (o *opened) identifyTaming(options ImportOptions) (*identified, error) {
	set := o.set
	switch {
	case options.Stage != "":
		set = set.Within(options.Stage)
	case set.HasPrefix(firstStage + "quantize."):
		set = set.Within(firstStage)
	}
	if !set.HasPrefix("encoder.down.") || !set.HasPrefix("quantize.") && !set.HasPrefix("quantizer.") {
		return nil, fmt.Errorf("it is no VQGAN: %s: %w", whatElse(o.set), torch.ErrModel)
	}
	if set.Has("quantize.used") {
		return nil, fmt.Errorf("it maps its tokens to fewer (remap), which is not supported: %w", torch.ErrModel)
	}
	found := &identified{set: fromTaming(set)}
	if name := o.architecture(options); name != "" {
		if found.design = designs[name]; found.design == nil {
			return nil, architecture.Unknown(name, Architectures())
		}
		return found, nil
	}
	anyChannels := options.Stage != "" && options.Stage != firstStage
	configuration, path, err := findConfiguration(o.path, options.Configuration, anyChannels)
	if err != nil {
		return nil, err
	}
	if configuration != nil {
		found.design, err = configuration.network(found.set, anyChannels)
		if found.configuration = filepath.Base(path); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", path, err, torch.ErrModel)
		}
		return found, nil
	}
	n, err := networkFromShapes(found.set)
	if err != nil {
		return nil, err
	}
	if set.HasPrefix("quantizer.") {
		return nil, fmt.Errorf("its shapes do not tell the groups of its normalization: give one of %s as the architecture: %w",
			strings.Join(Architectures(), ", "), torch.ErrModel)
	}
	n.anyChannels = anyChannels
	found.design = n
	return found, nil
}

// firstStage is the prefix of the autoencoder's tensors in a model with two stages.
const firstStage = "first_stage_model."

// architecture is the name that was given, or that a checkpoint of scripts/training tells.
func (o *opened) architecture(options ImportOptions) string {
	if options.Architecture != "" {
		return options.Architecture
	}
	if dict, ok := o.value.(*torch.Dict); ok && dict.Get("model") != nil {
		name, _ := dict.Get("architecture").(string)
		return name
	}
	return ""
}

// notInNetwork are prefixes of tensors that only training uses.
var notInNetwork = []string{"loss.", "model_ema."}

// fromTaming gives the tensors the names of our network, and leaves out those of the training.
func fromTaming(set *weights.Set) *weights.Set {
	return set.Rename(func(name string) string {
		if name == "colorize" || slices.ContainsFunc(notInNetwork, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return ""
		}
		for _, each := range [][2]string{
			{"quantize.embedding.", "quantizer.embedding."}, {"quantize.embed.", "quantizer.embedding."}, {"quantize.proj.", "proj."},
		} {
			if rest, ok := strings.CutPrefix(name, each[0]); ok {
				return each[1] + rest
			}
		}
		return name
	})
}

// A tamingModel is a model in the YAML files of taming-transformers and latent-diffusion.
type tamingModel struct {
	Params struct {
		network `yaml:",inline"`
		Remap   any `yaml:"remap"`
		// FirstStage is the autoencoder of a model with two stages, and ConditionStage that of its
		// conditions, which may be a word.
		FirstStage     *tamingModel `yaml:"first_stage_config"`
		ConditionStage yaml.Node    `yaml:"cond_stage_config"`
	} `yaml:"params"`
}

// UnmarshalYAML sets the defaults of taming's Encoder.
func (m *tamingModel) UnmarshalYAML(node *yaml.Node) error {
	type plain tamingModel
	*m = tamingModel{}
	m.Params.Structure = structure{DoubleZ: true, Multipliers: []float64{1, 2, 4, 8}, Attention: []int64{}}
	return node.Decode((*plain)(m))
}

// parseConfiguration returns the autoencoder with a codebook in a YAML file, or nil if it describes
// none. condition asks for that of the conditions.
func parseConfiguration(data []byte, condition bool) (*tamingModel, error) {
	var file struct {
		Model *tamingModel `yaml:"model"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("it cannot be read: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	model := file.Model
	if condition && model != nil {
		stage := model.Params.ConditionStage
		if model = nil; stage.Kind == yaml.MappingNode {
			if err := stage.Decode(&model); err != nil {
				return nil, fmt.Errorf("its cond_stage_config cannot be read: %s", strings.Join(strings.Fields(err.Error()), " "))
			}
		}
	}
	for depth := 0; model != nil && model.Params.FirstStage != nil && depth < 4; depth++ {
		model = model.Params.FirstStage
	}
	if model == nil || model.Params.CodebookSize == 0 {
		return nil, nil
	}
	return model, nil
}

// network returns the network of the tensors, which tell what the file calls by the names of classes.
func (m *tamingModel) network(set *weights.Set, anyChannels bool) (*network, error) {
	n := m.Params.network
	n.Gumbel, n.Structure.SpatialNorm = set.Has("proj.weight"), set.Has(spatialNormWeight)
	n.anyChannels = anyChannels
	if m.Params.Remap != nil {
		return nil, errors.New("it maps its tokens to fewer (remap), which is not supported")
	}
	return &n, n.check()
}

// findConfiguration returns the configuration of a checkpoint, and its path: the one that was
// given, or one beside it. It returns nil if there is none.
func findConfiguration(checkpoint, given string, condition bool) (*tamingModel, string, error) {
	if given != "" {
		model, err := readConfiguration(given, condition)
		if err == nil && model == nil {
			err = fmt.Errorf("%s describes no autoencoder with a codebook: it has no n_embed: %w", given, torch.ErrModel)
		}
		return model, given, err
	}
	folder := filepath.Dir(checkpoint)
	stem := strings.TrimSuffix(filepath.Base(checkpoint), filepath.Ext(checkpoint))
	candidates := []string{stem + ".yaml", stem + ".yml", "model.yaml", "config.yaml"}
	for i, name := range candidates {
		candidates[i] = filepath.Join(folder, name)
	}
	// Where taming's training writes it; the last of several is the newest.
	trained, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(folder)), "configs", "*-project.yaml"))
	slices.Sort(trained)
	slices.Reverse(trained)
	for _, path := range append(candidates, trained...) {
		model, err := readConfiguration(path, condition)
		if errors.Is(err, fs.ErrNotExist) || err == nil && model == nil {
			continue
		}
		return model, path, err
	}
	return nil, "", nil
}

func readConfiguration(path string, condition bool) (*tamingModel, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing.Error("the configuration " + path)
	}
	if err != nil {
		return nil, err
	}
	model, err := parseConfiguration(data, condition)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, torch.ErrModel)
	}
	return model, nil
}

// spatialNormWeight is a tensor that MoVQ's decoder alone has.
const spatialNormWeight = "decoder.norm_out.conv_y.weight"

// assumedResolution is that of all published models.
const assumedResolution = 256

// networkFromShapes reads a network off the shapes of tensors with our names. They do not tell the
// groups of the normalization, which are 32 in all models of taming-transformers and
// latent-diffusion.
func networkFromShapes(set *weights.Set) (*network, error) {
	const firstConvolution = "encoder.conv_in.weight"
	levels := set.Count("encoder.down")
	if set.Size(firstConvolution, 0) == 0 || levels < 1 || levels > mostLevels {
		return nil, fmt.Errorf("its encoder has %d levels and no first convolution: %w", levels, torch.ErrModel)
	}
	n := &network{
		CodebookSize:       set.Size("quantizer.embedding.weight", 0),
		EmbeddingDimension: set.Size("quantizer.embedding.weight", 1),
		Gumbel:             set.Has("proj.weight"),
	}
	s := &n.Structure
	s.Channels, s.ImageChannels = set.Size(firstConvolution, 0), set.Size(firstConvolution, 1)
	s.OutChannels, s.ZChannels = set.Size("decoder.conv_out.weight", 0), set.Size("decoder.conv_in.weight", 1)
	s.Blocks, s.Attention = set.Count("encoder.down.0.block"), []int64{}
	s.Resolution = max(assumedResolution, int64(1)<<(levels-1))
	decoder := []int64{}
	for i := range levels {
		channels := set.Size(fmt.Sprintf("encoder.down.%d.block.0.conv1.weight", i), 0)
		s.Multipliers = append(s.Multipliers, float64(channels)/float64(s.Channels))
		if set.HasPrefix(fmt.Sprintf("encoder.down.%d.attn.", i)) {
			s.Attention = append(s.Attention, s.Resolution>>i)
		}
		if set.HasPrefix(fmt.Sprintf("decoder.up.%d.attn.", i)) {
			decoder = append(decoder, s.Resolution>>i)
		}
	}
	if !slices.Equal(decoder, s.Attention) {
		s.DecoderAttention = decoder
	}
	s.SpatialNorm = set.Has(spatialNormWeight)
	s.NoMiddleAttention = !set.HasPrefix("encoder.mid.attn_1.")
	if levels > 1 && !set.Has("encoder.down.0.downsample.conv.weight") {
		convolution := false
		s.Convolution = &convolution
	}
	return n, nil
}
