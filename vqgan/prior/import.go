package prior

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// ImportOptions say how [Import] reads a checkpoint.
type ImportOptions struct {
	// Configuration is the path of the YAML file of a checkpoint of taming-transformers. If it is empty,
	// and one of the same name, a model.yaml or a config.yaml is beside the checkpoint, that is read.
	Configuration string
	// Conditioning is the kind of condition, such as [ClassCondition], of a checkpoint of
	// taming-transformers without a YAML file, where its weights do not tell.
	Conditioning string
	// Heads is the number of heads of a checkpoint that does not tell. 0 means one for each 64 of the
	// width, as in all published models.
	Heads int64
	// VQGAN is a VQGAN that vqgan.Import reads, and which comes along in the archive, for a checkpoint
	// that has none inside.
	VQGAN string
	// Storage is the dtype in which the weights are written: torch.Float32, torch.Float16 or
	// torch.BFloat16. Nil keeps that of the checkpoint.
	Storage *torch.DType
	// Progress, if it is not nil, is called after each tensor that was read. An error of it ends the
	// import.
	Progress func(done, total int) error
}

// Import reads a published checkpoint and writes the archive that [Load] loads fastest. No code in the
// checkpoint is run. source may be what [Load] opens:
//
//   - checkpoints of taming-transformers' Net2NetTransformer: conditioned on a class, on a segmentation or
//     a depth map, on coordinates, or on nothing; the VQGANs of their stages come along;
//   - the folder of min-dalle's DALL-E mini or mega: encoder.pt, decoder.pt, vocab.json and
//     merges.txt, and of detoker.pt beside them or in ../vqgan, which comes along;
//   - checkpoints of this project's training;
//   - archives of Import itself, to store them in another dtype.
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
	module, config, err := importModule(source, options, true)
	if err != nil {
		return Config{}, err
	}
	defer module.Close()
	if err := archive.Store(module, &config.Storage, options.Storage); err != nil {
		return Config{}, fmt.Errorf("%s: %w", source, err)
	}
	return config, archive.Save(module, output, config)
}

// ReadConfig returns the description of a model that [Load] would load, without its weights. The errors are
// those of [Import].
func ReadConfig(source string) (Config, error) {
	config, err := readConfig(source, ImportOptions{})
	return config, failed("ReadConfig", err)
}

// ReadConfigWith is [ReadConfig] of what [Import] reads with the options.
func ReadConfigWith(source string, options ImportOptions) (Config, error) {
	config, err := readConfig(source, options)
	return config, failed("ReadConfigWith", err)
}

func readConfig(source string, options ImportOptions) (config Config, err error) {
	if archive.IsArchive(source) {
		return config, archive.ReadConfig(source, contract.Kind, &config)
	}
	found, err := open(source, options)
	if err != nil {
		return Config{}, err
	}
	defer found.close()
	err = found.describeStages(options, func(_, path string, from vqgan.ImportOptions) (vqgan.Config, error) {
		return vqgan.ReadConfigWith(path, from)
	})
	if err == nil {
		err = found.checkShapes()
	}
	if err == nil {
		config, err = found.describe(source)
	}
	if err != nil {
		return Config{}, weights.ModelError(source, err)
	}
	return config, nil
}

// importModule makes the module of a checkpoint, with its description and its extra files, in the dtype of
// the checkpoint.
func importModule(source string, options ImportOptions, hash bool) (module *jit.Module, config Config, err error) {
	if archive.IsArchive(source) {
		return openArchive(source)
	}
	found, err := open(source, options)
	if err != nil {
		return nil, Config{}, err
	}
	defer found.close()
	if module, config, err = found.convert(source, options); err != nil {
		return nil, Config{}, weights.ModelError(source, err)
	}
	if hash {
		if config.SourceSHA256, err = found.sha256(); err != nil {
			module.Close()
			return nil, Config{}, err
		}
	}
	return module, config, nil
}

func openArchive(source string) (*jit.Module, Config, error) {
	var config Config
	if err := archive.ReadConfig(source, contract.Kind, &config); err != nil {
		return nil, Config{}, err
	}
	module, err := jit.Load(source)
	return module, config, err
}

// An opened is a checkpoint whose network is known, and whose tensors have its names.
type opened struct {
	design design
	set    *weights.Set
	config Config
	// files are the extra files of its archive.
	files map[string][]byte
	// path is the file with the VQGANs of the stages, which stages names, and yaml the file that
	// describes them, or "".
	path   string
	stages []string
	yaml   string
	// vqgan is the file of a VQGAN alone that belongs to it, or "".
	vqgan string

	opened []*weights.File
}

func (o *opened) close() {
	for _, file := range o.opened {
		file.Close()
	}
}

// sha256 returns the hash of all files.
func (o *opened) sha256() (string, error) {
	all := weights.File{}
	for _, file := range o.opened {
		all.Parts = append(all.Parts, file.Parts...)
	}
	return all.SHA256()
}

// weightFiles are the names of files with weights in a folder, the preferred first.
var weightFiles = []string{encoderFile, "last.ckpt", "checkpoints/last.ckpt", "model.ckpt", "prior.pt"}

func open(source string, options ImportOptions) (*opened, error) {
	file, err := weights.OpenSource(source, weightFiles)
	if errors.Is(err, weights.ErrNoWeights) {
		return nil, noPrior{err}
	}
	if err != nil {
		return nil, err
	}
	o := &opened{path: file.Path, opened: []*weights.File{file}}
	if err := o.identify(file, options); err != nil {
		o.close()
		return nil, weights.ModelError(source, err)
	}
	return o, nil
}

func (o *opened) identify(file *weights.File, options ImportOptions) error {
	switch {
	case isStream(file):
		return o.identifyStream(file)
	case file.Has(minDalleName):
		return o.identifyMinDalle(file)
	case file.Has("transformer.tok_emb.weight"), file.Has("tok_emb.weight"):
		return o.identifyTaming(file, options)
	}
	if names := file.Names(); len(names) > 0 {
		return noPrior{fmt.Errorf("it is no transformer over tokens that is known: it has no tok_emb.weight; the first of its %d tensors is %s: %w",
			len(names), names[0], torch.ErrModel)}
	}
	return noPrior{fmt.Errorf("it holds no tensors by name: %w", torch.ErrModel)}
}

// ErrNoPrior is the kind of error of [Load], [Import] and [ReadConfig] for a source that is something
// else, in place of one that is incomplete.
var ErrNoPrior = errors.New("no prior")

type noPrior struct{ error }

func (noPrior) Is(target error) bool { return target == ErrNoPrior }
func (e noPrior) Unwrap() error      { return e.error }

// Files returns the paths of the files with weights from which [Load] would load a model.
func Files(source string) ([]string, error) {
	if archive.IsArchive(source) {
		return []string{source}, nil
	}
	found, err := open(source, ImportOptions{})
	if err != nil {
		return nil, failed("Files", err)
	}
	defer found.close()
	var paths []string
	for _, file := range found.opened {
		paths = append(paths, file.Path)
	}
	return paths, nil
}

// describe returns the Config without the VQGANs.
func (o *opened) describe(source string) (Config, error) {
	config, err := describeModule(o.design, o.config)
	config.Source = filepath.Base(source)
	return config, err
}

// checkShapes checks that the tensors are those of the network, without reading them.
func (o *opened) checkShapes() error {
	if err := o.design.check(); err != nil {
		return fmt.Errorf("%w: %w", err, torch.ErrModel)
	}
	return torch.Try(func() error {
		o.design.root(o.set.WithoutReading())
		return o.set.Check()
	})
}

func (o *opened) convert(source string, options ImportOptions) (*jit.Module, Config, error) {
	stages, err := o.readStages(options)
	defer func() {
		for _, stage := range stages {
			stage.Module.Close()
		}
	}()
	if err != nil {
		return nil, Config{}, err
	}
	config, err := o.describe(source)
	if err == nil {
		err = config.check()
	}
	if err == nil {
		_, err = newTextReader(config, o.files)
	}
	if err != nil {
		return nil, Config{}, err
	}
	o.set.Progress = options.Progress
	module, err := build(o.design, o.set, stages...)
	if err != nil {
		return nil, Config{}, err
	}
	for name, contents := range o.files {
		if err = module.SetExtraFile(name, contents); err != nil {
			break
		}
	}
	if err == nil {
		err = archive.Describe(module, config)
	}
	if err != nil {
		module.Close()
		return nil, Config{}, err
	}
	return module, config, nil
}

// readStages reads the VQGANs that come along, and puts their descriptions into the Config.
func (o *opened) readStages(options ImportOptions) (stages []jit.Child, err error) {
	err = o.describeStages(options, func(name, path string, from vqgan.ImportOptions) (vqgan.Config, error) {
		module, config, err := vqgan.ImportModule(path, from)
		if err == nil {
			stages = append(stages, jit.Child{Name: name, Module: module})
		}
		return config, err
	})
	return stages, err
}

// describeStages puts the descriptions of the VQGANs that come along into the Config; read gives them.
func (o *opened) describeStages(options ImportOptions, read func(name, path string, from vqgan.ImportOptions) (vqgan.Config, error)) error {
	add := func(name, path string, from vqgan.ImportOptions, into **vqgan.Config) error {
		config, err := read(name, path, from)
		if err != nil {
			return fmt.Errorf("its %s: %w", name, err)
		}
		config.Storage, config.Source, config.SourceSHA256 = "", filepath.Base(path), ""
		*into = &config
		return nil
	}
	for _, name := range o.stages {
		into := &o.config.VQGAN
		if name == conditionStage {
			into = &o.config.ConditionVQGAN
		}
		from := vqgan.ImportOptions{Stage: name + ".", Configuration: o.yaml}
		if err := add(name, o.path, from, into); err != nil {
			return err
		}
	}
	if path := cmp.Or(options.VQGAN, o.vqgan); path != "" && o.config.VQGAN == nil {
		if err := add(firstStage, path, vqgan.ImportOptions{}, &o.config.VQGAN); err != nil {
			return err
		}
	}
	if c := o.config.ConditionVQGAN; c != nil {
		o.config.ConditionVocabulary = min(o.config.ConditionVocabulary, c.CodebookSize)
	}
	c := o.config.VQGAN
	if c == nil {
		return nil
	}
	o.config.DownsamplingFactor = c.DownsamplingFactor
	if g, ok := o.design.(*gpt); ok && len(o.stages) > 0 && c.CodebookSize < g.ImageTokens {
		// Tokens of conditions alone are never drawn.
		g.ImageTokens, o.config.CodebookSize = c.CodebookSize, c.CodebookSize
	}
	if c.CodebookSize != o.config.CodebookSize {
		return fmt.Errorf("it draws tokens of a codebook of %d, and its VQGAN has one of %d: %w", o.config.CodebookSize, c.CodebookSize, torch.ErrModel)
	}
	return nil
}

// describeSettings returns a value of a checkpoint as JSON, to decode it.
func describeSettings(value any) ([]byte, error) {
	dict, ok := value.(*torch.Dict)
	if !ok {
		return json.Marshal(value)
	}
	object := map[string]any{}
	for key, each := range dict.All() {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("its config has the key %v", key)
		}
		object[name] = each
	}
	return json.Marshal(object)
}
