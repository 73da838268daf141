package vqgan

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

func checkDim(what string, t *torch.Tensor, dim int64) error {
	if got := t.Dim(); got != dim {
		return fmt.Errorf("%s have %d dimensions, wanted %d: %w", what, got, dim, torch.ErrInvalid)
	}
	return nil
}

func (m *Model) checkPictures(pictures *torch.Tensor) error {
	if err := m.checkEncoder(); err != nil {
		return err
	}
	if err := checkDim("the pictures", pictures, 4); err != nil {
		return err
	}
	shape, factor, channels := pictures.Shape(), m.config.DownsamplingFactor, m.config.channels()
	if shape[1] != channels || shape[2] < factor || shape[3] < factor || shape[2]%factor != 0 || shape[3]%factor != 0 {
		return fmt.Errorf("the pictures are %v, wanted [N, %d, H, W] with H and W multiples of %d: %w",
			shape, channels, factor, torch.ErrInvalid)
	}
	return nil
}

func (m *Model) checkLatent(latent *torch.Tensor) error {
	if err := checkDim("the latents", latent, 4); err != nil {
		return err
	}
	if shape := latent.Shape(); shape[1] != m.config.EmbeddingDimension || shape[2] < 1 || shape[3] < 1 {
		return fmt.Errorf("the latent is %v, wanted [N, %d, h, w]: %w", shape, m.config.EmbeddingDimension, torch.ErrInvalid)
	}
	return nil
}

// checkTokens refuses tokens outside the codebook, which on CUDA would make the device unusable.
func (m *Model) checkTokens(tokens *torch.Tensor) error {
	if err := checkDim("the tokens", tokens, 3); err != nil {
		return err
	}
	if tokens.DType() != torch.Int64 {
		return fmt.Errorf("the tokens are %s, wanted int64: %w", tokens.DType(), torch.ErrInvalid)
	}
	if tokens.NumElements() == 0 {
		return fmt.Errorf("there are no tokens: %w", torch.ErrInvalid)
	}
	for _, token := range torch.ToSlice[int64](tokens) {
		if token < 0 || token >= m.config.CodebookSize {
			return fmt.Errorf("token %d is outside the codebook of %d: %w", token, m.config.CodebookSize, torch.ErrInvalid)
		}
	}
	return nil
}

// checkChannels returns an error for a model whose images are no pictures.
func (m *Model) checkChannels() error {
	if channels := m.config.channels(); channels != pictureChannels {
		return fmt.Errorf("the model's images have %d channels, those of a picture are %d; use tensors: %w", channels, pictureChannels, torch.ErrInvalid)
	}
	return nil
}

// checkEncoder returns an error for a model without an encoder.
func (m *Model) checkEncoder() error {
	if m.config.DecoderOnly {
		return fmt.Errorf("the model has a decoder alone, which cannot encode pictures: %w", torch.ErrInvalid)
	}
	return nil
}
