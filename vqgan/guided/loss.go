package guided

import (
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// sphericalDistance is 2*arcsin(|u-v|/2)^2, half the square of the angle between unit vectors, for
// each of the rows u and the one vector v. Crowson et al. use it in place of the cosine since its
// gradient does not vanish far away. arcsin's slope is infinite at opposite vectors, where the
// originals give NaN; there the chord is held just below its end.
func sphericalDistance(u, v *torch.Tensor) *torch.Tensor {
	halfChord := u.Sub(v).VectorNorm(2, []int64{-1}, false).DivScalar(2)
	return halfChord.ClampMax(1 - 1e-6).ASin().Square().MulScalar(2)
}

// A target is a prompt ready to be measured against.
type target struct {
	prompt    Prompt
	embedding *torch.Tensor // [D], of unit length
}

// loss is the prompt's term for unit embeddings of cutouts, [n, D], and their mean distance. Where
// a signed distance is below the stop it counts, but does not pull.
func (t target) loss(cutouts *torch.Tensor) (loss *torch.Tensor, distance float64) {
	distances := sphericalDistance(cutouts, t.embedding)
	weight := t.prompt.Weight
	signed := distances.MulScalar(math.Copysign(1, weight))
	if t.prompt.Stop != nil {
		signed = signed.ClampMin(*t.prompt.Stop)
	}
	return signed.Mean().MulScalar(math.Abs(weight)), distances.Detach().Mean().Item()
}

// totalVariation is the mean squared difference between neighbouring pixels of [1, 3, H, W].
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

// marginDifference is the mean squared difference between the margin of a picture, [1, 3, H, W],
// and a colour, [1, 3, 1, 1].
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

// clampGradient is what reaches the picture through its clamp to [0, 1]: all of it where the pixel
// is inside, and outside only what pushes it back. (The clamp's own gradient is 0 outside, and
// pixels that left would never come back.)
func clampGradient(picture, clamped, gradient *torch.Tensor) *torch.Tensor {
	outward := gradient.Mul(picture.Sub(clamped)).LtScalar(0)
	return gradient.MaskedFill(outward, 0)
}
