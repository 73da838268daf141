package guided

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// sphericalDistance returns 2*arcsin(|u-v|/2)^2, half the square of the angle, between each row of
// u [n, D] and v [D], which are unit vectors: [n]. Crowson et al. use it instead of the cosine,
// whose gradient vanishes for opposite vectors. There the derivative of arcsin is infinite and
// VQGAN-CLIP gives NaN; here the chord is clamped slightly below its maximum.
func sphericalDistance(u, v *torch.Tensor) *torch.Tensor {
	halfChord := u.Sub(v).VectorNorm(2, []int64{-1}, false).DivScalar(2)
	return halfChord.ClampMax(1 - 1e-6).Asin().Square().MulScalar(2)
}

// A target is a prompt and its embedding.
type target struct {
	prompt    Prompt
	embedding *torch.Tensor // [D], of unit length
}

// loss returns the prompt's term of the loss for normalized embeddings of cutouts [n, D], and the
// mean distance. A signed distance below the stop is replaced by the stop, so that its gradient is
// zero.
func (t target) loss(cutouts *torch.Tensor) (loss *torch.Tensor, distance float64) {
	distances := sphericalDistance(cutouts, t.embedding)
	weight := t.prompt.Weight
	signed := distances.MulScalar(math.Copysign(1, weight))
	if t.prompt.Stop != nil {
		signed = signed.ClampMin(*t.prompt.Stop)
	}
	return signed.Mean().MulScalar(math.Abs(weight)), distances.Detach().Mean().Item()
}

// totalVariation returns the mean squared difference between neighboring pixels of an image [1, 3,
// H, W].
func totalVariation(picture *torch.Tensor) *torch.Tensor {
	difference := func(dim int64) *torch.Tensor {
		length := picture.Size(dim)
		if length < 2 {
			return torch.Zeros(torch.Shape{1}, picture.Device(), picture.DType()).Sum()
		}
		return picture.Narrow(dim, 1, length-1).Sub(picture.Narrow(dim, 0, length-1)).Square().Mean()
	}
	return difference(2).Add(difference(3))
}

// marginDifference returns the mean squared difference between the margin of an image [1, 3, H, W],
// a sixteenth of it at each edge, and a color [1, 3, 1, 1].
func marginDifference(picture, ground *torch.Tensor) *torch.Tensor {
	height, width := picture.Size(2), picture.Size(3)
	top, side := max(1, height/16), max(1, width/16)
	difference := picture.Sub(ground).Square()
	return torch.Cat([]*torch.Tensor{
		difference.Narrow(2, 0, top).Flatten(0, -1),
		difference.Narrow(2, height-top, top).Flatten(0, -1),
		difference.Narrow(3, 0, side).Flatten(0, -1),
		difference.Narrow(3, width-side, side).Flatten(0, -1),
	}, 0).Mean()
}

// clampGradient returns the gradient to pass back through the clamp of an image to [0, 1]: inside
// all of it, and outside only the part that moves a pixel back. With the true gradient, which is 0
// outside, pixels that have left the range would never return.
func clampGradient(picture, clamped, gradient *torch.Tensor) *torch.Tensor {
	outward := gradient.Mul(picture.Sub(clamped)).LtScalar(0)
	return gradient.MaskedFill(outward, 0)
}
