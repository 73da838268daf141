package guided

import "math/rand/v2"

var identityColor = [12]float64{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}

// luma are the weights of red, green and blue in luma (ITU-R BT.601).
var luma = [3]float64{0.299, 0.587, 0.114}

// drawJitter draws a change of brightness, contrast (around middle gray) and saturation as one
// affine map, 3x4 in row-major order: out = contrast * brightness * (gray + saturation * (in -
// gray)) + offset.
func (c Cutouts) drawJitter(random *rand.Rand) [12]float64 {
	brightness := 1 + symmetric(random, c.Jitter)
	contrast := 1 + symmetric(random, c.Jitter)
	saturation := 1 + symmetric(random, c.Jitter)
	if c.Jitter == 0 {
		return identityColor
	}
	var jitter [12]float64
	for row := range 3 {
		for column := range 3 {
			weight := (1 - saturation) * luma[column]
			if row == column {
				weight += saturation
			}
			jitter[4*row+column] = contrast * brightness * weight
		}
		jitter[4*row+3] = 0.5 * (1 - contrast)
	}
	return jitter
}
