package guided

import (
	"context"
	"fmt"
	"image"
	"image/draw"
	"math"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Start says how the latent is initialized.
type Start string

const (
	// RandomStart is a random codebook row for each latent vector.
	RandomStart Start = "random"
	// CenteredStart is random codebook rows in a disc in the middle, and the encoding of the color
	// Ground around it.
	CenteredStart Start = "centered"
	// PixelStart is the encoding of an image of random pixels.
	PixelStart Start = "pixels"
	// GradientStart is the encoding of four random colors in the corners that run into each other.
	GradientStart Start = "gradient"
	// FractalStart is the encoding of clouds of random colors, Perlin noise of several sizes.
	FractalStart Start = "fractal"
	// PictureStart is the encoding of an image, resized to the Config's size: the file Init, or
	// Init of [RunOptions].
	PictureStart Start = "picture"
)

var starts = []Start{RandomStart, CenteredStart, PixelStart, GradientStart, FractalStart, PictureStart}

// pictures are the images that a run uses.
type pictures struct {
	start   image.Image            // to start from, or nil
	keep    image.Image            // what stays, or nil
	prompts map[string]image.Image // by path
}

// prepare checks the arguments of a run, and loads its images.
func prepare(model vqgan.Config, config Config, scorers int, options RunOptions) (used pictures, err error) {
	if err := config.Validate(); err != nil {
		return used, err
	}
	if factor := int(model.DownsamplingFactor); config.Width < factor || config.Height < factor {
		return used, bad("width x height is %dx%d, wanted at least what this VQGAN makes, %dx%d",
			config.Width, config.Height, factor, factor)
	}
	if len(config.ScorerWeights) != scorers {
		return used, bad("scorer_weights has %d weights, wanted one for each of %d scorers", len(config.ScorerWeights), scorers)
	}
	for i, term := range options.Terms {
		if err := term.validate(i); err != nil {
			return used, err
		}
	}
	if config.Start != PictureStart && options.Init != nil {
		return used, bad("start is %q and there is a picture to start from, wanted %q", config.Start, PictureStart)
	}
	if used.start, err = oneImage("init", config.Init, options.Init); err != nil {
		return used, err
	}
	if config.Start == PictureStart && used.start == nil {
		return used, bad("start is %q and init is %q, wanted the path of a picture, or one in the RunOptions", config.Start, config.Init)
	}
	if used.keep, err = oneImage("keep", config.Keep, options.Keep); err != nil {
		return used, err
	}
	used.prompts, err = loadPictures(config.Prompts)
	return used, err
}

// oneImage returns the image of a path or a given one, or nil if there is neither.
func oneImage(field, path string, given image.Image) (image.Image, error) {
	switch {
	case path == "":
		return given, nil
	case given != nil:
		return nil, bad("%s is %q and there is a picture in the RunOptions, wanted one of them", field, path)
	}
	picture, err := imageio.Load(path, imageio.Options{})
	if err != nil {
		return nil, fmt.Errorf("guided: %s: %w", field, err)
	}
	return picture, nil
}

// startLatent returns the initial latent [1, C, h, w], quantized. initial is the image for
// PictureStart.
func (r *Run) startLatent(ctx context.Context, initial image.Image) (*torch.Tensor, error) {
	width, height := r.size()
	switch r.config.Start {
	case RandomStart, CenteredStart:
		return r.drawnLatent(ctx, width, height)
	case PixelStart:
		initial = pixelNoise(r.random, width, height)
	case GradientStart:
		initial = gradientNoise(r.random, width, height)
	case FractalStart:
		initial = fractalNoise(r.random, width, height)
	case PictureStart:
	}
	quantized, err := r.encode(ctx, initial, width, height)
	if err != nil {
		return nil, err
	}
	return quantized.Latent.Detach(), nil
}

// size returns the image's size in pixels.
func (r *Run) size() (width, height int) {
	factor := int(r.model.Config().DownsamplingFactor)
	return r.config.Width / factor * factor, r.config.Height / factor * factor
}

// drawnLatent returns random codebook rows, for CenteredStart in a disc.
func (r *Run) drawnLatent(ctx context.Context, width, height int) (*torch.Tensor, error) {
	factor := int(r.model.Config().DownsamplingFactor)
	columns, rows := width/factor, height/factor
	grid := torch.Shape{1, int64(rows), int64(columns)}
	tokens := torch.RandInt(0, r.model.Config().CodebookSize, grid, r.generator)
	if r.config.Start == CenteredStart {
		plain := image.NewRGBA(image.Rect(0, 0, width, height))
		draw.Draw(plain, plain.Bounds(), image.NewUniform(r.config.Ground), image.Point{}, draw.Src)
		around, err := r.encode(ctx, plain, width, height)
		if err != nil {
			return nil, err
		}
		mixed := torch.ToSlice[int64](around.Tokens)
		for i, token := range torch.ToSlice[int64](tokens) {
			if inDisc(i%columns, i/columns, columns, rows) {
				mixed[i] = token
			}
		}
		tokens = torch.FromSlice(mixed, grid)
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
func (r *Run) encode(ctx context.Context, picture image.Image, width, height int) (vqgan.Quantized, error) {
	latent, err := r.model.EncodeImage(ctx, picture, width, height)
	if err != nil {
		return vqgan.Quantized{}, err
	}
	return r.model.Quantize(ctx, latent)
}

// keepMask returns how much of each cell of the latent is free, [1, 1, h, w]: 0 where the image is
// white, 1 where it is black.
func keepMask(picture image.Image, rows, columns int64) (*torch.Tensor, error) {
	gray, err := imageio.ToGray(picture, image.Black)
	if err != nil {
		return nil, err
	}
	size := gray.Bounds()
	levels := make([]float32, 0, size.Dx()*size.Dy())
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			levels = append(levels, float32(gray.GrayAt(x, y).Y)/math.MaxUint8)
		}
	}
	kept := torch.FromSlice(levels, torch.Shape{1, 1, int64(size.Dy()), int64(size.Dx())})
	return kept.AdaptiveAvgPool2d([]int64{rows, columns}).Neg().AddScalar(1), nil
}
