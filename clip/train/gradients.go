package train

import (
	"context"

	"github.com/clipvqgan/clipvqgan/torch"
)

// gradients computes the loss of a batch and its gradients in the parameters.
func (r *run) gradients(ctx context.Context, b *batch) (loss float64, err error) {
	r.optimizer.ZeroGrad()
	for _, each := range r.adapters {
		each.weight.SetGrad(nil)
	}
	if b.count <= r.config.ChunkSize {
		images, texts, err := r.encode(ctx, b, 0, b.count)
		if err != nil {
			return 0, err
		}
		return r.backward(images, texts)
	}
	return r.gradientsInChunks(ctx, b)
}

// gradientsInChunks computes the same with the activations of one chunk in memory at a time: the gradient in the
// embeddings of the whole batch is what goes back through the encoders.
func (r *run) gradientsInChunks(ctx context.Context, b *batch) (loss float64, err error) {
	chunks := func(f func(from, to int) error) error {
		for from := 0; from < b.count; from += r.config.ChunkSize {
			if err := f(from, min(from+r.config.ChunkSize, b.count)); err != nil {
				return err
			}
		}
		return nil
	}
	var images, texts []*torch.Tensor
	restore := r.keepBuffers() // the second pass updates them again
	torch.NoGrad(func() {
		err = chunks(func(from, to int) error {
			image, text, err := r.encode(ctx, b, from, to)
			images, texts = append(images, image), append(texts, text)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	restore()
	allImages := torch.Cat(images, 0).Detach().SetRequiresGrad(true)
	allTexts := torch.Cat(texts, 0).Detach().SetRequiresGrad(true)
	if loss, err = r.backward(allImages, allTexts); err != nil {
		return 0, err
	}
	imageGradient, textGradient := allImages.Grad(), allTexts.Grad()
	return loss, chunks(func(from, to int) (err error) {
		torch.Scope(func(*torch.TensorScope) {
			var image, text *torch.Tensor
			if image, text, err = r.encode(ctx, b, from, to); err != nil {
				return
			}
			var outputs, gradients []*torch.Tensor
			for _, part := range []struct{ output, gradient *torch.Tensor }{{image, imageGradient}, {text, textGradient}} {
				if part.output.RequiresGrad() { // not that of an encoder that is frozen
					outputs = append(outputs, part.output)
					gradients = append(gradients, part.gradient.Narrow(0, int64(from), int64(to-from)))
				}
			}
			torch.Backward(outputs, torch.BackwardOptions{Gradients: gradients})
		})
		return err
	})
}

// encode returns the embeddings of a part of a batch, in float32 at least.
func (r *run) encode(ctx context.Context, b *batch, from, to int) (images, texts *torch.Tensor, err error) {
	pictures, tokens := b.tensors(from, to)
	device := r.model.Device()
	if dtype := r.scale.DType(); dtype != torch.Float32 {
		pictures = pictures.To(dtype)
	}
	compute := func() {
		if images, err = r.model.EncodeImage(ctx, pictures); err == nil {
			texts, err = r.model.EncodeText(ctx, tokens)
		}
	}
	if r.config.Precision == torch.Float32 {
		compute()
	} else {
		torch.Autocast(torch.AutocastOptions{Device: device, DType: r.config.Precision}, compute)
	}
	if err != nil {
		return nil, nil, err
	}
	return images.To(r.scale.DType()), texts.To(r.scale.DType()), nil
}

// backward computes the loss of embeddings, and its gradients.
func (r *run) backward(images, texts *torch.Tensor) (float64, error) {
	var loss *torch.Tensor
	var err error
	if r.lossKind == Sigmoid {
		loss, err = SigmoidLoss(images, texts, r.scale.Exp(), r.bias)
	} else {
		loss, err = ContrastiveLoss(images, texts, r.scale.Exp())
	}
	if err != nil {
		return 0, err
	}
	if r.scaler != nil {
		r.scaler.Scale(loss).Backward()
	} else {
		loss.Backward()
	}
	return loss.Item(), nil
}

// keepBuffers returns a function that makes the buffers what they are now.
func (r *run) keepBuffers() func() {
	kept := make([]*torch.Tensor, len(r.buffers))
	for i, buffer := range r.buffers {
		kept[i] = buffer.Tensor.Clone()
	}
	return func() {
		torch.NoGrad(func() {
			for i, buffer := range r.buffers {
				buffer.Tensor.CopyInPlace(kept[i])
			}
		})
	}
}
