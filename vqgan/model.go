// Package vqgan encodes and decodes images with a VQGAN (Esser, Rombach and Ommer 2021, "Taming
// Transformers for High-Resolution Image Synthesis"). A convolutional encoder computes a small grid
// of vectors, the latent. Each vector is replaced by the nearest row of a learned codebook, whose
// index is its token. A decoder computes an image from the grid.
//
//	model, err := vqgan.Load("models/vqgan.pt")
//	picture, err := model.Reconstruct(ctx, img)
//
// Methods that compute take a context, and return its error if it ends before enough processors are
// free. Invalid input is an error, never a panic. Models are archives of [Import], or the published
// checkpoints that it reads: taming-transformers', latent-diffusion's, diffusers' VQModel, and
// DALL-E's discrete VAE. Package models contains a small one. Package vqgan/guided generates images
// from text.
package vqgan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// A Config describes a model, as in the archive's config.json.
type Config struct {
	// Kind is "vqgan", and Version that of the description, 1.
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	// Architecture is the name of the network; it is not interpreted.
	Architecture string `json:"architecture"`
	// DownsamplingFactor is f: each latent vector corresponds to f x f pixels.
	DownsamplingFactor int64 `json:"downsampling_factor"`
	// CodebookSize is the number of rows of the codebook.
	CodebookSize int64 `json:"codebook_size"`
	// EmbeddingDimension is C, the number of elements of a codebook row and of a latent vector.
	EmbeddingDimension int64 `json:"embedding_dimension"`
	// ImageSize is the side, in pixels, of the images that the model was trained on. Other sizes
	// work too.
	ImageSize int64 `json:"image_size"`
	// ImageChannels is the number of channels of the images, where they are no pictures of three: a
	// depth map has one, a segmentation one for each label. 0 means 3.
	ImageChannels int64 `json:"image_channels,omitempty"`
	// DecoderOnly is true for a model without an encoder, such as min-dalle's: Encode is an error.
	DecoderOnly bool `json:"decoder_only,omitempty"`
	// Network are the settings of the network, in the form of taming-transformers' configurations.
	Network json.RawMessage `json:"network,omitempty"`
	// Storage is the dtype of the weights in the archive.
	Storage string `json:"storage,omitempty"`
	// Source names the file of the weights, and SourceSHA256 is its hash.
	Source       string `json:"source"`
	SourceSHA256 string `json:"source_sha256,omitempty"`
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
	// Not encode, whose gradient is passed straight through where tokens are chosen by logits.
	Frozen: []string{"decode"},
}

// Load loads a model: an archive of [Import], or a published checkpoint that Import reads. By default
// it computes in float32 on the CPU; options may be a device and a dtype:
//
//	vqgan.Load(path, torch.CUDA(0), torch.Float16)
//
// The error is of kind [torch.ErrModel] if the file is not such a model.
func Load(path string, where ...torch.Option) (*Model, error) {
	if archive.IsArchive(path) {
		return archive.Load(path, contract, newModel, where...)
	}
	module, _, err := importModule(path, ImportOptions{}, false)
	if err != nil {
		return nil, failed("Load", err)
	}
	return archive.Finish(path, module, contract, newModel, where...)
}

// Read is [Load] of an archive from a stream.
func Read(r io.Reader, where ...torch.Option) (*Model, error) {
	return archive.Read(r, contract, newModel, where...)
}

func newModel(loaded *archive.Loaded, config Config) (*Model, error) {
	if config.DownsamplingFactor < 1 || config.CodebookSize < 1 || config.EmbeddingDimension < 1 || config.ImageSize < 1 {
		return nil, fmt.Errorf("its config.json has a size below 1: %w", archive.ErrWrongModel)
	}
	if len(config.Network) > 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, config.Network); err != nil {
			return nil, err
		}
		config.Network = compact.Bytes()
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

// pictureChannels is the number of channels of pictures.
const pictureChannels = 3

// channels returns the number of channels of the images.
func (c Config) channels() int64 {
	if c.ImageChannels > 0 {
		return c.ImageChannels
	}
	return pictureChannels
}

// Config returns the archive's description of the model.
func (m *Model) Config() Config { return m.orZero().config }

// Device returns the device of the model. Inputs are moved to it, and results are on it.
func (m *Model) Device() torch.Device { return m.orZero().device }

// DType returns the dtype in which the model computes, and that of its results.
func (m *Model) DType() torch.DType { return m.orZero().dtype }

// Codebook returns the codebook, [codebook size, C]. It belongs to the model: do not close it or
// write to it.
func (m *Model) Codebook() *torch.Tensor { return m.orZero().codebook }

// usable returns an error for a model that was not loaded.
func (m *Model) usable() error {
	if m == nil || m.loaded == nil {
		return fmt.Errorf("the model was not loaded; vqgan.Load returns one: %w", torch.ErrInvalid)
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
	m.loaded.Close()
	m.codebook.Close()
}

// Encode returns the latents [N, C, H/f, W/f] of images [N, 3, H, W] with values in [-1, 1], where
// f is the downsampling factor and C the embedding dimension. The latents are not quantized.
// Gradients flow back to the images. The error is [torch.ErrInvalid] for another shape, such as one
// whose H or W is not a multiple of f.
func (m *Model) Encode(ctx context.Context, pictures *torch.Tensor) (latents *torch.Tensor, err error) {
	if err := m.usable(); err != nil {
		return nil, failed("Encode", err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkPictures(pictures); err != nil {
			return err
		}
		latents, err = m.call(scope, m.loaded.Module, "encode", pictures)
		return err
	})
	return latents, failed("Encode", err)
}

// A Quantized is a latent whose vectors are rows of the codebook.
type Quantized struct {
	// Latent is [N, C, h, w]. Its gradient passes unchanged to the latent that was quantized
	// (straight-through).
	Latent *torch.Tensor
	// Tokens are the indices of the rows, int64 [N, h, w].
	Tokens *torch.Tensor
	// Loss is the codebook loss, a scalar (equation 4 of the paper).
	Loss *torch.Tensor
}

// Quantize replaces each vector of a latent [N, C, h, w] by the codebook row at the smallest
// Euclidean distance. The error is [torch.ErrInvalid] for another shape.
func (m *Model) Quantize(ctx context.Context, latent *torch.Tensor) (Quantized, error) {
	quantized, err := m.quantize(ctx, latent)
	if err != nil {
		return Quantized{}, failed("Quantize", err)
	}
	return quantized, nil
}

func (m *Model) quantize(ctx context.Context, latent *torch.Tensor) (quantized Quantized, err error) {
	if err := m.usable(); err != nil {
		return Quantized{}, err
	}
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

// Embed returns the latent [N, C, h, w] with the codebook rows for tokens, int64 [N, h, w]. The
// error is [torch.ErrInvalid] if a token is outside the codebook.
func (m *Model) Embed(ctx context.Context, tokens *torch.Tensor) (latent *torch.Tensor, err error) {
	if err := m.usable(); err != nil {
		return nil, failed("Embed", err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkTokens(tokens); err != nil {
			return err
		}
		latent, err = m.call(scope, m.loaded.Module, "embed", tokens)
		return err
	})
	return latent, failed("Embed", err)
}

// Decode returns the images [N, 3, f*h, f*w] of latents [N, C, h, w]. Their values are mostly in
// [-1, 1] and are not clamped. Gradients flow back to the latents. The error is [torch.ErrInvalid]
// for another shape.
func (m *Model) Decode(ctx context.Context, latents *torch.Tensor) (pictures *torch.Tensor, err error) {
	if err := m.usable(); err != nil {
		return nil, failed("Decode", err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := m.checkLatent(latents); err != nil {
			return err
		}
		pictures, err = m.call(scope, m.loaded.Frozen, "decode", latents)
		return err
	})
	return pictures, failed("Decode", err)
}

// prepare moves an input to the model's device and dtype.
func (m *Model) prepare(input *torch.Tensor) *torch.Tensor {
	if input.DType().IsFloatingPoint() {
		// Channels last is the format in which convolutions are fastest.
		return input.To(m.device, m.dtype).ChannelsLast()
	}
	return input.To(m.device)
}

// call calls a method that returns one tensor, and keeps the tensor.
func (m *Model) call(scope *torch.TensorScope, module *jit.Module, method string, input *torch.Tensor) (*torch.Tensor, error) {
	result, err := module.CallTensor(method, m.prepare(input))
	if err != nil {
		return nil, err
	}
	return scope.Keep(result), nil
}

// failed adds the method's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vqgan: %s: %w", operation, err)
}
