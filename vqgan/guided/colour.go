package guided

import "math/rand/v2"

var identityColour = [12]float64{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}

// Shares of red, green and blue in how bright a colour looks (ITU-R BT.601).
var luma = [3]float64{0.299, 0.587, 0.114}

// drawColour draws a change of brightness, contrast (around middle grey) and saturation, in one
// linear map: out = contrast * brightness * (grey + saturation * (in - grey)) + offset.
func (c Cutouts) drawColour(random *rand.Rand) [12]float64 {
	brightness := 1 + symmetric(random, c.Jitter)
	contrast := 1 + symmetric(random, c.Jitter)
	saturation := 1 + symmetric(random, c.Jitter)
	if c.Jitter == 0 {
		return identityColour
	}
	var colour [12]float64
	for row := range 3 {
		for column := range 3 {
			weight := (1 - saturation) * luma[column]
			if row == column {
				weight += saturation
			}
			colour[4*row+column] = contrast * brightness * weight
		}
		colour[4*row+3] = 0.5 * (1 - contrast)
	}
	return colour
}
