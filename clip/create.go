package clip

import (
	"bytes"
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Create writes an archive of one of [Architectures] with fresh weights, from which training can
// start: Python's torch.jit.load opens it too. The weights are float32 and are drawn as those of new
// models of openai/CLIP are, by the generator that [torch.ManualSeed] seeds. The vocabulary is
// OpenAI's, or the first tokens of it for an architecture with fewer; one with a vocabulary of its own
// is an error of kind [torch.ErrInvalid].
func Create(output, architecture string) (Config, error) {
	config, err := create(output, architecture)
	return config, failed("Create", err)
}

func create(output, architecture string) (Config, error) {
	n, name, err := byName(architecture)
	if err != nil {
		return Config{}, err
	}
	const beside = 2*256 + 2 // bytes, bytes at a word's end, and the special tokens
	vocabulary := int(n.Text.VocabularySize)
	merges := bytes.SplitAfter(tokenizer.OpenAIMerges(), []byte("\n"))
	if n.Text.TokenizerName != "" || vocabulary > openAIVocabulary || vocabulary < beside || n.Vision.TimmName != "" {
		return Config{}, fmt.Errorf("%s cannot be created: it has a tokenizer or an image encoder whose settings come with its weights: %w", name, torch.ErrInvalid)
	}
	found := &identified{name: name, network: n, preprocessing: openAIPreprocessing(), tokenizer: openAITokenizer, source: "fresh weights"}
	config, err := found.config("")
	if err != nil {
		return Config{}, err
	}
	module, err := n.build(weights.Fresh{})
	if err != nil {
		return Config{}, err
	}
	defer module.Close()
	if err := archive.Store(module, &config.Storage, nil); err != nil {
		return Config{}, err
	}
	if err := module.SetExtraFile(mergesFile, bytes.Join(merges[:vocabulary-beside], nil)); err != nil {
		return Config{}, err
	}
	return config, archive.Save(module, output, config)
}

// byName returns one of Architectures.
func byName(name string) (*network, string, error) {
	canonical := canonicalName(name)
	if n, ok := networks[canonical]; ok {
		return n, canonical, nil
	}
	return nil, "", architecture.Unknown(name, Architectures())
}
