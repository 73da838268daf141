package train

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A Loss is what training makes small.
type Loss int

const (
	// ModelLoss is the loss of the model's head: Sigmoid if the model has a logit_bias, else Contrastive.
	ModelLoss Loss = iota
	// Contrastive is [ContrastiveLoss].
	Contrastive
	// Sigmoid is [SigmoidLoss].
	Sigmoid
)

// of returns the loss for a model.
func (l Loss) of(model *clip.Trainable) Loss {
	switch {
	case l != ModelLoss:
		return l
	case model.Head() == clip.Sigmoid:
		return Sigmoid
	}
	return Contrastive
}

// ContrastiveLoss returns the symmetric cross entropy over N pairs (Radford et al. 2021, figure 3;
// open_clip's ClipLoss): each image is to find its text among all, and each text its image. images and texts
// are embeddings [N, D], row i of both from pair i; they are normalized here. scale is the factor of
// the cosines, a tensor of one element: exp of the parameter logit_scale. Gradients flow back to all. The error
// is [torch.ErrInvalid] for other shapes.
func ContrastiveLoss(images, texts, scale *torch.Tensor) (loss *torch.Tensor, err error) {
	err = torch.Try(func() error {
		if err := checkPairs(images, texts); err != nil {
			return err
		}
		logits := scale.Mul(images.Normalize(-1)).MatMul(texts.Normalize(-1).T())
		pairs := torch.Arange(0, images.Size(0), 1, torch.Int64, images.Device())
		both := logits.CrossEntropyLoss(pairs, torch.CrossEntropyOptions{}).
			Add(logits.T().CrossEntropyLoss(pairs, torch.CrossEntropyOptions{}))
		loss = both.MulScalar(0.5)
		return nil
	})
	return loss, failed("ContrastiveLoss", err)
}

// SigmoidLoss returns the loss of SigLIP (Zhai et al. 2023, algorithm 1; open_clip's SigLipLoss): each of
// the N*N combinations of an image and a text is a pair or not, by itself. The arguments are those of
// [ContrastiveLoss], and the parameter logit_bias, a tensor of one element.
func SigmoidLoss(images, texts, scale, bias *torch.Tensor) (loss *torch.Tensor, err error) {
	err = torch.Try(func() error {
		if err := checkPairs(images, texts); err != nil {
			return err
		}
		count := images.Size(0)
		logits := scale.Mul(images.Normalize(-1)).MatMul(texts.Normalize(-1).T()).Add(bias)
		// 1 for pairs, -1 for others.
		signs := torch.Eye(count, count, images.DType(), images.Device()).MulScalar(2).SubScalar(1)
		loss = signs.Mul(logits).LogSigmoid().Sum().MulScalar(-1 / float64(count))
		return nil
	})
	return loss, failed("SigmoidLoss", err)
}

func checkPairs(images, texts *torch.Tensor) error {
	a, b := images.Shape(), texts.Shape()
	if len(a) != 2 || len(b) != 2 || a[0] != b[0] || a[1] != b[1] || a[0] < 1 {
		return fmt.Errorf("embeddings of images %v and of texts %v, wanted [N, D] of both: %w", a, b, torch.ErrInvalid)
	}
	return nil
}
