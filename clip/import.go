package clip

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// ImportOptions say how [Import] reads a checkpoint.
type ImportOptions struct {
	// Architecture is one of [Architectures]. It is needed if neither the shapes of the weights nor
	// a configuration beside them tell it.
	Architecture string
	// Storage is the dtype in which the weights are written: torch.Float32, torch.Float16 or
	// torch.BFloat16. Nil keeps that of the checkpoint.
	Storage *torch.DType
	// Progress, if it is not nil, is called after each tensor that was read. An error of it ends the
	// import.
	Progress func(done, total int) error
}

// Import reads a published checkpoint and writes the archive that [Load] loads fastest. No code in
// the checkpoint is run. source is a file, or the folder of its files, and may be what [Load] opens:
//
//   - OpenAI's models: their TorchScript archives, or state dicts from them;
//   - open_clip's checkpoints, safetensors or PyTorch's: the architecture is told by an
//     open_clip_config.json beside them, by options, or by the shapes if these decide it. Without that
//     file, pictures are prepared as all weights want it that open_clip publishes under the name, or
//     in OpenAI's way;
//   - Apple's own files of MobileCLIP S1, S2 and B;
//   - folders of Hugging Face's CLIPModel, SiglipModel, and CLIP's encoders alone: weights in one or
//     several files with their index, config.json, and preprocessor_config.json if there is one;
//   - checkpoints of scripts/training/train_clip.py;
//   - archives of Import itself, to store them in another dtype.
//
// A folder has weights of the usual names, or one file of weights of any name; or it is one of the
// cache of Hugging Face's hub. The files of a tokenizer of Hugging Face are read from the same folder.
// Otherwise the vocabulary is OpenAI's, unless merges.txt or bpe_merges.txt is beside the weights.
//
// The archive is replaced only when it has been written completely. The error is of kind
// [torch.ErrModel] if the source is no such model, and says what is missing.
func Import(source, output string, options ImportOptions) (Config, error) {
	config, err := importTo(source, output, options)
	return config, failed("Import", err)
}

func importTo(source, output string, options ImportOptions) (Config, error) {
	if err := archive.CheckOutput(output, options.Storage); err != nil {
		return Config{}, err
	}
	made, err := importModule(source, options, true)
	if err != nil {
		return Config{}, err
	}
	defer made.module.Close()
	if err := archive.Store(made.module, &made.config.Storage, options.Storage); err != nil {
		return Config{}, fmt.Errorf("%s: %w", source, err)
	}
	return made.config, archive.Save(made.module, output, made.config)
}

// ReadConfig returns the description of a model that [Load] would load, without its weights: it
// reads the names and shapes of tensors, and the tokenizer. The errors are those of Import.
func ReadConfig(source string) (Config, error) {
	config, err := readConfig(source)
	return config, failed("ReadConfig", err)
}

func readConfig(source string) (Config, error) {
	var config Config
	if archive.IsArchive(source) {
		return config, archive.ReadConfig(source, contract.Kind, &config)
	}
	file, err := weights.OpenSource(source, weightFiles)
	if err != nil {
		return config, err
	}
	defer file.Close()
	found, err := identifyFile(file, "")
	if err != nil {
		return config, weights.ModelError(source, err)
	}
	if config, err = found.config(source); err != nil {
		return config, err
	}
	if err := found.checkShapes(); err != nil {
		return config, weights.ModelError(source, err)
	}
	if _, _, err := found.makeTokenizer(file.Path, &config); err != nil {
		return config, weights.ModelError(source, err)
	}
	return config, nil
}

// checkShapes checks that the tensors are those of the network, without reading them.
func (found *identified) checkShapes() error {
	if err := found.network.check(); err != nil {
		return err
	}
	return torch.Try(func() error {
		found.network.make(found.set.WithoutReading())
		return found.set.Check()
	})
}

// An imported is a model that was made of a checkpoint.
type imported struct {
	// module has the extra files of an archive.
	module    *jit.Module
	config    Config
	tokenizer tokenizer.Tokenizer // nil without a text encoder
}

// importModule makes the model of a checkpoint, in the dtype of the checkpoint.
func importModule(source string, options ImportOptions, hash bool) (*imported, error) {
	file, err := weights.OpenSource(source, weightFiles)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	made, err := convert(file, source, options)
	if err != nil {
		return nil, weights.ModelError(source, err)
	}
	if hash && made.config.SourceSHA256 == "" {
		if made.config.SourceSHA256, err = file.SHA256(); err != nil {
			made.module.Close()
			return nil, err
		}
	}
	return made, nil
}

// WeightFiles returns the names of the files with weights that [Load] looks for in a folder, the
// preferred first.
func WeightFiles() []string { return slices.Clone(weightFiles) }

var weightFiles = []string{
	"open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
	"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
}

func convert(file *weights.File, source string, options ImportOptions) (*imported, error) {
	found, err := identifyFile(file, options.Architecture)
	if err != nil {
		return nil, err
	}
	made := &imported{}
	if made.config, err = found.config(source); err != nil {
		return nil, err
	}
	var files map[string][]byte
	if made.tokenizer, files, err = found.makeTokenizer(file.Path, &made.config); err != nil {
		return nil, err
	}
	found.set.Progress = options.Progress
	if made.module, err = found.network.build(found.set); err != nil {
		return nil, err
	}
	err = archive.Describe(made.module, made.config)
	for name, contents := range files {
		err = errors.Join(err, made.module.SetExtraFile(name, contents))
	}
	if err != nil {
		made.module.Close()
		return nil, err
	}
	return made, nil
}

// makeTokenizer makes the tokenizer of the checkpoint at path, and returns its files by their names in
// an archive. The description says then which it is. A model without a text encoder has none.
func (found *identified) makeTokenizer(path string, config *Config) (made tokenizer.Tokenizer, files map[string][]byte, err error) {
	if found.network.Only == "image" {
		return nil, nil, nil
	}
	if config.Tokenizer, files, err = found.tokenizerFor(path); err != nil {
		return nil, nil, err
	}
	made, err = newTokenizer(*config, files)
	return made, files, err
}

// config describes the model.
func (found *identified) config(source string) (Config, error) {
	n := found.network
	settings, err := json.Marshal(n)
	if found.source == "" {
		found.source = filepath.Base(source)
	}
	config := Config{
		Kind: contract.Kind, Version: 1, Architecture: found.name, ImageSize: n.Vision.ImageSize,
		Mean: found.preprocessing.Mean, StandardDeviation: found.preprocessing.StandardDeviation,
		Interpolation: found.preprocessing.Interpolation, ResizeMode: found.preprocessing.ResizeMode, ContextLength: int(n.Text.ContextLength),
		VocabularySize: int(n.Text.VocabularySize), EmbeddingDimension: n.EmbeddingDimension,
		Activation: n.activationName(), Tokenizer: found.tokenizer, Network: settings,
		Source: found.source, SourceSHA256: found.sha256,
	}
	switch n.Only {
	case "image":
		config.ContextLength, config.VocabularySize, config.Tokenizer = 0, 0, ""
	case "text":
		config.ImageSize, config.Interpolation, config.ResizeMode = 0, "", ""
		config.Mean, config.StandardDeviation = [3]float32{}, [3]float32{}
	}
	return config, err
}

// activationName is that of the text encoder.
func (n *network) activationName() string {
	if n.Text.activation(n.Text.Activation, n.QuickGELU) == "QuickGELU" {
		return "quickgelu"
	}
	return "gelu"
}

// identified is a checkpoint whose network is known, and whose tensors have its names.
type identified struct {
	name          string
	network       *network
	preprocessing preprocessing
	set           *weights.Set
	// tokenizer is the kind of tokenizer.
	tokenizer string
	// merges are those of a checkpoint that holds them.
	merges []byte
	// source and sha256 are what an archive says that it was made from.
	source, sha256 string
}

// identifyFile identifies an open checkpoint, which may tell more than its tensors do.
func identifyFile(file *weights.File, architecture string) (*identified, error) {
	told := trainedFrom(file.Value)
	found, err := identify(file.Set, file.Path, cmp.Or(architecture, told.architecture))
	if err == nil && told.merges != nil {
		found.tokenizer, found.merges = openAITokenizer, told.merges
	}
	return found, err
}

// identify identifies the tensors of the checkpoint at path.
func identify(set *weights.Set, path, architecture string) (*identified, error) {
	if archive.IsArchive(path) {
		return identifyArchive(set, path)
	}
	if isHuggingFace(set) {
		return identifyHuggingFace(set, path)
	}
	if isApple(set) {
		renamed, err := fromApple(set)
		if err != nil {
			return nil, err
		}
		return identifyOpenCLIP(renamed, path, architecture, appleArchitecture(renamed))
	}
	if !set.HasPrefix("visual.") {
		return nil, fmt.Errorf("it is no CLIP: %s: %w", whatElse(set), ErrNoCLIP)
	}
	return identifyOpenCLIP(set, path, architecture, "")
}

// identifyArchive identifies an archive of [Import], or an earlier one that does not have the
// settings of its network.
func identifyArchive(set *weights.Set, path string) (*identified, error) {
	var config Config
	if err := archive.ReadConfig(path, contract.Kind, &config); err != nil {
		return nil, err
	}
	found := &identified{name: config.Architecture, set: set, source: config.Source, sha256: config.SourceSHA256, preprocessing: preprocessing{
		Mean: config.Mean, StandardDeviation: config.StandardDeviation, Interpolation: config.Interpolation, ResizeMode: config.ResizeMode},
		tokenizer: cmp.Or(config.Tokenizer, openAITokenizer)}
	if len(config.Network) > 0 {
		if err := json.Unmarshal(config.Network, &found.network); err != nil {
			return nil, fmt.Errorf("its config.json: %w", err)
		}
		return found, nil
	}
	var err error
	if found.network, err = networkFromShapes(set); err == nil {
		found.network.QuickGELU = config.Activation == "quickgelu"
	}
	return found, err
}

func identifyHuggingFace(set *weights.Set, path string) (*identified, error) {
	data, err := weights.Beside(path, "config.json")
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, errNoConfig
	}
	n, err := networkFromHuggingFace(data)
	if err != nil {
		return nil, fmt.Errorf("its config.json: %w", err)
	}
	found := &identified{network: n, preprocessing: openAIPreprocessing(), tokenizer: huggingFaceTokenizer, set: fromHuggingFace(set)}
	if n.Vision.Trunk != nil {
		found.preprocessing = siglipPreprocessing()
	}
	data, name, err := preprocessorConfig(path)
	if err != nil {
		return nil, err
	}
	if data != nil {
		if found.preprocessing, err = fromPreprocessorConfig(data, n); err != nil {
			return nil, fmt.Errorf("its %s: %w", name, err)
		}
	}
	found.name = found.network.known()
	return found, nil
}

// known returns the name of the published architecture that computes the same, or a description.
func (n *network) known() string {
	if n.Only != "" {
		return n.describe()
	}
	for _, name := range Architectures() {
		other := networks[name]
		if n.sameShapes(other) && n.activationName() == other.activationName() && n.Vision.headWidth() == other.Vision.headWidth() {
			return name
		}
	}
	return n.describe()
}

// identifyOpenCLIP identifies tensors with open_clip's names. otherwise is the name of the architecture if
// none is given and no configuration tells it.
func identifyOpenCLIP(set *weights.Set, path, architecture, otherwise string) (*identified, error) {
	found := &identified{preprocessing: openAIPreprocessing(), tokenizer: openCLIPTokenizer}
	if isOpenAI(set) {
		found.tokenizer = openAITokenizer
	}
	found.set = set.Rename(func(name string) string {
		name = strings.TrimPrefix(name, "text.")
		if name == "attn_mask" {
			return "" // a constant of old files
		}
		if strings.HasPrefix(name, "text_decoder.") || name == "visual.trunk.rope.pos_embed" {
			return "" // CoCa's decoder, which writes captions, and a constant
		}
		return name
	})
	data, err := weights.Beside(path, "open_clip_config.json")
	if err != nil {
		return nil, err
	}
	if data != nil {
		if found.network, found.preprocessing, err = fromOpenCLIPConfig(data); err != nil {
			return nil, fmt.Errorf("its open_clip_config.json: %w", err)
		}
	}
	if found.network == nil || architecture != "" {
		if found.network, found.name, err = decide(found.set, cmp.Or(architecture, otherwise)); err != nil {
			return nil, err
		}
	}
	if found.network.Vision.TimmName != "" {
		known := *found.network // one of Architectures is shared
		found.network = &known
		if err := found.network.Vision.completeTrunk(found.set); err != nil {
			return nil, err
		}
	}
	if published, ok := publishedPreprocessing[found.name]; ok && data == nil {
		found.preprocessing = published
	}
	if err := found.network.check(); err != nil {
		return nil, err
	}
	if found.name == "" {
		found.name = found.network.known()
	}
	found.set.Ignore(bookkeeping...)
	return found, nil
}

// ErrNoCLIP is the error, of kind [torch.ErrModel], for a checkpoint whose tensors are none of a
// CLIP's.
var ErrNoCLIP = fmt.Errorf("no CLIP (%w)", torch.ErrModel)

// whatElse says what a checkpoint that is no CLIP seems to be.
func whatElse(set *weights.Set) string {
	for _, each := range []struct{ prefix, what string }{
		{"model.diffusion_model.", "it seems to be a diffusion model"},
		{"first_stage_model.", "it seems to hold a VQGAN, which package vqgan loads"},
		{"quantize.", "it seems to be a VQGAN, which package vqgan loads"},
		{"decoder.conv_in.", "it seems to be an autoencoder, which package vqgan may load"},
		{"bert.", "it seems to be a text model"},
		{"encoder.layer.", "it seems to be a text model"},
		{"roberta.", "it seems to be a text model"},
		{"model.embed_tokens.", "it seems to be a language model"},
		{"transformer.h.", "it seems to be a language model"},
	} {
		if set.HasPrefix(each.prefix) {
			return each.what
		}
	}
	names := set.Names()
	if len(names) == 0 {
		return "it holds no tensors by name"
	}
	return fmt.Sprintf("none of its %d tensors is an image encoder's; the first is %s", len(names), names[0])
}
