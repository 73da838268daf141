package clip

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Config describes a model. It is the archive's config.json.
type Config struct {
	// Architecture names the network's shape, for people.
	Architecture string `json:"architecture"`
	// ImageSize is the side, in pixels, of the pictures that the image encoder takes.
	ImageSize int64 `json:"image_size"`
	// Mean and StandardDeviation normalise each colour, after scaling to [0, 1].
	Mean              [3]float32 `json:"mean"`
	StandardDeviation [3]float32 `json:"std"`
	// Interpolation is the filter that resizes pictures: "bicubic" or "bilinear".
	Interpolation string `json:"interpolation"`
	// ContextLength is how many tokens the text encoder takes, start and end token included.
	ContextLength int `json:"context_length"`
	// VocabularySize is the number of tokens.
	VocabularySize int `json:"vocabulary_size"`
	// EmbeddingDimension is the length of an embedding.
	EmbeddingDimension int64 `json:"embedding_dimension"`
	// Activation is "quickgelu" (OpenAI's weights) or "gelu".
	Activation string `json:"activation"`
	// Source says where the weights come from, and SourceSHA256 is the hash of that file.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256"`
}

// A Model is a loaded CLIP: an image encoder and a text encoder into one space, in which a picture
// and its description are close. It may be used from many goroutines at once.
//
// Its parameters do not require gradients; gradients flow through it to its inputs.
type Model struct {
	loaded       *archive.Loaded
	config       Config
	device       torch.Device
	dtype        torch.DType
	tokenizer    tokenizer.Tokenizer
	logitScale   float64
	preprocessor Preprocessor
	// mean and deviation are [3, 1, 1], on the model's device and in its dtype.
	mean, deviation *torch.Tensor
}

const mergesFile = "bpe_merges.txt"

var contract = archive.Contract{
	Kind:    "clip",
	Methods: []string{"encode_image", "encode_text"},
	Frozen:  []string{"encode_image", "encode_text"},
	Files:   []string{mergesFile},
	Numbers: []string{"logit_scale"},
}

// Load loads a model that scripts/export/export_clip.py wrote. It computes in float32 on the CPU
// unless options say otherwise:
//
//	clip.Load(path, torch.CUDA(0), torch.Float16)
//
// A file that is not such a model is the error [torch.ErrModel].
func Load(path string, where ...torch.Option) (*Model, error) {
	return archive.Load(path, contract, newModel, where...)
}

// Read is [Load] from a stream.
func Read(r io.Reader, where ...torch.Option) (*Model, error) {
	return archive.Read(r, contract, newModel, where...)
}

func newModel(loaded *archive.Loaded, config Config) (*Model, error) {
	m := &Model{
		loaded: loaded, config: config, device: loaded.Device, dtype: loaded.DType,
		logitScale: math.Exp(loaded.Numbers["logit_scale"]),
	}
	if err := m.complete(loaded.Files[mergesFile]); err != nil {
		return nil, fmt.Errorf("%w: %w", archive.ErrWrongModel, err)
	}
	return m, nil
}

// complete fills in what the archive says, and checks that its parts fit each other.
func (m *Model) complete(merges []byte) error {
	c := m.config
	if c.ImageSize < 1 || c.EmbeddingDimension < 1 || c.ContextLength < 3 {
		return fmt.Errorf("its config.json has image_size %d, embedding_dimension %d, context_length %d",
			c.ImageSize, c.EmbeddingDimension, c.ContextLength)
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
	if m.tokenizer, err = tokenizer.NewCLIP(bytes.NewReader(merges), c.ContextLength); err != nil {
		return err
	}
	if got := m.tokenizer.VocabularySize(); got != c.VocabularySize {
		return fmt.Errorf("its %s makes a vocabulary of %d, its config.json says %d", mergesFile, got, c.VocabularySize)
	}
	return torch.Try(func() error {
		m.mean = torch.FromSlice(c.Mean[:], torch.Shape{3, 1, 1}).To(m.device, m.dtype)
		m.deviation = torch.FromSlice(c.StandardDeviation[:], torch.Shape{3, 1, 1}).To(m.device, m.dtype)
		return nil
	})
}

// Config describes the model.
func (m *Model) Config() Config { return m.config }

// Device is where the model lives, and where its inputs are brought.
func (m *Model) Device() torch.Device { return m.device }

// DType is what the model computes in.
func (m *Model) DType() torch.DType { return m.dtype }

// Tokenizer is the model's own.
func (m *Model) Tokenizer() tokenizer.Tokenizer { return m.tokenizer }

// ImageSize is the side, in pixels, of the pictures that [Model.EncodePixels] takes.
func (m *Model) ImageSize() int64 { return m.config.ImageSize }

// LogitScale is what cosines are multiplied with before a softmax: exp of the trained parameter,
// the inverse of the paper's temperature.
func (m *Model) LogitScale() float64 { return m.logitScale }

// Close frees the model. Closing it again does nothing.
func (m *Model) Close() {
	m.loaded.Close()
	m.mean.Close()
	m.deviation.Close()
}

// EncodeText is the embeddings of texts, [N, D], not of unit length. A text that is empty, is not
// UTF-8 or has too many tokens is an error: see [tokenizer.CLIP.Tokenize].
func (m *Model) EncodeText(texts ...string) (*torch.Tensor, error) {
	rows, err := m.tokenizer.Tokenize(texts...)
	if err != nil {
		return nil, fmt.Errorf("clip: EncodeText: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("clip: EncodeText: there is no text: %w", torch.ErrInvalid)
	}
	tokens := make([]int64, 0, len(rows)*m.config.ContextLength)
	for _, row := range rows {
		tokens = append(tokens, row...)
	}
	return m.encode("EncodeText", "encode_text", func() *torch.Tensor {
		return torch.FromSlice(tokens, torch.Shape{int64(len(rows)), int64(m.config.ContextLength)}, m.device)
	})
}

// EncodePixels is the embeddings of pictures, [N, D], not of unit length. The pictures are
// [N, 3, S, S] in [0, 1], with S the model's image size; they are normalised here. Gradients flow
// back to them.
func (m *Model) EncodePixels(pictures *torch.Tensor) (*torch.Tensor, error) {
	err := torch.Try(func() error {
		shape, size := pictures.Shape(), m.config.ImageSize
		if len(shape) != 4 || shape[0] < 1 || shape[1] != 3 || shape[2] != size || shape[3] != size {
			return fmt.Errorf("the pictures are %v, wanted [N, 3, %d, %d]: %w", shape, size, size, torch.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("clip: EncodePixels: %w", err)
	}
	return m.encode("EncodePixels", "encode_image", func() *torch.Tensor {
		return pictures.To(m.device, m.dtype).Sub(m.mean).Div(m.deviation).ChannelsLast()
	})
}

// encode runs one of the encoders on an input that is made in a scope of its own.
func (m *Model) encode(operation, method string, input func() *torch.Tensor) (embeddings *torch.Tensor, err error) {
	err = torch.Try(func() (err error) {
		torch.LimitedScope(func(scope *torch.TensorScope) {
			if embeddings, err = m.loaded.Frozen.CallTensor(method, input()); err == nil {
				scope.Keep(embeddings)
			}
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("clip: %s: %w", operation, err)
	}
	return embeddings, nil
}

// Similarity is the cosines between each of a, [N, D], and each of b, [M, D]: [N, M]. Times
// [Model.LogitScale] they are CLIP's logits.
func Similarity(a, b *torch.Tensor) (cosines *torch.Tensor, err error) {
	err = torch.Try(func() error {
		if a.Dim() != 2 || b.Dim() != 2 || a.Size(1) != b.Size(1) {
			return fmt.Errorf("embeddings of shapes %v and %v, wanted [N, D] and [M, D]: %w", a.Shape(), b.Shape(), torch.ErrInvalid)
		}
		torch.LimitedScope(func(scope *torch.TensorScope) {
			cosines = scope.Keep(a.Normalize(-1).MatMul(b.Normalize(-1).T()))
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("clip: Similarity: %w", err)
	}
	return cosines, nil
}
