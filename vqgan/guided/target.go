package guided

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// targets are what one scorer draws the image to: the embeddings of all prompts.
type targets struct {
	embeddings *torch.Tensor // [prompts, D], of unit length
	signs      *torch.Tensor // [prompts], of the weights
	stops      *torch.Tensor // [prompts], -Inf for none
}

func newTargets(ctx context.Context, scorer Scorer, prompts []Prompt, pictures map[string]image.Image, device torch.Device) (*targets, error) {
	var embeddings []*torch.Tensor
	signs, stops := make([]float32, len(prompts)), make([]float32, len(prompts))
	for i, prompt := range prompts {
		embedding, err := prompt.embed(ctx, scorer, pictures)
		if err != nil {
			return nil, err
		}
		embeddings = append(embeddings, embedding.To(optimizedDType(embedding.DType()), device).Reshape(torch.Shape{1, -1}).Detach())
		signs[i], stops[i] = float32(math.Copysign(1, prompt.Weight)), float32(math.Inf(-1))
		if prompt.Stop != nil {
			stops[i] = float32(*prompt.Stop)
		}
	}
	all := torch.Cat(embeddings, 0)
	where := []torch.Option{device, all.DType()}
	return &targets{all, torch.FromSlice(signs, nil).To(where...), torch.FromSlice(stops, nil).To(where...)}, nil
}

func (t *targets) tensors() []*torch.Tensor { return []*torch.Tensor{t.embeddings, t.signs, t.stops} }

// losses returns the prompts' terms of the loss for embeddings [n, D] of cutouts, of unit length,
// and the mean distances, both [prompts]. A signed distance below the stop is replaced by the stop,
// so that its gradient is zero.
func (t *targets) losses(cutouts, weights *torch.Tensor) (losses, distances *torch.Tensor) {
	each := sphericalDistance(cutouts.Unsqueeze(1), t.embeddings) // [n, prompts]
	signed := each.Mul(t.signs).Maximum(t.stops)
	over := []int64{0}
	return signed.MeanDim(over, false).Mul(weights), each.Detach().MeanDim(over, false)
}

// embed returns the prompt's embedding [1, D], of unit length.
func (p Prompt) embed(ctx context.Context, scorer Scorer, pictures map[string]image.Image) (*torch.Tensor, error) {
	switch {
	case p.Picture != "":
		return embedPicture(ctx, scorer, pictures[p.Picture])
	case p.Noise != nil:
		return embedNoise(ctx, scorer, *p.Noise)
	}
	texts := []string{p.Text}
	if len(p.Templates) > 0 {
		texts = texts[:0]
		for _, template := range p.Templates {
			texts = append(texts, strings.ReplaceAll(template, placeholder, p.Text))
		}
	}
	embeddings, err := scorer.EncodeText(ctx, texts...)
	if err != nil {
		return nil, err
	}
	unit := embeddings.To(optimizedDType(embeddings.DType())).Normalize(-1)
	if len(texts) == 1 {
		return unit, nil
	}
	return unit.MeanDim([]int64{0}, true).Normalize(-1), nil
}

// embedPicture embeds an image as CLIP's preprocessing has it: the square in its middle.
func embedPicture(ctx context.Context, scorer Scorer, picture image.Image) (*torch.Tensor, error) {
	rgb, err := imageio.FromImage(picture, image.White)
	if err != nil {
		return nil, err
	}
	side := scorer.ImageSize()
	square, err := imageio.FitSquare(rgb, int(side), imageio.Bicubic)
	if err != nil {
		return nil, err
	}
	pixels, err := imageio.ToCHW(square, [3]float32{}, [3]float32{1, 1, 1})
	if err != nil {
		return nil, err
	}
	embedding, err := scorer.EncodePixels(ctx, torch.FromSlice(pixels, torch.Shape{1, 3, side, side}))
	if err != nil {
		return nil, err
	}
	return embedding.To(optimizedDType(embedding.DType())).Normalize(-1), nil
}

// embedNoise returns a direction that is drawn with a seed. It has no meaning; VQGAN-CLIP has such
// prompts for variety.
func embedNoise(ctx context.Context, scorer Scorer, seed uint64) (*torch.Tensor, error) {
	// The embedding of any text tells the dimension.
	like, err := scorer.EncodeText(ctx, "noise")
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, noiseStream))
	direction := make([]float32, like.Size(-1))
	for i := range direction {
		direction[i] = float32(random.NormFloat64())
	}
	return torch.FromSlice(direction, torch.Shape{1, int64(len(direction))}).To(like.Device()).Normalize(-1), nil
}

// loadPictures loads the images of picture prompts, each once.
func loadPictures(prompts []Prompt) (map[string]image.Image, error) {
	pictures := map[string]image.Image{}
	for i, prompt := range prompts {
		if prompt.Picture == "" || pictures[prompt.Picture] != nil {
			continue
		}
		picture, err := imageio.Load(prompt.Picture, imageio.Options{})
		if err != nil {
			return nil, fmt.Errorf("guided: the picture of prompts[%d]: %w", i, err)
		}
		pictures[prompt.Picture] = picture
	}
	return pictures, nil
}

// weightsAt returns the prompts' absolute weights in a step, times a scorer's weight.
func weightsAt(prompts []Prompt, step int, scorer float64) []float32 {
	weights := make([]float32, len(prompts))
	for i, prompt := range prompts {
		weights[i] = float32(math.Abs(prompt.Weight) * prompt.share(step) * scorer)
	}
	return weights
}

// share returns the prompt's share of its weight in a step, as its schedule has it.
func (p Prompt) share(step int) float64 {
	keys := p.Schedule
	if len(keys) == 0 {
		return 1
	}
	after := slices.IndexFunc(keys, func(key Key) bool { return key.Step > step })
	switch after {
	case -1:
		return keys[len(keys)-1].Share
	case 0:
		return keys[0].Share
	}
	from, to := keys[after-1], keys[after]
	return from.Share + (to.Share-from.Share)*float64(step-from.Step)/float64(to.Step-from.Step)
}
