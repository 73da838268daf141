package guided

import "github.com/clipvqgan/clipvqgan/torch"

// sphericalDistance returns 2*arcsin(|u-v|/2)^2, half the square of the angle, between unit vectors
// in the last dimension: [n, m] for u [n, 1, D] and v [m, D]. Crowson et al. use it instead of the
// cosine, whose gradient vanishes for opposite vectors. There the derivative of arcsin is infinite
// and VQGAN-CLIP gives NaN; here the chord is clamped slightly below its maximum.
func sphericalDistance(u, v *torch.Tensor) *torch.Tensor {
	halfChord := u.Sub(v).VectorNorm(2, []int64{-1}, false).DivScalar(2)
	return halfChord.ClampMax(1 - 1e-6).Asin().Square().MulScalar(2)
}

// clampGradient returns the gradient to pass back through the clamp of an image to [0, 1]: inside
// all of it, and outside only the part that moves a pixel back. With the true gradient, which is 0
// outside, pixels that have left the range would never return.
func clampGradient(picture, clamped, gradient *torch.Tensor) *torch.Tensor {
	outward := gradient.Mul(picture.Sub(clamped)).LtScalar(0)
	return gradient.MaskedFill(outward, 0)
}

// An InitDistance is a distance between the start and the latent, or the images of both.
type InitDistance string

const (
	// SquaredDistance is the mean squared difference between the latents.
	SquaredDistance InitDistance = "squared"
	// CosineDistance is 1 minus the cosine between the latents, as vectors of all elements.
	CosineDistance InitDistance = "cosine"
	// SphericalDistance is half the square of the angle between the latents, as vectors of all
	// elements, as between prompts and cutouts.
	SphericalDistance InitDistance = "spherical"
	// PixelDistance is the mean absolute difference between the images, with values from 0 to 1.
	PixelDistance InitDistance = "pixels"
)

// latentDistance returns a distance between latents [1, C, h, w], other than PixelDistance.
func latentDistance(distance InitDistance, latent, start *torch.Tensor) *torch.Tensor {
	if distance == SquaredDistance {
		return latent.Sub(start).Square().Mean()
	}
	u, v := latent.Reshape(torch.Shape{1, -1}).Normalize(-1), start.Reshape(torch.Shape{1, -1}).Normalize(-1)
	if distance == CosineDistance {
		return u.Mul(v).Sum().Neg().AddScalar(1)
	}
	return sphericalDistance(u.Unsqueeze(1), v).Mean()
}
