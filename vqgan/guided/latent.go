package guided

import (
	"image"
	"image/draw"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// startLatent makes the latent that is optimised: codebook rows at random, or an encoded picture.
func (r *run) startLatent() error {
	config := r.model.Config()
	factor := int(config.DownsamplingFactor)
	width, height := r.options.Width/factor*factor, r.options.Height/factor*factor
	var start *torch.Tensor
	var err error
	if r.options.Init != nil {
		var quantized vqgan.Quantized
		quantized, err = r.encode(r.options.Init, width, height)
		start = quantized.Latent
	} else {
		start, err = r.randomStart(int64(height/factor), int64(width/factor), config)
	}
	if err != nil {
		return err
	}
	r.start = start.Detach()
	r.latent = r.start.Clone().SetRequiresGrad(true)
	return nil
}

// randomStart is codebook rows at random, everywhere or in a disc.
func (r *run) randomStart(height, width int64, config vqgan.Config) (*torch.Tensor, error) {
	tokens := torch.RandInt(0, config.CodebookSize, torch.Shape{1, height, width}, r.generator)
	if !r.options.CentredStart {
		return r.model.Embed(tokens)
	}
	factor := config.DownsamplingFactor
	ground := image.NewUniform(r.options.ground())
	plain := image.NewRGBA(image.Rect(0, 0, int(width*factor), int(height*factor)))
	draw.Draw(plain, plain.Bounds(), ground, image.Point{}, draw.Src)
	quantized, err := r.encode(plain, int(width*factor), int(height*factor))
	if err != nil {
		return nil, err
	}
	mixed := torch.ToSlice[int64](quantized.Tokens)
	random := torch.ToSlice[int64](tokens)
	for i := range mixed {
		if inDisc(int64(i)%width, int64(i)/width, width, height) {
			mixed[i] = random[i]
		}
	}
	return r.model.Embed(torch.FromSlice(mixed, torch.Shape{1, height, width}))
}

// inDisc reports whether the cell (x, y) of a grid lies in the disc in its middle.
func inDisc(x, y, width, height int64) bool {
	const share = 0.8 // of the shorter side
	radius := share * float64(min(width, height)) / 2
	return math.Hypot(float64(2*x+1-width)/2, float64(2*y+1-height)/2) <= radius
}

// encode is the quantised latent of a picture.
func (r *run) encode(picture image.Image, width, height int) (vqgan.Quantized, error) {
	latent, err := r.model.EncodeImage(picture, width, height)
	if err != nil {
		return vqgan.Quantized{}, err
	}
	defer latent.Close()
	return r.model.Quantize(latent)
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
