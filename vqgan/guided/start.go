package guided

import (
	"context"
	"image"
	"image/draw"
	"math"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// prepare checks the arguments of a run, and returns the image to start from, or nil.
func prepare(model vqgan.Config, config Config, options RunOptions) (image.Image, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if factor := int(model.DownsamplingFactor); config.Width < factor || config.Height < factor {
		return nil, bad("width x height is %dx%d, wanted at least what this VQGAN makes, %dx%d",
			config.Width, config.Height, factor, factor)
	}
	switch {
	case config.Start != PictureStart && options.Init != nil:
		return nil, bad("start is %q and there is a picture to start from, wanted %q", config.Start, PictureStart)
	case config.Start != PictureStart:
		return nil, nil
	case config.Init != "" && options.Init != nil:
		return nil, bad("init is %q and there is a picture in the RunOptions, wanted one of them", config.Init)
	case options.Init != nil:
		return options.Init, nil
	case config.Init == "":
		return nil, bad("start is %q and init is %q, wanted the path of a picture, or one in the RunOptions", config.Start, config.Init)
	}
	return imageio.Load(config.Init, imageio.Options{})
}

// startLatent returns the initial latent [1, C, h, w], quantized. initial is the image for
// PictureStart.
func (r *run) startLatent(ctx context.Context, initial image.Image) (*torch.Tensor, error) {
	factor := int(r.model.Config().DownsamplingFactor)
	width, height := r.config.Width/factor, r.config.Height/factor
	if r.config.Start == PictureStart {
		quantized, err := r.encode(ctx, initial, width*factor, height*factor)
		if err != nil {
			return nil, err
		}
		return quantized.Latent.Detach(), nil
	}
	size := r.model.Config().CodebookSize
	tokens := torch.RandInt(0, size, torch.Shape{1, int64(height), int64(width)}, r.generator)
	if r.config.Start == CenteredStart {
		plain := image.NewRGBA(image.Rect(0, 0, width*factor, height*factor))
		draw.Draw(plain, plain.Bounds(), image.NewUniform(r.config.Ground), image.Point{}, draw.Src)
		around, err := r.encode(ctx, plain, width*factor, height*factor)
		if err != nil {
			return nil, err
		}
		mixed := torch.ToSlice[int64](around.Tokens)
		for i, token := range torch.ToSlice[int64](tokens) {
			if inDisc(i%width, i/width, width, height) {
				mixed[i] = token
			}
		}
		tokens = torch.FromSlice(mixed, torch.Shape{1, int64(height), int64(width)})
	}
	latent, err := r.model.Embed(ctx, tokens)
	if err != nil {
		return nil, err
	}
	return latent.Detach(), nil
}

// inDisc reports whether the cell (x, y) of a grid is in the disc in its middle.
func inDisc(x, y, width, height int) bool {
	const share = 0.8 // of the shorter side
	radius := share * float64(min(width, height)) / 2
	return math.Hypot(float64(2*x+1-width)/2, float64(2*y+1-height)/2) <= radius
}

// encode returns the quantized latent of an image that is resized to width x height pixels.
func (r *run) encode(ctx context.Context, picture image.Image, width, height int) (vqgan.Quantized, error) {
	latent, err := r.model.EncodeImage(ctx, picture, width, height)
	if err != nil {
		return vqgan.Quantized{}, err
	}
	return r.model.Quantize(ctx, latent)
}
