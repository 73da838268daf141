package vqgan

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// largestLatent limits the number of latent vectors of an image: memory for attention over them
// grows with its square.
const largestLatent = 256 * 256

// EncodeImage resizes an image to width x height pixels and returns its latent [1, C, height/f,
// width/f], not quantized. Transparent parts are composited over white. The error is
// [torch.ErrInvalid] if the image is empty, or if width or height is not a multiple of the
// downsampling factor f.
func (m *Model) EncodeImage(ctx context.Context, picture image.Image, width, height int) (*torch.Tensor, error) {
	latent, err := m.encodeImage(ctx, picture, width, height)
	return latent, failed("EncodeImage", err)
}

func (m *Model) encodeImage(ctx context.Context, picture image.Image, width, height int) (latent *torch.Tensor, err error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if err := cmp.Or(m.checkEncoder(), m.checkChannels()); err != nil {
		return nil, err
	}
	factor := int(m.config.DownsamplingFactor)
	if width < factor || height < factor || width%factor != 0 || height%factor != 0 {
		return nil, fmt.Errorf("the size %dx%d is no multiple of %d: %w", width, height, factor, torch.ErrInvalid)
	}
	if width/factor > largestLatent/(height/factor) {
		return nil, fmt.Errorf("the size %dx%d makes a latent of more than %d vectors; make the picture smaller: %w",
			width, height, largestLatent, torch.ErrInvalid)
	}
	rgb, err := imageio.FromImage(picture, color.White)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, torch.ErrInvalid)
	}
	resized, err := imageio.Resize(rgb, width, height, imageio.Bicubic)
	if err != nil {
		return nil, err
	}
	half := [3]float32{0.5, 0.5, 0.5} // from [0, 1] to [-1, 1]
	pixels, err := imageio.ToCHW(resized, half, half)
	if err != nil {
		return nil, err
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		input := torch.FromSlice(pixels, torch.Shape{1, 3, int64(height), int64(width)})
		latent, err = m.call(scope, m.loaded.Module, "encode", input)
		return err
	})
	return latent, err
}

// DecodeImage returns the image, f*w x f*h pixels, of a latent [1, C, h, w]. Values outside [-1, 1]
// are clamped. The error is [torch.ErrInvalid] for another shape.
func (m *Model) DecodeImage(ctx context.Context, latent *torch.Tensor) (image.Image, error) {
	picture, err := m.decodeImage(ctx, latent)
	if err != nil {
		return nil, failed("DecodeImage", err)
	}
	return picture, nil
}

func (m *Model) decodeImage(ctx context.Context, latent *torch.Tensor) (*imageio.RGB, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	var pixels []float32
	var shape []int64
	err := torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if err := cmp.Or(m.checkChannels(), m.checkLatent(latent)); err != nil {
			return err
		}
		if n := latent.Size(0); n != 1 {
			return fmt.Errorf("there are %d latents, wanted 1: %w", n, torch.ErrInvalid)
		}
		decoded, err := m.call(scope, m.loaded.Frozen, "decode", latent)
		if err != nil {
			return err
		}
		defer decoded.Close()
		shape = decoded.Shape()
		pixels = decoded.AddScalar(1).DivScalar(2).Float32s()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return imageio.FromCHW(pixels, int(shape[3]), int(shape[2]))
}

// FitSize returns a size with nearly the proportions of width x height for which the model can encode
// an image: the same size, or a smaller one if its latent would have more than 65536 vectors.
func (m *Model) FitSize(width, height int) (int, int) {
	if m.usable() != nil {
		return width, height
	}
	factor := float64(m.config.DownsamplingFactor)
	vectors := float64(width) / factor * float64(height) / factor
	if vectors <= largestLatent {
		return width, height
	}
	scale := math.Sqrt(largestLatent / vectors)
	shrink := func(side int) int { return max(1, int(float64(side)*scale)) }
	return shrink(width), shrink(height)
}

// Reconstruct encodes, quantizes and decodes an image. It first resizes the image so that each side
// is a multiple of the downsampling factor f, rounded down but at least f. The error is
// [torch.ErrInvalid] if the image is empty.
func (m *Model) Reconstruct(ctx context.Context, picture image.Image) (reconstructed image.Image, err error) {
	if err := m.usable(); err != nil {
		return nil, failed("Reconstruct", err)
	}
	if err := imageio.CheckImage(picture); err != nil {
		return nil, failed("Reconstruct", fmt.Errorf("%w: %w", err, torch.ErrInvalid))
	}
	factor := int(m.config.DownsamplingFactor)
	fit := func(side int) int { return max(factor, side/factor*factor) }
	width, height := fit(picture.Bounds().Dx()), fit(picture.Bounds().Dy())
	err = torch.Compute(ctx, func(*torch.TensorScope) (err error) {
		torch.NoGrad(func() {
			reconstructed, err = m.reconstruct(ctx, picture, width, height)
		})
		return err
	})
	if err != nil {
		return nil, failed("Reconstruct", err)
	}
	return reconstructed, nil
}

func (m *Model) reconstruct(ctx context.Context, picture image.Image, width, height int) (image.Image, error) {
	latent, err := m.encodeImage(ctx, picture, width, height)
	if err != nil {
		return nil, err
	}
	quantized, err := m.quantize(ctx, latent)
	if err != nil {
		return nil, err
	}
	return m.decodeImage(ctx, quantized.Latent)
}
