package vqgan

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

func wantDim(operation, what string, t *torch.Tensor, dim int64) error {
	err := torch.Try(func() error {
		if got := t.Dim(); got != dim {
			return fmt.Errorf("%s have %d dimensions, wanted %d: %w", what, got, dim, torch.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("vqgan: %s: %w", operation, err)
	}
	return nil
}

func (m *Model) checkPictures(operation string, pictures *torch.Tensor) error {
	if err := wantDim(operation, "the pictures", pictures, 4); err != nil {
		return err
	}
	shape, factor := pictures.Shape(), m.config.DownsamplingFactor
	if shape[1] != 3 || shape[2] < factor || shape[3] < factor || shape[2]%factor != 0 || shape[3]%factor != 0 {
		return fmt.Errorf("vqgan: %s: the pictures are %v, wanted [N, 3, H, W] with H and W multiples of %d: %w",
			operation, shape, factor, torch.ErrInvalid)
	}
	return nil
}

func (m *Model) checkLatent(operation string, latent *torch.Tensor) error {
	if err := wantDim(operation, "the latents", latent, 4); err != nil {
		return err
	}
	if shape := latent.Shape(); shape[1] != m.config.EmbeddingDimension || shape[2] < 1 || shape[3] < 1 {
		return fmt.Errorf("vqgan: %s: the latent is %v, wanted [N, %d, h, w]: %w",
			operation, shape, m.config.EmbeddingDimension, torch.ErrInvalid)
	}
	return nil
}

// checkTokens keeps a token outside the codebook from the gather, which on CUDA would stop the
// whole device.
func (m *Model) checkTokens(operation string, tokens *torch.Tensor) error {
	if tokens.NumElements() == 0 {
		return fmt.Errorf("vqgan: %s: there are no tokens: %w", operation, torch.ErrInvalid)
	}
	for _, token := range torch.ToSlice[int64](tokens) {
		if token < 0 || token >= m.config.CodebookSize {
			return fmt.Errorf("vqgan: %s: token %d is outside the codebook of %d: %w",
				operation, token, m.config.CodebookSize, torch.ErrInvalid)
		}
	}
	return nil
}
