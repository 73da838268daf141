package vqgan

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// ImportOptions say how [Import] reads a checkpoint.
type ImportOptions struct {
	// Architecture is one of [Architectures]. It is needed if neither the shapes of the weights nor
	// a configuration beside them tell it.
	Architecture string
	// Configuration is the path of the YAML file of a checkpoint of taming-transformers or
	// latent-diffusion. If it is empty, and one of the same name, a model.yaml or a config.yaml is
	// beside the checkpoint, that is read.
	Configuration string
	// Stage is the prefix of the tensors' names where the source is a checkpoint of several models, such
	// as "cond_stage_model.", whose images may have other than three channels. If it is empty, and there
	// is a "first_stage_model.", that is read.
	Stage string
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
//   - checkpoints of taming-transformers: VQModel and GumbelVQ, alone or as the first stage of a
//     model with a transformer;
//   - those of latent-diffusion's VQModel and VQModelInterface, alone or as the first stage of a
//     diffusion model;
//   - folders of diffusers' VQModel, such as that of aMUSEd, and Kandinsky's with spatial normalization
//     (MoVQ): config.json and weights, safetensors or PyTorch's. A scaling factor is not applied:
//     latents are those of VQModel.encode;
//   - min-dalle's detoker.pt, the decoder of DALL-E mini and mega, which has no encoder;
//   - DALL-E's discrete VAE: the folder of encoder.pkl and decoder.pkl, one of these, or one state
//     dict with both. Its latents are rows of the first convolution's weights in the decoder, of
//     128 elements, and its images are the means of the pixels;
//   - archives of Import itself, to store them in another dtype.
//
// GumbelVQ and the discrete VAE choose tokens by logits, the others by distance. The latents that
// [Model.Encode] gives for the former are rows of the codebook, so that [Model.Quantize] gives these
// tokens. Their gradient is that of the softmax of the logits.
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

// ReadConfig returns the description of a model that [Load] would load, without its weights: it
// reads the names and shapes of tensors alone. The errors are those of Import.
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
	opened, err := open(source)
	if err != nil {
		return config, err
	}
	defer opened.close()
	found, err := opened.identify(options)
	if err == nil {
		config, err = found.config(source)
	}
	if err == nil {
		err = found.checkShapes()
	}
	if err != nil {
		return Config{}, weights.ModelError(source, err)
	}
	return config, nil
}

// importModule makes the module of a checkpoint, with its configuration, in the dtype of the
// checkpoint.
func importModule(source string, options ImportOptions, hash bool) (*jit.Module, Config, error) {
	opened, err := open(source)
	if err != nil {
		return nil, Config{}, err
	}
	defer opened.close()
	module, config, err := opened.convert(source, options)
	if err != nil {
		return nil, Config{}, weights.ModelError(source, err)
	}
	if hash && config.SourceSHA256 == "" {
		if config.SourceSHA256, err = opened.sha256(); err != nil {
			module.Close()
			return nil, Config{}, err
		}
	}
	return module, config, nil
}

// An opened is a checkpoint whose files are open.
type opened struct {
	path  string
	value any
	set   *weights.Set
	files []*weights.File
}

// Files returns the paths of the files with weights, or of their index, from which [Load] would load
// a model.
func Files(source string) ([]string, error) {
	opened, err := open(source)
	if err != nil {
		return nil, failed("Files", err)
	}
	defer opened.close()
	var paths []string
	for _, file := range opened.files {
		paths = append(paths, file.Path)
	}
	return paths, nil
}

// weightFiles are the names of files with weights in a folder, the preferred first.
var weightFiles = []string{
	"diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model.bin",
	"diffusion_pytorch_model.fp16.safetensors",
	"vqvae/diffusion_pytorch_model.safetensors", "vqvae/diffusion_pytorch_model.bin", "vqvae/diffusion_pytorch_model.fp16.safetensors",
	"movq/diffusion_pytorch_model.safetensors", "movq/diffusion_pytorch_model.bin", "movq/diffusion_pytorch_model.fp16.safetensors",
	"model.safetensors", "model.ckpt", "last.ckpt", "checkpoints/last.ckpt", "encoder.pkl",
}

func open(source string) (*opened, error) {
	file, err := weights.OpenSource(source, weightFiles)
	if err != nil {
		return nil, err
	}
	o := &opened{path: file.Path, value: file.Value, set: file.Set, files: []*weights.File{file}}
	if err := o.addOtherHalf(); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// escapeGlob makes path.Match take a path as it is.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (o *opened) close() {
	for _, file := range o.files {
		file.Close()
	}
}

// sha256 returns the hash of all files.
func (o *opened) sha256() (string, error) {
	all := weights.File{}
	for _, file := range o.files {
		all.Parts = append(all.Parts, file.Parts...)
	}
	return all.SHA256()
}

func (o *opened) convert(source string, options ImportOptions) (*jit.Module, Config, error) {
	found, err := o.identify(options)
	if err != nil {
		return nil, Config{}, err
	}
	config, err := found.config(source)
	if err != nil {
		return nil, Config{}, err
	}
	found.set.Progress = options.Progress
	module, err := build(found.design, found.set)
	if err != nil {
		return nil, Config{}, found.explain(err)
	}
	if err := archive.Describe(module, config); err != nil {
		module.Close()
		return nil, Config{}, err
	}
	return module, config, nil
}

// An identified is a checkpoint whose network is known, and whose tensors have its names.
type identified struct {
	design design
	set    *weights.Set
	// configuration is the file that told the network, or "".
	configuration string
	// source and sha256 are what an archive says that it was made from, and name is what it is called
	// there.
	source, sha256, name string
}

// config describes the model.
func (found *identified) config(source string) (Config, error) {
	config, err := describeModule(found.design)
	config.Source, config.SourceSHA256 = found.source, found.sha256
	if config.Source == "" {
		config.Source = filepath.Base(source)
	}
	if found.name != "" {
		config.Architecture = found.name
	}
	return config, err
}

// explain adds the configuration to an error about tensors.
func (found *identified) explain(err error) error {
	if found.configuration == "" {
		return err
	}
	return fmt.Errorf("with the network of %s, %w", found.configuration, err)
}

// checkShapes checks that the tensors are those of the network, without reading them.
func (found *identified) checkShapes() error {
	if err := found.design.check(); err != nil {
		return found.explain(fmt.Errorf("%w: %w", err, torch.ErrModel))
	}
	return torch.Try(func() error {
		found.design.parts(found.set.WithoutReading())
		if err := found.set.Check(); err != nil {
			return found.explain(err)
		}
		return nil
	})
}

func (o *opened) identify(options ImportOptions) (*identified, error) {
	if archive.IsArchive(o.path) {
		return o.identifyArchive()
	}
	set := o.set
	if dvae := dvaeTensors(set); dvae != nil {
		return identifyDVAE(dvae)
	}
	if isDetokenizer(set) {
		return identifyDetokenizer(set)
	}
	if set.HasPrefix("encoder.down_blocks.") {
		return identifyDiffusers(set, o.path)
	}
	return o.identifyTaming(options)
}

// identifyArchive identifies an archive of [Import], or an earlier one that does not have the
// settings of its network.
func (o *opened) identifyArchive() (*identified, error) {
	var config Config
	if err := archive.ReadConfig(o.path, contract.Kind, &config); err != nil {
		return nil, err
	}
	found := &identified{set: o.set, source: config.Source, sha256: config.SourceSHA256, name: config.Architecture}
	var err error
	if len(config.Network) > 0 {
		if found.design, err = decodeDesign(config.Network); err != nil {
			return nil, fmt.Errorf("its config.json: %w", err)
		}
		return found, nil
	}
	if found.design = designs[config.Architecture]; found.design != nil {
		return found, nil
	}
	found.design, err = networkFromShapes(o.set)
	return found, err
}

// whatElse says what a checkpoint that is none of these seems to be.
func whatElse(set *weights.Set) string {
	for _, each := range []struct{ prefix, what string }{
		{"first_stage_model.quant_conv.", "its first stage seems to be a KL autoencoder, which has no codebook"},
		{"quant_conv.", "it seems to be a KL autoencoder, which has no codebook"},
		{"model.diffusion_model.", "it seems to be a diffusion model without its first stage"},
		{"down_blocks.", "it seems to be a diffusion model"},
		{"visual.", "it seems to be a CLIP, which package clip loads"},
		{"vision_model.", "it seems to be a CLIP, which package clip loads"},
		{"text_model.", "it seems to be a CLIP, which package clip may load"},
		{"tok_emb.", "it seems to be a transformer over tokens"},
		{"bert.", "it seems to be a text model"},
		{"encoder.layer.", "it seems to be a text model"},
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
	return fmt.Sprintf("none of its %d tensors is a codebook; the first is %s", len(names), names[0])
}
