package vision

import (
	"image"
	"image/color"
)

// deepSamples returns the samples of a 16-bit image, row by row with the channels of a pixel
// together, or nil for other images.
func deepSamples(img image.Image, options Options) []float32 {
	var at func(x, y int) color.NRGBA64
	switch img := img.(type) {
	case *image.Gray16:
		at = func(x, y int) color.NRGBA64 {
			level := img.Gray16At(x, y).Y
			return color.NRGBA64{R: level, G: level, B: level, A: 0xffff}
		}
	case *image.NRGBA64:
		at = img.NRGBA64At
	case *image.RGBA64:
		at = func(x, y int) color.NRGBA64 {
			return color.NRGBA64Model.Convert(img.RGBA64At(x, y)).(color.NRGBA64)
		}
	default:
		return nil
	}
	background := options.Background
	if background == nil {
		background = color.White
	}
	behind := color.NRGBA64Model.Convert(background).(color.NRGBA64)
	over := func(sample, behind, alpha uint16) float32 {
		if alpha == 0xffff {
			return float32(sample) / 0xffff
		}
		share := float64(alpha) / 0xffff
		return float32((float64(sample)*share + float64(behind)*(1-share)) / 0xffff)
	}
	bounds := img.Bounds()
	samples := make([]float32, 0, int(options.Channels+3)*bounds.Dx()*bounds.Dy())
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			if options.Channels == RGBA {
				samples = append(samples, float32(c.R)/0xffff, float32(c.G)/0xffff, float32(c.B)/0xffff, float32(c.A)/0xffff)
				continue
			}
			red, green, blue := over(c.R, behind.R, c.A), over(c.G, behind.G, c.A), over(c.B, behind.B, c.A)
			switch {
			case options.Channels == RGB:
				samples = append(samples, red, green, blue)
			case c.R == c.G && c.G == c.B && c.A == 0xffff: // the weighted sum would have a rounding error
				samples = append(samples, red)
			default:
				samples = append(samples, (19595*red+38470*green+7471*blue)/65536)
			}
		}
	}
	return samples
}
