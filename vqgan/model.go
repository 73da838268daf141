// Package vqgan encodes and decodes pictures with a VQGAN (Esser, Rombach and Ommer 2021, "Taming
// Transformers for High-Resolution Image Synthesis"): a convolutional encoder turns a picture into a
// small grid of vectors, the latent; each vector is replaced by the nearest row of a learned codebook,
// whose number is its token; a decoder turns the grid back into a picture.
//
//	model, err := vqgan.Load("models/vqgan.pt")
//	picture, err := model.Reconstruct(ctx, img)
//
// Methods that compute take a context, and return its error when it ends before their turn on the
// processors comes. Bad input is an error, never a panic. Models are TorchScript archives that
// scripts/export/export_vqgan.py writes; package models has a small one. Package vqgan/guided makes
// pictures from text.
package vqgan

import (
	"context"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// A Config describes a model. It is the archive's config.json.
type Config struct {
	// Architecture is the name of the network's shape; it is not interpreted.
	Architecture string `json:"architecture"`
	// DownsamplingFactor is f: a latent vector stands for f x f pixels.
	DownsamplingFactor int64 `json:"downsampling_factor"`
	// CodebookSize is the number of rows in the codebook.
	CodebookSize int64 `json:"codebook_size"`
	// EmbeddingDimension is C, the number of elements of a codebook row and of a latent vector.
	EmbeddingDimension int64 `json:"embedding_dimension"`
	// ImageSize is the side, in pixels, of the pictures that the model was trained on. It takes others too.
	ImageSize int64 `json:"image_size"`
	// Source names the file of the weights, and SourceSHA256 is its hash.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256"`
}

// A Model is an encoder, a codebook and a decoder. It may be used from many goroutines at once.
//
// Its parameters do not require gradients. Gradients flow through it to its inputs.
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
	ctx := context.Background()
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		size, dimension := m.config.CodebookSize, m.config.EmbeddingDimension
		tokens := torch.Arange(0, size, 1, m.device).Reshape(torch.Shape{1, 1, size})
		rows, err := m.Embed(ctx, tokens)
		if err != nil {
			return err
		}
		codebook = scope.Keep(rows.Reshape(torch.Shape{dimension, size}).Transpose(0, 1).Contiguous())
		return nil
	})
	return codebook, err
}

// Config returns what the archive says of the model.
func (m *Model) Config() Config { return m.config }

// Device is where the model computes. Its inputs are moved there, and its results lie there.
func (m *Model) Device() torch.Device { return m.device }

// DType is the dtype in which the model computes, and that of its results.
func (m *Model) DType() torch.DType { return m.dtype }

// Codebook returns the codebook, [codebook size, C]. It belongs to the model: neither close it nor write
// to it.
func (m *Model) Codebook() *torch.Tensor { return m.codebook }

// Close frees the model. Closing it again does nothing.
func (m *Model) Close() {
	m.loaded.Close()
	m.codebook.Close()
}

// Encode returns the latents, [N, C, H/f, W/f], of pictures, [N, 3, H, W] in [-1, 1], with f the
// downsampling factor and C the embedding dimension. The latents are not quantized. H and W must be
// multiples of f; else the error is [torch.ErrInvalid]. Gradients flow back to the pictures.
func (m *Model) Encode(ctx context.Context, pictures *torch.Tensor) (latents *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkPictures(pictures); err != nil {
			return err
		}
		latents, err = m.call(scope, m.loaded.Frozen, "encode", pictures)
		return err
	})
	return latents, failed("Encode", err)
}

// A Quantized is a latent whose vectors are codebook rows.
type Quantized struct {
	// Latent is [N, C, h, w]. Its gradient passes straight through to what was quantized.
	Latent *torch.Tensor
	// Tokens are the rows' numbers, int64 [N, h, w].
	Tokens *torch.Tensor
	// Loss is the codebook loss, a scalar (equation 4 of the paper).
	Loss *torch.Tensor
}

// Quantize replaces each vector of a latent, [N, C, h, w], by the codebook row with the smallest
// Euclidean distance. A latent of another shape is the error [torch.ErrInvalid].
func (m *Model) Quantize(ctx context.Context, latent *torch.Tensor) (Quantized, error) {
	quantized, err := m.quantize(ctx, latent)
	if err != nil {
		return Quantized{}, failed("Quantize", err)
	}
	return quantized, nil
}

func (m *Model) quantize(ctx context.Context, latent *torch.Tensor) (quantized Quantized, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkLatent(latent); err != nil {
			return err
		}
		result, err := m.loaded.Module.Call("quantize", m.prepare(latent))
		if err != nil {
			return err
		}
		values, _ := result.(torch.Tuple)
		if len(values) != 3 {
			return fmt.Errorf("the model's quantize gave %T, not three tensors: %w", result, torch.ErrModel)
		}
		for i, part := range []**torch.Tensor{&quantized.Latent, &quantized.Tokens, &quantized.Loss} {
			tensor, ok := values[i].(*torch.Tensor)
			if !ok {
				return fmt.Errorf("the model's quantize gave a %T, not a tensor: %w", values[i], torch.ErrModel)
			}
			*part = scope.Keep(tensor)
		}
		return nil
	})
	return quantized, err
}

// Embed returns the latent, [N, C, h, w], whose vectors are the codebook rows with the numbers in tokens,
// int64 [N, h, w]. A number outside the codebook is the error [torch.ErrInvalid].
func (m *Model) Embed(ctx context.Context, tokens *torch.Tensor) (latent *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkTokens(tokens); err != nil {
			return err
		}
		latent, err = m.call(scope, m.loaded.Module, "embed", tokens)
		return err
	})
	return latent, failed("Embed", err)
}

// Decode returns the pictures, [N, 3, f*h, f*w], of latents, [N, C, h, w]. The values are mostly in
// [-1, 1]; they are not clamped. Gradients flow back to the latents. Another shape is the error
// [torch.ErrInvalid].
func (m *Model) Decode(ctx context.Context, latents *torch.Tensor) (pictures *torch.Tensor, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkLatent(latents); err != nil {
			return err
		}
		pictures, err = m.call(scope, m.loaded.Frozen, "decode", latents)
		return err
	})
	return pictures, failed("Decode", err)
}

// prepare brings an input to the model's device and dtype.
func (m *Model) prepare(input *torch.Tensor) *torch.Tensor {
	if input.DType().IsFloatingPoint() {
		// The layout that the convolutions are fastest with.
		return input.To(m.device, m.dtype).ChannelsLast()
	}
	return input.To(m.device)
}

// call runs a method that gives one tensor, and keeps it.
func (m *Model) call(scope *torch.TensorScope, module *jit.Module, method string, input *torch.Tensor) (*torch.Tensor, error) {
	result, err := module.CallTensor(method, m.prepare(input))
	if err != nil {
		return nil, err
	}
	return scope.Keep(result), nil
}

// failed puts the method's name before an error of its own; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vqgan: %s: %w", operation, err)
}
