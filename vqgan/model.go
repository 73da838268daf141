// Package vqgan is VQGAN (Esser, Rombach and Ommer 2021, "Taming Transformers for High-Resolution
// Image Synthesis"): a convolutional encoder turns a picture into a small grid of vectors, each is
// replaced by the nearest row of a learnt codebook, and a decoder turns the grid back into a
// picture.
//
//	model, err := vqgan.Load("models/vqgan.pt")
//	picture, err := model.Reconstruct(img)
//
// Package guided, below this one, makes pictures from text with it and CLIP.
package vqgan

import (
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Config describes a model. It is the archive's config.json.
type Config struct {
	// Architecture names the network's shape, for people.
	Architecture string `json:"architecture"`
	// DownsamplingFactor is how many pixels, along each side, one latent vector stands for.
	DownsamplingFactor int64 `json:"downsampling_factor"`
	// CodebookSize is the number of rows in the codebook.
	CodebookSize int64 `json:"codebook_size"`
	// EmbeddingDimension is the length of a codebook row and of a latent vector.
	EmbeddingDimension int64 `json:"embedding_dimension"`
	// ImageSize is the side, in pixels, of the pictures the model was trained on. Others work too.
	ImageSize int64 `json:"image_size"`
	// Source says where the weights come from, and SourceSHA256 is the hash of that file.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256"`
}

// A Model is a loaded VQGAN. It may be used from many goroutines at once.
//
// Its parameters do not require gradients; gradients flow through it to its inputs.
type Model struct {
	loaded   *archive.Loaded
	config   Config
	device   torch.Device
	dtype    torch.DType
	codebook *torch.Tensor
}

var contract = archive.Contract{
	Kind:    "vqgan",
	Methods: []string{"encode", "quantize", "embed", "decode"},
	Frozen:  []string{"encode", "decode"},
}

// Load loads a model that scripts/export/export_vqgan.py wrote. It computes in float32 on the CPU
// unless options say otherwise:
//
//	vqgan.Load(path, torch.CUDA(0), torch.Float16)
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
	if config.DownsamplingFactor < 1 || config.CodebookSize < 1 || config.EmbeddingDimension < 1 || config.ImageSize < 1 {
		return nil, fmt.Errorf("its config.json has a size below 1: %w", archive.ErrWrongModel)
	}
	m := &Model{loaded: loaded, config: config, device: loaded.Device, dtype: loaded.DType}
	var err error
	if m.codebook, err = m.readCodebook(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Model) readCodebook() (codebook *torch.Tensor, err error) {
	err = torch.Try(func() error {
		torch.LimitedScope(func(scope *torch.TensorScope) {
			size, dimension := m.config.CodebookSize, m.config.EmbeddingDimension
			tokens := torch.Arange(0, size, 1, m.device).Reshape(torch.Shape{1, 1, size})
			var rows *torch.Tensor
			if rows, err = m.Embed(tokens); err != nil {
				return
			}
			codebook = scope.Keep(rows.Reshape(torch.Shape{dimension, size}).Transpose(0, 1).Contiguous())
		})
		return err
	})
	return codebook, err
}

// Config describes the model.
func (m *Model) Config() Config { return m.config }

// Device is where the model lives, and where its inputs are brought.
func (m *Model) Device() torch.Device { return m.device }

// DType is what the model computes in.
func (m *Model) DType() torch.DType { return m.dtype }

// Codebook is the codebook, [codebook size, embedding dimension]. It is the model's own: neither
// close it nor write to it.
func (m *Model) Codebook() *torch.Tensor { return m.codebook }

// Close frees the model. Closing it again does nothing.
func (m *Model) Close() {
	m.loaded.Close()
	m.codebook.Close()
}

// Encode turns pictures, [N, 3, H, W] in [-1, 1], into latents, [N, C, H/f, W/f], with f the
// downsampling factor and C the embedding dimension. The latents are not quantised yet. H and W
// must be multiples of f.
func (m *Model) Encode(pictures *torch.Tensor) (*torch.Tensor, error) {
	if err := m.checkPictures("Encode", pictures); err != nil {
		return nil, err
	}
	return m.call(m.loaded.Frozen, "Encode", "encode", pictures)
}

// A Quantized is a latent whose vectors are codebook rows.
type Quantized struct {
	// Latent is [N, C, h, w]. Its gradient passes straight through to what was quantised.
	Latent *torch.Tensor
	// Tokens are the rows' numbers, int64 [N, h, w].
	Tokens *torch.Tensor
	// Loss is the codebook loss of the paper's equation 4, a scalar.
	Loss *torch.Tensor
}

// Quantize replaces each vector of a latent, [N, C, h, w], by the nearest codebook row.
func (m *Model) Quantize(latent *torch.Tensor) (Quantized, error) {
	const operation = "Quantize"
	if err := m.checkLatent(operation, latent); err != nil {
		return Quantized{}, err
	}
	result, err := m.run(m.loaded.Module, operation, "quantize", latent)
	if err != nil {
		return Quantized{}, err
	}
	values, _ := result.(torch.Tuple)
	if len(values) != 3 {
		return Quantized{}, fmt.Errorf("vqgan: %s: the model's quantize gave %T, not three tensors: %w", operation, result, torch.ErrModel)
	}
	var tensors [3]*torch.Tensor
	for i, value := range values {
		var ok bool
		if tensors[i], ok = value.(*torch.Tensor); !ok {
			return Quantized{}, fmt.Errorf("vqgan: %s: the model's quantize gave a %T, not a tensor: %w", operation, value, torch.ErrModel)
		}
	}
	return Quantized{Latent: tensors[0], Tokens: tensors[1], Loss: tensors[2]}, nil
}

// Embed turns tokens, int64 [N, h, w], into the latent of their codebook rows, [N, C, h, w].
func (m *Model) Embed(tokens *torch.Tensor) (*torch.Tensor, error) {
	const operation = "Embed"
	if err := wantDim(operation, "the tokens", tokens, 3); err != nil {
		return nil, err
	}
	if tokens.DType() != torch.Int64 {
		return nil, fmt.Errorf("vqgan: %s: the tokens are %s, wanted int64: %w", operation, tokens.DType(), torch.ErrInvalid)
	}
	if err := m.checkTokens(operation, tokens); err != nil {
		return nil, err
	}
	return m.call(m.loaded.Module, operation, "embed", tokens)
}

// Decode turns a latent, [N, C, h, w], into pictures, [N, 3, f*h, f*w], around [-1, 1].
func (m *Model) Decode(latent *torch.Tensor) (*torch.Tensor, error) {
	if err := m.checkLatent("Decode", latent); err != nil {
		return nil, err
	}
	return m.call(m.loaded.Frozen, "Decode", "decode", latent)
}

// run calls a method with its input brought to the model's device and dtype.
func (m *Model) run(module *torch.Module, operation, method string, input *torch.Tensor) (result any, err error) {
	err = torch.Try(func() error {
		var ready *torch.Tensor
		if input.DType().IsFloatingPoint() {
			moved := input.To(m.device, m.dtype)
			defer moved.Close()
			// The layout that the convolutions are fastest with.
			ready = moved.ChannelsLast()
		} else {
			ready = input.To(m.device)
		}
		defer ready.Close()
		result, err = module.Call(method, ready)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("vqgan: %s: %w", operation, err)
	}
	return result, nil
}

func (m *Model) call(module *torch.Module, operation, method string, input *torch.Tensor) (*torch.Tensor, error) {
	result, err := m.run(module, operation, method, input)
	if err != nil {
		return nil, err
	}
	tensor, ok := result.(*torch.Tensor)
	if !ok {
		return nil, fmt.Errorf("vqgan: %s: the model's %s gave a %T, not a tensor: %w", operation, method, result, torch.ErrModel)
	}
	return tensor, nil
}
