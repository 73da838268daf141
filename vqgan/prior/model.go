package prior

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Config describes a model, as in the archive's config.json.
type Config struct {
	// Kind is "prior", and Version that of the description, 1.
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	// Architecture is the name of the network; it is not interpreted.
	Architecture string `json:"architecture"`
	// CodebookSize is the number of different tokens that the model draws, which is that of its VQGAN's
	// codebook.
	CodebookSize int64 `json:"codebook_size"`
	// GridHeight and GridWidth are the size, in tokens, of the pictures that the model was trained on.
	GridHeight int64 `json:"grid_height"`
	GridWidth  int64 `json:"grid_width"`
	// DownsamplingFactor is that of the VQGAN; 0 means that it is not known.
	DownsamplingFactor int64 `json:"downsampling_factor,omitempty"`
	// Conditioning is NoCondition or another kind of condition.
	Conditioning string `json:"conditioning"`
	// StartToken comes first where there is no condition.
	StartToken int64 `json:"start_token,omitempty"`
	// Classes is the number of classes.
	Classes int64 `json:"classes,omitempty"`
	// ConditionVocabulary is the number of different tokens in a conditioning grid.
	ConditionVocabulary int64 `json:"condition_vocabulary,omitempty"`
	// Tokenizer is the kind of the tokenizer of texts, and TextLength the number of tokens that a text
	// may have.
	Tokenizer  string `json:"tokenizer,omitempty"`
	TextLength int64  `json:"text_length,omitempty"`
	// TextVocabulary is the number of tokens of texts.
	TextVocabulary int64 `json:"text_vocabulary,omitempty"`
	// EmbeddingDimension is that of the CLIP embeddings which the model takes, or 0.
	EmbeddingDimension int64 `json:"embedding_dimension,omitempty"`
	// Sampling are the publishers' settings, or nil.
	Sampling *Sampling `json:"sampling,omitempty"`
	// VQGAN describes the VQGAN in the archive that decodes the tokens, or is nil, and ConditionVQGAN the
	// one whose encoder gives the conditioning grid.
	VQGAN          *vqgan.Config `json:"vqgan,omitempty"`
	ConditionVQGAN *vqgan.Config `json:"condition_vqgan,omitempty"`
	// Network are the settings of the network.
	Network json.RawMessage `json:"network,omitempty"`
	// Storage is the dtype of the weights in the archive.
	Storage string `json:"storage,omitempty"`
	// Source names the file of the weights, and SourceSHA256 is its hash.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256,omitempty"`
}

// Sampling are settings of [Options] that suit a model.
type Sampling struct {
	Temperature float64 `json:"temperature"`
	TopK        int     `json:"top_k"`
	TopP        float64 `json:"top_p"`
	Guidance    float64 `json:"guidance"`
}

// prefixHasGrid reports whether a grid of tokens comes before the picture's.
func (c Config) prefixHasGrid() bool {
	return c.Conditioning == GridCondition || c.Conditioning == CoordinateCondition
}

func (c Config) check() error {
	for _, each := range []struct {
		name  string
		value int64
		least int64
	}{
		{"codebook_size", c.CodebookSize, 1}, {"grid_height", c.GridHeight, 1}, {"grid_width", c.GridWidth, 1},
		{"downsampling_factor", c.DownsamplingFactor, 0}, {"start_token", c.StartToken, 0}, {"classes", c.Classes, 0},
		{"condition_vocabulary", c.ConditionVocabulary, 0}, {"text_length", c.TextLength, 0},
		{"text_vocabulary", c.TextVocabulary, 0}, {"embedding_dimension", c.EmbeddingDimension, 0},
	} {
		if each.value < each.least || each.value > largestSize {
			return fmt.Errorf("its config.json has the %s %d", each.name, each.value)
		}
	}
	if c.GridHeight > largestSide || c.GridWidth > largestSide {
		return fmt.Errorf("its config.json has a grid of %d rows of %d tokens", c.GridHeight, c.GridWidth)
	}
	kinds := []string{NoCondition, ClassCondition, GridCondition, CoordinateCondition, TextCondition}
	if !slices.Contains(kinds, c.Conditioning) {
		return fmt.Errorf("its config.json has the conditioning %q, known are %v", c.Conditioning, kinds)
	}
	return nil
}

// A Model is a transformer over tokens. It may be used from many goroutines at once.
//
// Its parameters do not require gradients.
type Model struct {
	loaded *archive.Loaded
	config Config
	device torch.Device
	dtype  torch.DType
	texts  textReader
	vqgan  *vqgan.Model
	stage  *vqgan.Model
}

// methods are what a prior's module does; cache.py says how they are called.
var methods = []string{"cache", "begin", "step", "forward"}

var contract = archive.Contract{Kind: "prior", Methods: methods, Frozen: methods}

// Load loads a model: an archive of [Import], or a published checkpoint that Import reads. By default it
// computes in float32 on the CPU; options may be a device and a dtype:
//
//	prior.Load(path, torch.CUDA(0), torch.BFloat16)
//
// The error is of kind [torch.ErrModel] if the file is not such a model.
func Load(path string, where ...torch.Option) (*Model, error) {
	if archive.IsArchive(path) {
		return archive.Load(path, contract, newModel(where), where...)
	}
	module, _, err := importModule(path, ImportOptions{}, false)
	if err != nil {
		return nil, failed("Load", err)
	}
	return archive.Finish(path, module, contract, newModel(where), where...)
}

// Read is [Load] of an archive from a stream.
func Read(r io.Reader, where ...torch.Option) (*Model, error) {
	return archive.Read(r, contract, newModel(where), where...)
}

func newModel(where []torch.Option) func(loaded *archive.Loaded, config Config) (*Model, error) {
	return func(loaded *archive.Loaded, config Config) (*Model, error) {
		if err := config.check(); err != nil {
			return nil, fmt.Errorf("%w: %w", err, archive.ErrWrongModel)
		}
		if len(config.Network) > 0 {
			var compact bytes.Buffer
			if err := json.Compact(&compact, config.Network); err != nil {
				return nil, err
			}
			config.Network = compact.Bytes()
		}
		m := &Model{loaded: loaded, config: config, device: loaded.Device, dtype: loaded.DType}
		if err := m.complete(where); err != nil {
			m.closeStages()
			return nil, err
		}
		return m, nil
	}
}

// complete makes what the model comes with: what reads texts, and the VQGANs.
func (m *Model) complete(where []torch.Option) (err error) {
	if m.texts, err = newTextReader(m.config, m.loaded.Files); err != nil {
		return fmt.Errorf("%w: %w", err, archive.ErrWrongModel)
	}
	if m.vqgan, err = m.stageModel(firstStage, m.config.VQGAN, where); err != nil {
		return err
	}
	m.stage, err = m.stageModel(conditionStage, m.config.ConditionVQGAN, where)
	return err
}

// The submodules of the VQGANs that come with a prior, under taming's names.
const (
	firstStage     = "first_stage_model"
	conditionStage = "cond_stage_model"
)

func (m *Model) stageModel(name string, config *vqgan.Config, where []torch.Option) (*vqgan.Model, error) {
	if config == nil {
		return nil, nil
	}
	value, err := m.loaded.Module.Attribute(name)
	if err != nil {
		return nil, err
	}
	module, ok := value.(*jit.Module)
	if !ok {
		return nil, fmt.Errorf("its %s is no module: %w", name, archive.ErrWrongModel)
	}
	return vqgan.FromModule("its "+name, module, *config, where...)
}

// Config returns the archive's description of the model.
func (m *Model) Config() Config { return m.orZero().config }

// Device returns the device of the model.
func (m *Model) Device() torch.Device { return m.orZero().device }

// DType returns the dtype in which the model computes.
func (m *Model) DType() torch.DType { return m.orZero().dtype }

// VQGAN returns the VQGAN that came with the model and decodes its tokens, or nil. It belongs to the
// model: do not close it.
func (m *Model) VQGAN() *vqgan.Model { return m.orZero().vqgan }

// ConditionVQGAN returns the VQGAN that came with the model and whose encoder and quantizer give the
// conditioning grid, or nil. It belongs to the model: do not close it.
func (m *Model) ConditionVQGAN() *vqgan.Model { return m.orZero().stage }

// usable returns an error for a model that was not loaded.
func (m *Model) usable() error {
	if m == nil || m.loaded == nil {
		return fmt.Errorf("the model was not loaded; prior.Load returns one: %w", torch.ErrInvalid)
	}
	return nil
}

// orZero returns the model, or for nil one that was not loaded.
func (m *Model) orZero() *Model {
	if m == nil {
		return new(Model)
	}
	return m
}

// Close frees the model. Closing it again does nothing.
func (m *Model) Close() {
	if m.usable() != nil {
		return
	}
	m.closeStages()
	m.loaded.Close()
}

func (m *Model) closeStages() {
	for _, stage := range []*vqgan.Model{m.vqgan, m.stage} {
		if stage != nil {
			stage.Close()
		}
	}
}

// CheckVQGAN returns an error for a VQGAN whose codebook is not that of the model's tokens.
func (m *Model) CheckVQGAN(model *vqgan.Model) error {
	if err := m.usable(); err != nil {
		return failed("CheckVQGAN", err)
	}
	config := model.Config()
	switch {
	case config.CodebookSize != m.config.CodebookSize:
		return failed("CheckVQGAN", fmt.Errorf("the prior draws tokens of a codebook of %d, the VQGAN has one of %d: %w",
			m.config.CodebookSize, config.CodebookSize, torch.ErrInvalid))
	case m.config.DownsamplingFactor != 0 && config.DownsamplingFactor != m.config.DownsamplingFactor:
		return failed("CheckVQGAN", fmt.Errorf("the prior draws tokens of %d x %d pixels, those of the VQGAN are %d x %d: %w",
			m.config.DownsamplingFactor, m.config.DownsamplingFactor, config.DownsamplingFactor, config.DownsamplingFactor, torch.ErrInvalid))
	}
	return nil
}

// Decode returns the picture of a grid of tokens of the VQGAN's codebook. The error is [torch.ErrInvalid]
// for a grid with other tokens.
func Decode(ctx context.Context, model *vqgan.Model, grid Grid) (image.Image, error) {
	if err := grid.check("the grid", model.Config().CodebookSize); err != nil {
		return nil, failed("Decode", err)
	}
	var picture image.Image
	err := torch.Compute(ctx, func(*torch.TensorScope) error {
		latent, err := model.Embed(ctx, grid.Tensor())
		if err == nil {
			picture, err = model.DecodeImage(ctx, latent)
		}
		return err
	})
	if err != nil {
		return nil, failed("Decode", err)
	}
	return picture, nil
}

// Encode returns the tokens of a picture that is resized to width x height pixels: as a condition, with
// [Model.ConditionVQGAN], or as the start of a picture. The errors are those of vqgan's EncodeImage.
func Encode(ctx context.Context, model *vqgan.Model, picture image.Image, width, height int) (grid Grid, err error) {
	err = torch.Compute(ctx, func(*torch.TensorScope) error {
		latent, err := model.EncodeImage(ctx, picture, width, height)
		if err != nil {
			return err
		}
		quantized, err := model.Quantize(ctx, latent)
		if err != nil {
			return err
		}
		grid, err = GridOf(quantized.Tokens)
		return err
	})
	return grid, failed("Encode", err)
}

// failed adds the function's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("prior: %s: %w", operation, err)
}
