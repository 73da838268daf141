package guided

import (
	"context"

	"github.com/clipvqgan/clipvqgan/torch"
)

// gradient adds the gradient of the loss to the latent's gradient. The gradients of all cutouts are
// first added up in the image, so that the decoder's backward pass runs once, however many batches
// there are.
func (r *run) gradient(ctx context.Context, cutouts []cutout, noise *torch.Tensor) (loss float64, distances []float64, err error) {
	r.latent.SetGrad(nil)
	quantized, err := r.model.Quantize(ctx, r.latent)
	if err != nil {
		return 0, nil, err
	}
	decoded, err := r.model.Decode(ctx, quantized.Latent)
	if err != nil {
		return 0, nil, err
	}
	picture := decoded.To(r.latent.DType()).AddScalar(1).DivScalar(2)
	unclamped := picture.Detach()
	leaf := unclamped.Clamp(0, 1).SetRequiresGrad(true)
	loss, distances, err = r.score(ctx, leaf, cutouts, noise)
	if err != nil {
		return 0, nil, err
	}
	if weight := r.config.TotalVariation; weight > 0 {
		term := totalVariation(leaf).MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	if weight := r.config.Margin; weight > 0 {
		term := marginDifference(leaf, r.ground).MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	gradient := clampGradient(unclamped, leaf.Detach(), leaf.Grad())
	torch.Backward([]*torch.Tensor{picture}, torch.BackwardOptions{Gradients: []*torch.Tensor{gradient}})
	if weight := r.config.InitWeight; weight > 0 {
		term := r.latent.Sub(r.start).Square().Mean().MulScalar(weight)
		term.Backward()
		loss += term.Item()
	}
	return loss, distances, nil
}

// score adds the gradient of the prompts' losses to the image's gradient, batch by batch.
func (r *run) score(ctx context.Context, leaf *torch.Tensor, cutouts []cutout, noise *torch.Tensor) (loss float64, distances []float64, err error) {
	distances = make([]float64, len(r.targets))
	for start := 0; start < len(cutouts); start += r.config.Batch {
		end := min(start+r.config.Batch, len(cutouts))
		var part *torch.Tensor
		if noise != nil {
			part = noise.Narrow(0, int64(start), int64(end-start))
		}
		share := float64(end-start) / float64(len(cutouts))
		err = torch.Compute(ctx, func(*torch.TensorScope) error {
			embeddings, err := r.scorer.EncodePixels(ctx, r.cutter.apply(leaf, cutouts[start:end], part))
			if err != nil {
				return err
			}
			unit := embeddings.To(leaf.DType()).Normalize(-1)
			sum := torch.Zeros(nil, leaf.Device(), leaf.DType())
			for i, target := range r.targets {
				term, distance := target.loss(unit)
				sum = sum.Add(term.MulScalar(share))
				distances[i] += distance * share
			}
			sum.Backward()
			loss += sum.Item()
			return nil
		})
		if err != nil {
			return 0, nil, err
		}
	}
	return loss, distances, nil
}
