package vqgan

import (
	"fmt"
	"image"
	"image/color"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// largestLatent bounds the grid that a picture may become: attention over it costs its square.
const largestLatent = 256 * 256

// EncodeImage is the latent, [1, C, height/f, width/f], of a picture that is resized to width x
// height pixels, multiples of the downsampling factor f. Transparent parts lie over white.
func (m *Model) EncodeImage(picture image.Image, width, height int) (latent *torch.Tensor, err error) {
	const operation = "EncodeImage"
	factor := int(m.config.DownsamplingFactor)
	if width < factor || height < factor || width%factor != 0 || height%factor != 0 {
		return nil, fmt.Errorf("vqgan: %s: the size %dx%d is no multiple of %d: %w", operation, width, height, factor, torch.ErrInvalid)
	}
	if width/factor > largestLatent/(height/factor) {
		return nil, fmt.Errorf("vqgan: %s: the size %dx%d makes a latent of more than %d vectors; make the picture smaller: %w",
			operation, width, height, largestLatent, torch.ErrInvalid)
	}
	if picture == nil || picture.Bounds().Empty() {
		return nil, fmt.Errorf("vqgan: %s: the picture is empty: %w", operation, torch.ErrInvalid)
	}
	resized, err := imageio.Resize(imageio.FromImage(picture, color.White), width, height, imageio.Bicubic)
	if err != nil {
		return nil, fmt.Errorf("vqgan: %s: %w", operation, err)
	}
	half := [3]float32{0.5, 0.5, 0.5} // from [0, 1] to [-1, 1]
	pixels := imageio.ToCHW(resized, half, half)
	err = torch.Try(func() error {
		input := torch.FromSlice(pixels, torch.Shape{1, 3, int64(height), int64(width)})
		defer input.Close()
		latent, err = m.Encode(input)
		return err
	})
	return latent, err
}

// DecodeImage is the picture of one latent, [1, C, h, w]: f*w x f*h pixels.
func (m *Model) DecodeImage(latent *torch.Tensor) (picture image.Image, err error) {
	const operation = "DecodeImage"
	if err := m.checkLatent(operation, latent); err != nil {
		return nil, err
	}
	if n := latent.Size(0); n != 1 {
		return nil, fmt.Errorf("vqgan: %s: there are %d latents, wanted 1: %w", operation, n, torch.ErrInvalid)
	}
	err = torch.Try(func() (err error) {
		torch.LimitedScope(func(*torch.TensorScope) {
			var decoded *torch.Tensor
			if decoded, err = m.Decode(latent); err != nil {
				return
			}
			shape := decoded.Shape()
			pixels := decoded.AddScalar(1).DivScalar(2).Float32s()
			picture, err = imageio.FromCHW(pixels, int(shape[3]), int(shape[2]))
		})
		return err
	})
	return picture, err
}

// Reconstruct encodes, quantises and decodes a picture: what the codebook keeps of it. The picture
// is resized to the multiples of the downsampling factor that are nearest below its size.
func (m *Model) Reconstruct(picture image.Image) (reconstructed image.Image, err error) {
	if picture == nil || picture.Bounds().Empty() {
		return nil, fmt.Errorf("vqgan: Reconstruct: the picture is empty: %w", torch.ErrInvalid)
	}
	factor := int(m.config.DownsamplingFactor)
	fit := func(side int) int { return max(factor, side/factor*factor) }
	width, height := fit(picture.Bounds().Dx()), fit(picture.Bounds().Dy())
	err = torch.Try(func() (err error) {
		torch.LimitedScope(func(*torch.TensorScope) {
			torch.NoGrad(func() {
				reconstructed, err = m.reconstruct(picture, width, height)
			})
		})
		return err
	})
	return reconstructed, err
}

func (m *Model) reconstruct(picture image.Image, width, height int) (image.Image, error) {
	latent, err := m.EncodeImage(picture, width, height)
	if err != nil {
		return nil, err
	}
	quantized, err := m.Quantize(latent)
	if err != nil {
		return nil, err
	}
	return m.DecodeImage(quantized.Latent)
}
