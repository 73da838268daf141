package prior

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A tamingFile is what is read of the YAML file of a Net2NetTransformer.
type tamingFile struct {
	Model struct {
		Params struct {
			Transformer struct {
				Target string `yaml:"target"`
				Params struct {
					Heads    int64 `yaml:"n_head"`
					Unmasked int64 `yaml:"n_unmasked"`
				} `yaml:"params"`
			} `yaml:"transformer_config"`
			Condition     yaml.Node `yaml:"cond_stage_config"`
			Unconditional bool      `yaml:"unconditional"`
			StartToken    int64     `yaml:"sos_token"`
			Downsample    int64     `yaml:"downsample_cond_size"`
			Keep          *float64  `yaml:"pkeep"`
			Permuter      struct {
				Target string `yaml:"target"`
			} `yaml:"permuter_config"`
		} `yaml:"params"`
	} `yaml:"model"`
}

// A tamingStage is a conditioning stage in it.
type tamingStage struct {
	Target string `yaml:"target"`
	Params struct {
		Classes    int64 `yaml:"n_classes"`
		Embeddings int64 `yaml:"n_embed"`
		StartToken int64 `yaml:"sos_token"`
	} `yaml:"params"`
}

// identifyTaming identifies a checkpoint of taming's Net2NetTransformer, or its transformer alone.
func (o *opened) identifyTaming(file *weights.File, options ImportOptions) error {
	transformer := file.Set
	if file.HasPrefix("transformer.") {
		transformer = file.Within("transformer.")
	}
	yamlFile, path, err := findConfiguration(file.Path, options.Configuration)
	if err != nil {
		return err
	}
	width, positions := transformer.Size("tok_emb.weight", 1), transformer.Size("pos_emb", 1)
	vocabulary := transformer.Size("tok_emb.weight", 0)
	g := &gpt{Family: gptFamily, Vocabulary: vocabulary, Outputs: transformer.Size("head.weight", 0), ImageTokens: vocabulary,
		Positions: positions, Layers: transformer.Count("blocks"), Heads: max(1, width/64), Width: width}
	if g.Unmasked, err = unmasked(transformer); err != nil {
		return err
	}
	config := Config{CodebookSize: vocabulary}
	if yamlFile != nil {
		if err := yamlFile.check(); err != nil {
			return fmt.Errorf("%s: %w: %w", path, err, torch.ErrModel)
		}
		o.yaml = path
		g.Heads = max(1, yamlFile.Model.Params.Transformer.Params.Heads)
		if err := yamlFile.describe(&config); err != nil {
			return fmt.Errorf("%s: %w: %w", path, err, torch.ErrModel)
		}
	} else if err := describeWithoutFile(&config, file.Set, options); err != nil {
		return err
	}
	if options.Heads > 0 {
		g.Heads = options.Heads
	}
	// The picture's last token is never fed in, but where there is one token before them the published
	// block sizes do not count it.
	tokens := positions
	g.Prefix = 1
	if config.prefixHasGrid() {
		tokens /= 2
		g.Prefix = tokens
		if config.ConditionVocabulary == 0 || config.ConditionVocabulary > vocabulary {
			config.ConditionVocabulary = vocabulary
		}
	}
	side := int64(math.Sqrt(float64(tokens)))
	if side < 1 || side*side != tokens {
		return fmt.Errorf("its block of %d positions is that of no square picture: %w", positions, torch.ErrModel)
	}
	config.GridHeight, config.GridWidth = side, side
	if file.HasPrefix(firstStage + ".quantize.") {
		o.stages = append(o.stages, firstStage)
	}
	if config.Conditioning == GridCondition && file.HasPrefix(conditionStage+".quantize.") {
		o.stages = append(o.stages, conditionStage)
	}
	o.design, o.config = g, config
	o.set = transformer.Rename(func(name string) string {
		switch {
		case strings.HasSuffix(name, ".attn.mask"),
			transformer == file.Set && slices.ContainsFunc([]string{firstStage + ".", conditionStage + "."}, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
			return ""
		}
		return name
	})
	return nil
}

// unmasked returns how many of the first positions see each other, by the mask of the first block, which
// is triangular otherwise.
func unmasked(transformer *weights.Set) (count int64, err error) {
	const name = "blocks.0.attn.mask"
	shape := transformer.Shape(name)
	if len(shape) != 4 || shape[3] == 0 || shape[2] == 0 {
		return 0, nil
	}
	err = torch.Try(func() (err error) {
		torch.Scope(func(*torch.TensorScope) {
			var mask *torch.Tensor
			if mask, err = transformer.Read(name); err == nil {
				count = int64(mask.Select(2, 0).Sum().Item())
			}
		})
		return err
	})
	if count == 1 {
		return 0, err // the first position sees itself
	}
	return count, err
}

func (f *tamingFile) check() error {
	p := f.Model.Params
	switch {
	case !strings.HasSuffix(p.Transformer.Target, ".GPT"):
		return fmt.Errorf("its transformer %s is not supported", p.Transformer.Target)
	case p.Permuter.Target != "" && !strings.HasSuffix(p.Permuter.Target, ".Identity"):
		return fmt.Errorf("its order of tokens (permuter_config) %s is not supported", p.Permuter.Target)
	case p.Downsample > 0:
		return errors.New("its downsample_cond_size is not supported")
	case p.Keep != nil && *p.Keep <= 0:
		return errors.New("its pkeep is 0, as in a model that draws all tokens at once, which is not supported")
	}
	return nil
}

// describe says what a model is conditioned on.
func (f *tamingFile) describe(config *Config) error {
	p := f.Model.Params
	if p.Unconditional || p.Condition.Kind == yaml.ScalarNode {
		switch {
		case p.Unconditional, p.Condition.Value == "__is_unconditional__":
			config.Conditioning, config.StartToken = NoCondition, p.StartToken
		case p.Condition.Value == "__is_first_stage__":
			config.Conditioning = GridCondition
		default:
			return fmt.Errorf("its cond_stage_config %q is not known", p.Condition.Value)
		}
		return nil
	}
	var stage tamingStage
	if err := p.Condition.Decode(&stage); err != nil || stage.Target == "" {
		return errors.New("it has no cond_stage_config")
	}
	switch name := stage.Target[strings.LastIndexByte(stage.Target, '.')+1:]; name {
	case "Labelator":
		config.Conditioning, config.Classes = ClassCondition, stage.Params.Classes
	case "CoordStage":
		config.Conditioning, config.ConditionVocabulary = CoordinateCondition, stage.Params.Embeddings
		config.DownsamplingFactor = 16
	case "SOSProvider":
		config.Conditioning, config.StartToken = NoCondition, stage.Params.StartToken
	case "VQModel", "VQSegmentationModel", "GumbelVQ", "VQNoDiscModel":
		config.Conditioning, config.ConditionVocabulary = GridCondition, stage.Params.Embeddings
	default:
		return fmt.Errorf("its conditioning stage %s is not supported", stage.Target)
	}
	return nil
}

// describeWithoutFile does so by the weights and the options.
func describeWithoutFile(config *Config, all *weights.Set, options ImportOptions) error {
	config.Conditioning = options.Conditioning
	if config.Conditioning == "" && all.HasPrefix(conditionStage+".quantize.") {
		config.Conditioning = GridCondition
	}
	switch config.Conditioning {
	case ClassCondition:
		config.Classes = config.CodebookSize
	case NoCondition, GridCondition:
	case CoordinateCondition:
		config.DownsamplingFactor, config.ConditionVocabulary = 16, config.CodebookSize
	case "":
		return fmt.Errorf("its weights do not tell what it is conditioned on: keep its YAML file beside it, or give the conditioning %s, %s or %s: %w",
			NoCondition, ClassCondition, CoordinateCondition, torch.ErrModel)
	default:
		return fmt.Errorf("the conditioning is %q, wanted %s, %s, %s or %s: %w", config.Conditioning,
			NoCondition, ClassCondition, GridCondition, CoordinateCondition, torch.ErrInvalid)
	}
	return nil
}

// findConfiguration returns the configuration of a checkpoint, and its path: the one that was given, or one
// beside it. It returns nil if there is none.
func findConfiguration(checkpoint, given string) (*tamingFile, string, error) {
	if given != "" {
		file, err := readConfiguration(given)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, given, missing.Error("the configuration " + given)
		}
		if err == nil && file == nil {
			err = fmt.Errorf("%s describes no transformer: it has no transformer_config: %w", given, torch.ErrModel)
		}
		return file, given, err
	}
	folder := filepath.Dir(checkpoint)
	stem := strings.TrimSuffix(filepath.Base(checkpoint), filepath.Ext(checkpoint))
	candidates := []string{}
	for _, name := range []string{stem + ".yaml", stem + ".yml", "model.yaml", "config.yaml"} {
		candidates = append(candidates, filepath.Join(folder, name))
	}
	// Where taming's training writes it; the last of several is the newest.
	if entries, err := os.ReadDir(filepath.Join(filepath.Dir(folder), "configs")); err == nil {
		for _, entry := range slices.Backward(entries) {
			if strings.HasSuffix(entry.Name(), "-project.yaml") {
				candidates = append(candidates, filepath.Join(filepath.Dir(folder), "configs", entry.Name()))
			}
		}
	}
	for _, path := range candidates {
		file, err := readConfiguration(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && file == nil {
			continue
		}
		return file, path, err
	}
	return nil, "", nil
}

// readConfiguration returns nil for a file that describes no transformer.
func readConfiguration(path string) (*tamingFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfiguration(path, data)
}

func parseConfiguration(path string, data []byte) (*tamingFile, error) {
	var file tamingFile
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s: %w", path, strings.Join(strings.Fields(err.Error()), " "), torch.ErrModel)
	}
	if file.Model.Params.Transformer.Target == "" {
		return nil, nil
	}
	return &file, nil
}
