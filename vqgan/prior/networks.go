package prior

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

// A known is a network that is known by name, with the description of its model.
type known struct {
	design design
	config Config
}

// tamingGPT returns a transformer over the tokens of pictures of 256 x 256 pixels, conditioned as the
// Config says.
func tamingGPT(layers, heads, width, vocabulary, prefix int64, config Config) known {
	config.CodebookSize, config.GridHeight, config.GridWidth, config.DownsamplingFactor = vocabulary, 16, 16, 16
	return known{&gpt{Family: gptFamily, Vocabulary: vocabulary, Outputs: vocabulary, ImageTokens: vocabulary,
		Positions: max(256, 2*prefix), Layers: layers, Heads: heads, Width: width, Prefix: prefix}, config}
}

func dalleBartOf(layers, heads, width, mlpWidth, textVocabulary, imageVocabulary int64) known {
	d := &dalleBart{Family: dalleBartFamily, ImageVocabulary: imageVocabulary, ImageTokens: 1 << 14, ImageLength: 256,
		TextVocabulary: textVocabulary, TextLength: 64, Layers: layers, Heads: heads, Width: width, MLPWidth: mlpWidth,
		Start: 1<<14 - 1, Padding: 1}
	return known{d, d.config()}
}

func (d *dalleBart) config() Config {
	return Config{CodebookSize: d.ImageTokens, GridHeight: 16, GridWidth: 16, DownsamplingFactor: 16,
		Conditioning: TextCondition, Tokenizer: dalleMiniTokenizer, TextLength: d.TextLength, TextVocabulary: d.TextVocabulary,
		// min-dalle's.
		Sampling: &Sampling{Temperature: 1, TopK: 256, TopP: 1, Guidance: 16}}
}

// designs are the networks that are known by name: those that have been published.
var designs = func() map[string]known {
	grid := Config{Conditioning: GridCondition, ConditionVocabulary: 1024}
	faces := tamingGPT(24, 16, 1024, 1024, 256, Config{Conditioning: CoordinateCondition, ConditionVocabulary: 1024})
	return map[string]known{
		"taming-imagenet": tamingGPT(48, 24, 1536, 16384, 1, Config{Conditioning: ClassCondition, Classes: 1000}),
		"taming-faceshq":  faces,
		"taming-ffhq":     tamingGPT(24, 16, 1024, 1024, 1, Config{Conditioning: NoCondition}),
		"taming-sflckr":   tamingGPT(24, 16, 1024, 1024, 256, grid),
		"dalle-mini":      dalleBartOf(12, 16, 1024, 2730, 50264, 16384),
		"dalle-mega":      dalleBartOf(24, 32, 2048, 4096, 50272, 16415),
	}
}()

// Architectures returns the names of the architectures that [Create] makes.
func Architectures() []string { return slices.Sorted(maps.Keys(designs)) }

// Create writes an archive of one of [Architectures] with fresh weights, from which training can start,
// and without a VQGAN. Python's torch.jit.load opens it too. The weights are float32 and are drawn by the
// generator that [torch.ManualSeed] seeds. Files are those of the tokenizer, by their names in the
// archive, for an architecture that reads texts: "vocab.json" and "bpe_merges.txt".
//
// [torch.ManualSeed]: https://pkg.go.dev/github.com/clipvqgan/clipvqgan/torch#ManualSeed
func Create(output, name string, files map[string][]byte) (Config, error) {
	config, err := create(output, name, files)
	return config, failed("Create", err)
}

func create(output, name string, files map[string][]byte) (Config, error) {
	k, ok := designs[name]
	if !ok {
		return Config{}, architecture.Unknown(name, Architectures())
	}
	config, err := describeModule(k.design, k.config)
	if err != nil {
		return Config{}, err
	}
	config.Architecture, config.Source = name, "fresh weights"
	if _, err := newTextReader(config, files); err != nil {
		return Config{}, err
	}
	module, err := build(k.design, weights.Fresh{})
	if err != nil {
		return Config{}, err
	}
	defer module.Close()
	if err := archive.Store(module, &config.Storage, nil); err != nil {
		return Config{}, err
	}
	for name, contents := range files {
		if err := module.SetExtraFile(name, contents); err != nil {
			return Config{}, err
		}
	}
	return config, archive.Save(module, output, config)
}

// describeModule completes the Config of a network.
func describeModule(d design, config Config) (Config, error) {
	settings, err := json.Marshal(d)
	config.Kind, config.Version, config.Network = contract.Kind, 1, settings
	config.Architecture = knownName(settings, d)
	return config, err
}

// knownName returns the name of a network, or a description.
func knownName(settings []byte, d design) string {
	for _, name := range Architectures() {
		if other, err := json.Marshal(designs[name].design); err == nil && string(other) == string(settings) {
			return name
		}
	}
	return d.describe()
}
