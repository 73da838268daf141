package guided

import (
	"cmp"
	"context"
	"math"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Losses are the weights, 0 or more, of what the image should be like besides its prompts. 0 leaves
// a loss out. Pixels have values from 0 to 1.
type Losses struct {
	// Margin is the weight of the mean squared difference between the Config's Ground and the
	// image's margin, a sixteenth of the image at each edge. It keeps a single object in the middle.
	Margin float64 `json:"margin" yaml:"margin"`

	// TotalVariation is the weight of the mean squared difference between neighboring pixels.
	// Larger weights make the image smoother; 1 is a strong weight.
	TotalVariation float64 `json:"total_variation" yaml:"total_variation"`

	// Edges is the weight of the mean absolute difference between neighboring pixels. It leaves
	// sharp edges between plain areas, where TotalVariation blurs them (Rudin et al. 1992).
	Edges float64 `json:"edges" yaml:"edges"`

	// Saturation is the weight of grayness: 1 minus the mean, over the pixels, of the difference
	// between the largest and the smallest of red, green and blue. It makes colors vivid.
	Saturation float64 `json:"saturation" yaml:"saturation"`

	// MirrorX and MirrorY are the weights of the mean squared difference between the image and its
	// mirror image, left and right or top and bottom exchanged.
	MirrorX float64 `json:"mirror_x" yaml:"mirror_x"`
	MirrorY float64 `json:"mirror_y" yaml:"mirror_y"`

	// Palette is the weight of the mean squared distance between each pixel's color and the nearest
	// one in Colors, which must not be empty if the weight is above 0.
	Palette float64 `json:"palette" yaml:"palette"`
	Colors  []Color `json:"colors" yaml:"colors"`
}

func (l Losses) validate() error {
	notNegative := interval{high: math.Inf(1)}
	err := cmp.Or(
		check("losses.margin", l.Margin, notNegative),
		check("losses.total_variation", l.TotalVariation, notNegative),
		check("losses.edges", l.Edges, notNegative),
		check("losses.saturation", l.Saturation, notNegative),
		check("losses.mirror_x", l.MirrorX, notNegative),
		check("losses.mirror_y", l.MirrorY, notNegative),
		check("losses.palette", l.Palette, notNegative),
	)
	if err == nil && l.Palette > 0 && len(l.Colors) == 0 {
		return bad("losses.palette is %v and losses.colors is empty, wanted colors, as %q", l.Palette, "#ff8000")
	}
	return err
}

// terms returns the losses that have a weight. ground is the color of the margin.
func (l Losses) terms(ground Color) (terms []WeightedTerm) {
	add := func(name string, weight float64, loss func(picture *torch.Tensor) *torch.Tensor) {
		if weight > 0 {
			terms = append(terms, WeightedTerm{name, weight, TermFunc(
				func(_ context.Context, picture *torch.Tensor) (*torch.Tensor, error) { return loss(picture), nil })})
		}
	}
	add("margin", l.Margin, func(picture *torch.Tensor) *torch.Tensor {
		return marginDifference(picture, ground.tensor().To(picture.Device(), picture.DType()))
	})
	add("total variation", l.TotalVariation, totalVariation)
	add("edges", l.Edges, absoluteVariation)
	add("saturation", l.Saturation, grayness)
	add("mirror x", l.MirrorX, func(picture *torch.Tensor) *torch.Tensor { return mirrorDifference(picture, 3) })
	add("mirror y", l.MirrorY, func(picture *torch.Tensor) *torch.Tensor { return mirrorDifference(picture, 2) })
	add("palette", l.Palette, func(picture *torch.Tensor) *torch.Tensor { return paletteDistance(picture, l.Colors) })
	return terms
}

// neighborDifferences returns the differences between pixels of an image [1, 3, H, W] and their
// neighbors along a dimension; none if it has one pixel there.
func neighborDifferences(picture *torch.Tensor, dim int64) *torch.Tensor {
	length := picture.Size(dim)
	return picture.Narrow(dim, 1, length-1).Sub(picture.Narrow(dim, 0, length-1))
}

// meanOrZero returns the mean of all elements, or 0 if there are none.
func meanOrZero(values *torch.Tensor) *torch.Tensor {
	return values.Sum().DivScalar(max(1, values.NumElements()))
}

// totalVariation returns the mean squared difference between neighboring pixels of an image [1, 3,
// H, W].
func totalVariation(picture *torch.Tensor) *torch.Tensor {
	return meanOrZero(neighborDifferences(picture, 2).Square()).Add(meanOrZero(neighborDifferences(picture, 3).Square()))
}

// absoluteVariation returns the mean absolute difference between neighboring pixels of an image [1,
// 3, H, W].
func absoluteVariation(picture *torch.Tensor) *torch.Tensor {
	return meanOrZero(neighborDifferences(picture, 2).Abs()).Add(meanOrZero(neighborDifferences(picture, 3).Abs()))
}

// grayness returns 1 minus the mean difference between the largest and the smallest channel of an
// image [1, 3, H, W].
func grayness(picture *torch.Tensor) *torch.Tensor {
	channels := []int64{1}
	return picture.AMax(channels, false).Sub(picture.AMin(channels, false)).Mean().Neg().AddScalar(1)
}

// mirrorDifference returns the mean squared difference between an image and its mirror image along a
// dimension.
func mirrorDifference(picture *torch.Tensor, dim int64) *torch.Tensor {
	return picture.Sub(picture.Flip([]int64{dim})).Square().Mean()
}

// paletteDistance returns the mean squared distance between the pixels of an image [1, 3, H, W] and
// the nearest colors.
func paletteDistance(picture *torch.Tensor, colors []Color) *torch.Tensor {
	palette := make([]*torch.Tensor, len(colors))
	for i, color := range colors {
		palette[i] = color.tensor()
	}
	each := torch.Cat(palette, 0).To(picture.Device(), picture.DType()) // [n, 3, 1, 1]
	distances := picture.Sub(each).Square().SumDim([]int64{1}, false)   // [n, H, W]
	return distances.AMin([]int64{0}, false).Mean()
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

// pixelDistance is the mean absolute difference from an image [1, 3, H, W].
type pixelDistance struct{ start *torch.Tensor }

func (d pixelDistance) Loss(_ context.Context, picture *torch.Tensor) (*torch.Tensor, error) {
	return picture.Sub(d.start).Abs().Mean(), nil
}
