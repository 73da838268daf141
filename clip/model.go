package clip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A Config describes a model, as in the archive's config.json.
type Config struct {
	// Kind is "clip", and Version that of the description, 1.
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	// Architecture is the name of the network, such as "ViT-B/32"; it is not interpreted.
	Architecture string `json:"architecture"`
	// ImageSize is the side S, in pixels, of the square input of the image encoder, or 0 if there is
	// none.
	ImageSize int64 `json:"image_size"`
	// Mean and StandardDeviation normalize the channels red, green and blue, with values from 0 to
	// 1.
	Mean              [3]float32 `json:"mean"`
	StandardDeviation [3]float32 `json:"std"`
	// Interpolation is the filter for resizing images, "bicubic" or "bilinear".
	Interpolation string `json:"interpolation"`
	// ResizeMode is "shortest", the default: the shorter side is scaled, and the longer one cropped;
	// or "squash": both are scaled.
	ResizeMode string `json:"resize_mode,omitempty"`
	// ContextLength is the number of tokens that the text encoder takes, including start and end, or
	// 0 if there is none.
	ContextLength int `json:"context_length"`
	// VocabularySize is the number of tokens.
	VocabularySize int `json:"vocabulary_size"`
	// EmbeddingDimension is D, the number of elements of an embedding.
	EmbeddingDimension int64 `json:"embedding_dimension"`
	// Activation is "quickgelu" (OpenAI's weights) or "gelu".
	Activation string `json:"activation"`
	// Tokenizer is the kind of tokenizer: "openai-bpe" is [tokenizer.NewCLIP] with the archive's
	// merges, "open-clip" [tokenizer.ForOpenCLIP] and "huggingface" [tokenizer.ForHuggingFace] with
	// its files.
	Tokenizer string `json:"tokenizer"`
	// Network are the settings of the network, in the form of open_clip's model configurations.
	Network json.RawMessage `json:"network,omitempty"`
	// Storage is the dtype of the weights in the archive.
	Storage string `json:"storage,omitempty"`
	// Source names the file of the weights, and SourceSHA256 is its hash.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256,omitempty"`
}

// A Model is an image encoder and a text encoder that were trained together. One may be missing, if
// they were published apart. It may be used from
// many goroutines at once.
//
// Its parameters do not require gradients. Gradients flow through it to its inputs.
type Model struct {
	loaded     *archive.Loaded
	config     Config
	device     torch.Device
	dtype      torch.DType
	tokenizer  tokenizer.Tokenizer
	logitScale float64
	logitBias  float64
	// sigmoid is true if the model was trained with the sigmoid loss, which has a bias.
	sigmoid bool
	// One of the encoders may be missing.
	encodesImages, encodesTexts bool
	preprocessor                Preprocessor
	// mean and deviation are [3, 1, 1], on the model's device and in its dtype.
	mean, deviation *torch.Tensor
}

var contract = archive.Contract{
	Kind:    "clip",
	Methods: []string{"encode_image", "encode_text"},
	Frozen:  []string{"encode_image", "encode_text"},
	Numbers: []string{"logit_scale", "logit_bias"},
}

// Load loads a model: an archive of [Import], or a published checkpoint that Import reads. By default
// it computes in float32 on the CPU; options may be a device and a dtype:
//
//	clip.Load(path, torch.CUDA(0), torch.Float16)
//
// The error is of kind [torch.ErrModel] if the file is not such a model.
func Load(path string, where ...torch.Option) (*Model, error) {
	if archive.IsArchive(path) {
		return archive.Load(path, contract, newModel, where...)
	}
	made, err := importModule(path, ImportOptions{}, false)
	if err != nil {
		return nil, failed("Load", err)
	}
	return archive.Finish(path, made.module, contract, func(loaded *archive.Loaded, config Config) (*Model, error) {
		return newModelWith(loaded, config, made.tokenizer)
	}, where...)
}

// Read is [Load] of an archive from a stream.
func Read(r io.Reader, where ...torch.Option) (*Model, error) {
	return archive.Read(r, contract, newModel, where...)
}

func newModel(loaded *archive.Loaded, config Config) (*Model, error) {
	return newModelWith(loaded, config, nil)
}

// newModelWith makes a model with a tokenizer, or, if that is nil, with that of the archive's files.
func newModelWith(loaded *archive.Loaded, config Config, t tokenizer.Tokenizer) (*Model, error) {
	m := &Model{
		loaded: loaded, config: config, device: loaded.Device, dtype: loaded.DType, tokenizer: t,
		logitScale: math.Exp(loaded.Numbers["logit_scale"]), logitBias: loaded.Numbers["logit_bias"],
		encodesImages: config.ImageSize != 0, encodesTexts: config.ContextLength != 0,
	}
	_, m.sigmoid = loaded.Numbers["logit_bias"]
	if _, ok := loaded.Numbers["logit_scale"]; !ok && m.encodesImages && m.encodesTexts {
		return nil, fmt.Errorf("it lacks the parameter logit_scale: %w", archive.ErrWrongModel)
	}
	if err := m.complete(loaded.Files); err != nil {
		return nil, fmt.Errorf("%w: %w", archive.ErrWrongModel, err)
	}
	return m, nil
}

// complete sets the fields that depend on the archive, and checks that its parts fit together.
func (m *Model) complete(files map[string][]byte) error {
	if len(m.config.Network) > 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, m.config.Network); err != nil {
			return err
		}
		m.config.Network = compact.Bytes()
	}
	c := m.config
	if c.EmbeddingDimension < 1 || m.encodesImages && c.ImageSize < 1 || m.encodesTexts && c.ContextLength < 3 || !m.encodesImages && !m.encodesTexts {
		return fmt.Errorf("its config.json has image_size %d, embedding_dimension %d, context_length %d",
			c.ImageSize, c.EmbeddingDimension, c.ContextLength)
	}
	var err error
	if m.encodesTexts && m.tokenizer == nil {
		if m.tokenizer, err = newTokenizer(c, files); err != nil {
			return err
		}
	}
	if !m.encodesImages {
		return nil
	}
	for _, deviation := range c.StandardDeviation {
		if deviation <= 0 {
			return fmt.Errorf("its config.json has a std of %v, wanted above 0", deviation)
		}
	}
	filter, err := imageio.ParseFilter(c.Interpolation)
	if err != nil {
		return err
	}
	m.preprocessor = Preprocessor{
		Size: int(c.ImageSize), Filter: filter, Mean: c.Mean, Std: c.StandardDeviation,
	}
	if err := choice("resize_mode", c.ResizeMode, "", "shortest", "squash"); err != nil {
		return err
	}
	m.preprocessor.Squash = c.ResizeMode == "squash"
	return torch.Try(func() error {
		m.mean = torch.FromSlice(c.Mean[:], torch.Shape{3, 1, 1}).To(m.device, m.dtype)
		m.deviation = torch.FromSlice(c.StandardDeviation[:], torch.Shape{3, 1, 1}).To(m.device, m.dtype)
		return nil
	})
}

// Config returns the archive's description of the model.
func (m *Model) Config() Config { return m.orZero().config }

// Device returns the device of the model. Inputs are moved to it, and results are on it.
func (m *Model) Device() torch.Device { return m.orZero().device }

// DType returns the dtype in which the model computes, and that of its results.
func (m *Model) DType() torch.DType { return m.orZero().dtype }

// Tokenizer returns the model's tokenizer, or nil if the model has no text encoder.
func (m *Model) Tokenizer() tokenizer.Tokenizer { return m.orZero().tokenizer }

// ImageSize returns the side S, in pixels, of the input of [Model.EncodePixels].
func (m *Model) ImageSize() int64 { return m.orZero().config.ImageSize }

// LogitScale returns the factor that turns cosines into logits: exp of the trained parameter
// logit_scale, the inverse of the paper's temperature.
func (m *Model) LogitScale() float64 { return m.orZero().logitScale }

// usable returns an error for a model that was not loaded.
func (m *Model) usable() error {
	if m == nil || m.loaded == nil {
		return fmt.Errorf("the model was not loaded; clip.Load returns one: %w", torch.ErrInvalid)
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

// LogitBias returns what is added to the scaled cosines in models that were trained with the sigmoid
// loss, such as SigLIP; it is 0 in others.
func (m *Model) LogitBias() float64 { return m.logitBias }

// EncodesImages reports whether the model has an image encoder, and EncodesTexts whether it has a
// text encoder. Most have both.
func (m *Model) EncodesImages() bool { return m.encodesImages }

// EncodesTexts reports whether the model has a text encoder.
func (m *Model) EncodesTexts() bool { return m.encodesTexts }

// Close frees the model. Closing it again does nothing.
func (m *Model) Close() {
	if m.usable() != nil {
		return
	}
	m.loaded.Close()
	m.mean.Close()
	m.deviation.Close()
}

// textBatch is the number of texts that are encoded at a time.
const textBatch = 256

// EncodeText returns the embeddings of texts, [N, D], not normalized. They are encoded in batches.
// The error is [tokenizer.ErrEmptyPrompt], [tokenizer.ErrInvalidUTF8] or
// [tokenizer.ErrPromptTooLong] for a text, or [torch.ErrInvalid] if there are none.
func (m *Model) EncodeText(ctx context.Context, texts ...string) (*torch.Tensor, error) {
	embeddings, err := m.encodeTexts(ctx, texts)
	return embeddings, failed("EncodeText", err)
}

func (m *Model) encodeTexts(ctx context.Context, texts []string) (*torch.Tensor, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if !m.encodesTexts {
		return nil, fmt.Errorf("the model %s has no text encoder: %w", m.config.Architecture, torch.ErrModel)
	}
	rows, err := m.tokenizer.Tokenize(texts...)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("there is no text: %w", torch.ErrInvalid)
	}
	var parts joined
	defer parts.close()
	for batch := range slices.Chunk(rows, textBatch) {
		embeddings, err := m.encode(ctx, "encode_text", func() *torch.Tensor {
			shape := torch.Shape{int64(len(batch)), int64(m.config.ContextLength)}
			return torch.FromSlice(slices.Concat(batch...), shape, m.device)
		})
		if err != nil {
			return nil, err
		}
		parts.add(embeddings)
	}
	return parts.join(ctx)
}

// EncodePixels returns the embeddings, [N, D], not normalized, of images [N, 3, S, S], where S is
// the model's image size. Pixels are from 0 to 1; mean and standard deviation are applied here. All
// images are encoded in one batch, and gradients flow back to them. The error is [torch.ErrInvalid]
// for another shape.
func (m *Model) EncodePixels(ctx context.Context, pictures *torch.Tensor) (*torch.Tensor, error) {
	if err := m.usable(); err != nil {
		return nil, failed("EncodePixels", err)
	}
	if err := m.needImages(); err != nil {
		return nil, failed("EncodePixels", err)
	}
	err := torch.Try(func() error {
		shape, size := pictures.Shape(), m.config.ImageSize
		if len(shape) != 4 || shape[0] < 1 || shape[1] != 3 || shape[2] != size || shape[3] != size {
			return fmt.Errorf("the pictures are %v, wanted [N, 3, %d, %d]: %w", shape, size, size, torch.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return nil, failed("EncodePixels", err)
	}
	embeddings, err := m.encode(ctx, "encode_image", func() *torch.Tensor {
		return pictures.To(m.device, m.dtype).Sub(m.mean).Div(m.deviation).ChannelsLast()
	})
	return embeddings, failed("EncodePixels", err)
}

// needImages returns an error if the model has no image encoder.
func (m *Model) needImages() error {
	if m != nil && !m.encodesImages {
		return fmt.Errorf("the model %s has no image encoder: %w", m.config.Architecture, torch.ErrModel)
	}
	return nil
}

// encode runs one of the encoders on the result of input.
func (m *Model) encode(ctx context.Context, method string, input func() *torch.Tensor) (embeddings *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		result, err := m.loaded.Frozen.CallTensor(method, input())
		if err == nil {
			embeddings = scope.Keep(result)
		}
		return err
	})
	return embeddings, err
}

// failed adds the method's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("clip: %s: %w", operation, err)
}
