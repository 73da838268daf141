package guided

import (
	"context"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A measured is what the gradient's computation found, on the model's device.
type measured struct {
	prompts   *torch.Tensor // [prompts], the weighted losses, added up over the scorers
	distances *torch.Tensor // [prompts], the mean distances, averaged over the scorers by weight
	rest      []*torch.Tensor
}

// gradient adds the gradient of the loss to the latent's gradient. The gradients of all cutouts are
// first added up in the image, so that the decoder's backward pass runs once, however many batches
// there are.
func (r *Run) gradient(ctx context.Context, views []view) (found measured, err error) {
	r.latent.SetGrad(nil)
	quantized, err := r.model.Quantize(ctx, r.latent)
	if err != nil {
		return found, err
	}
	decoded, err := r.model.Decode(ctx, quantized.Latent)
	if err != nil {
		return found, err
	}
	picture := decoded.To(r.latent.DType()).AddScalar(1).DivScalar(2)
	unclamped := picture.Detach()
	leaf := unclamped.Clamp(0, 1).SetRequiresGrad(true)
	if err := r.score(ctx, leaf, views, &found); err != nil {
		return found, err
	}
	for _, term := range r.terms {
		loss, err := term.loss(ctx, leaf)
		if err != nil {
			return found, err
		}
		if loss.RequiresGrad() {
			loss.Backward()
		}
		found.rest = append(found.rest, loss.Detach())
	}
	gradient := clampGradient(unclamped, leaf.Detach(), leaf.Grad())
	torch.Backward([]*torch.Tensor{picture}, torch.BackwardOptions{Gradients: []*torch.Tensor{gradient}})
	if weight := r.config.InitWeight; weight > 0 && r.config.InitDistance != PixelDistance {
		loss := latentDistance(r.config.InitDistance, r.latent, r.start).MulScalar(weight)
		loss.Backward()
		found.rest = append(found.rest, loss.Detach())
	}
	return found, nil
}

// score adds the gradient of the prompts' losses to the image's gradient, batch by batch. Of several
// scorers with the same input each sees the same cutouts, and one after another runs back to them,
// so that only one needs memory.
func (r *Run) score(ctx context.Context, leaf *torch.Tensor, views []view, found *measured) error {
	count := torch.Shape{int64(len(r.config.Prompts))}
	found.prompts = torch.Zeros(count, leaf.Device(), leaf.DType())
	found.distances = torch.Zeros(count, leaf.Device(), leaf.DType())
	weights := make([]*torch.Tensor, len(r.scorers))
	for i := range r.scorers {
		weights[i] = torch.FromSlice(weightsAt(r.config.Prompts, r.taken+1, r.config.ScorerWeights[i]), nil).To(leaf.Device(), leaf.DType())
	}
	for _, view := range views {
		for start := 0; start < len(view.cutouts); start += r.config.Batch {
			end := min(start+r.config.Batch, len(view.cutouts))
			share := float64(end-start) / float64(len(view.cutouts))
			err := torch.Compute(ctx, func(*torch.TensorScope) error {
				cut := view.cutter.apply(leaf, view.cutouts[start:end], view.noiseOf(start, end))
				seen := cut.Detach().SetRequiresGrad(true)
				for _, i := range view.scorers {
					embeddings, err := r.scorers[i].EncodePixels(ctx, seen)
					if err != nil {
						return err
					}
					unit := embeddings.To(leaf.DType()).Normalize(-1)
					losses, distances := r.targets[i].losses(unit, weights[i])
					losses = losses.MulScalar(share)
					losses.Sum().Backward()
					torch.NoGrad(func() {
						found.prompts.AddInPlace(losses)
						found.distances.AddInPlace(distances.MulScalar(share * r.shareOf(i)))
					})
				}
				torch.Backward([]*torch.Tensor{cut}, torch.BackwardOptions{Gradients: []*torch.Tensor{seen.Grad()}})
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// shareOf returns a scorer's share of the scorers' weights.
func (r *Run) shareOf(scorer int) float64 {
	sum := 0.0
	for _, weight := range r.config.ScorerWeights {
		sum += weight
	}
	return r.config.ScorerWeights[scorer] / sum
}

// read returns the losses and the distances as numbers, by one copy from the device.
func (m measured) read() (losses, distances []float64) {
	parts := []*torch.Tensor{m.prompts, m.distances}
	for _, loss := range m.rest {
		parts = append(parts, loss.Reshape(torch.Shape{1}))
	}
	all := torch.ToSlice[float64](torch.Cat(parts, 0).Detach().To(torch.CPU, torch.Float64))
	prompts := int(m.prompts.NumElements())
	return append(append([]float64{}, all[:prompts]...), all[2*prompts:]...), all[prompts : 2*prompts]
}
