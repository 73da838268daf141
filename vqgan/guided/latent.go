package guided

import (
	"image"

	"github.com/clipvqgan/clipvqgan/torch"
)

// startLatent makes the latent that is optimised: codebook rows at random, or an encoded picture.
func (r *run) startLatent() error {
	config := r.model.Config()
	factor := int(config.DownsamplingFactor)
	width, height := r.options.Width/factor*factor, r.options.Height/factor*factor
	var start *torch.Tensor
	var err error
	if r.options.Init != nil {
		start, err = r.encodeInit(width, height)
	} else {
		shape := []int64{1, int64(height / factor), int64(width / factor)}
		tokens := torch.RandInt(0, config.CodebookSize, shape, r.generator)
		start, err = r.model.Embed(tokens)
	}
	if err != nil {
		return err
	}
	r.start = start.Detach()
	r.latent = r.start.Clone().SetRequiresGrad(true)
	return nil
}

// encodeInit is the quantised latent of the picture to start from.
func (r *run) encodeInit(width, height int) (*torch.Tensor, error) {
	latent, err := r.model.EncodeImage(r.options.Init, width, height)
	if err != nil {
		return nil, err
	}
	defer latent.Close()
	quantized, err := r.model.Quantize(latent)
	if err != nil {
		return nil, err
	}
	return quantized.Latent, nil
}

// picture decodes the latent as it is.
func (r *run) picture() (picture image.Image, err error) {
	err = torch.Try(func() (err error) {
		torch.Scope(func(*torch.TensorScope) {
			torch.NoGrad(func() {
				quantized, failed := r.model.Quantize(r.latent)
				if failed != nil {
					err = failed
					return
				}
				picture, err = r.model.DecodeImage(quantized.Latent)
			})
		})
		return err
	})
	return picture, err
}
