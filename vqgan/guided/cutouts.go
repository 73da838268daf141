package guided

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A cutout is the random parameters of one crop.
type cutout struct {
	// size is the cutout's side in pixels of the image, before the warp.
	size float64
	// warp is the homography from the cutout's coordinates to the image's, (x, y), both from -1 to
	// 1.
	warp matrix
	// color is the affine map of the cutout's colors (r, g, b, 1), 3x4 in row-major order.
	color [12]float64
	// noise is the standard deviation of the noise.
	noise float64
}

// draw draws cutouts for an image of width x height pixels and a CLIP with input side x side.
func (c Cutouts) draw(random *rand.Rand, width, height int, side int64) []cutout {
	shorter := float64(min(width, height))
	largest := max(1, c.MaxSize*shorter)
	smallest := max(1, c.MinSize*shorter)
	if c.FullResolution {
		smallest = max(smallest, min(shorter, largest, float64(side)))
	}
	cutouts := make([]cutout, c.Number)
	for i := range cutouts {
		size := math.Pow(random.Float64(), c.Power)*(largest-smallest) + smallest
		// A cutout that is larger than the image contains all of it.
		left := random.Float64() * (float64(width) - size)
		top := random.Float64() * (float64(height) - size)
		crop := cropMatrix(left, top, size, float64(width), float64(height))
		cutouts[i] = cutout{size: size, warp: crop.times(c.drawWarp(random)), color: c.drawJitter(random)}
		if c.Noise > 0 {
			cutouts[i].noise = random.Float64() * c.Noise
		}
	}
	return cutouts
}

// A cutter makes tensors of cutouts.
type cutter struct {
	side int64
	// base are the coordinates (x, y, 1) in a cutout, [side*side, 3].
	base *torch.Tensor
	// background is [1, 3, 1, 1], or nil.
	background *torch.Tensor
}

func newCutter(side int64, background *Color, where ...torch.Option) *cutter {
	coordinates := make([]float32, 0, side*side*3)
	for y := range side {
		for x := range side {
			coordinates = append(coordinates, pixelCenter(x, side), pixelCenter(y, side), 1)
		}
	}
	c := &cutter{side: side, base: torch.FromSlice(coordinates, torch.Shape{side * side, 3}).To(where...)}
	if background != nil {
		c.background = background.tensor().To(where...)
	}
	return c
}

// pixelCenter returns the position of pixel i of n between -1 and 1 (grid_sample's
// align_corners=False).
func pixelCenter(i, n int64) float32 { return float32(2*i+1)/float32(n) - 1 }

// apply returns the cutouts of an image [1, 3, H, W] as [n, 3, side, side]. noise is standard
// normal and of that shape, or nil; each cutout adds its own multiple of it. Cutouts that shrink by
// a factor of two or more are sampled from an average-pooled image, so that all of its pixels
// contribute.
func (c *cutter) apply(picture *torch.Tensor, cutouts []cutout, noise *torch.Tensor) *torch.Tensor {
	byReduction := map[int64][]int{}
	for i, one := range cutouts {
		reduction := max(1, int64(one.size/float64(c.side)))
		byReduction[reduction] = append(byReduction[reduction], i)
	}
	var sampled []*torch.Tensor
	place := make([]int64, len(cutouts)) // position of each cutout among the sampled ones
	next := int64(0)
	for _, reduction := range slices.Sorted(maps.Keys(byReduction)) {
		var group []cutout
		for _, i := range byReduction[reduction] {
			group = append(group, cutouts[i])
			place[i] = next
			next++
		}
		sampled = append(sampled, c.sample(picture, reduction, group))
	}
	cut := sampled[0]
	if len(sampled) > 1 {
		cut = torch.Cat(sampled, 0).IndexSelect(0, torch.FromSlice(place, nil, picture.Device()))
	}
	cut = recolor(cut, cutouts)
	if noise != nil {
		cut = cut.Add(noise.Mul(noiseLevels(cutouts, cut)))
	}
	return cut
}

// sample samples cutouts from the image, which is first average-pooled by reduction.
func (c *cutter) sample(picture *torch.Tensor, reduction int64, cutouts []cutout) *torch.Tensor {
	if reduction > 1 {
		size := picture.Shape()
		picture = picture.AdaptiveAvgPool2d([]int64{max(1, size[2]/reduction), max(1, size[3]/reduction)})
	}
	count := int64(len(cutouts))
	warps := make([]float32, 0, 9*count)
	for _, one := range cutouts {
		for _, number := range one.warp {
			warps = append(warps, float32(number))
		}
	}
	matrices := torch.FromSlice(warps, torch.Shape{count, 3, 3}).To(c.base.Device(), c.base.DType())
	points := c.base.MatMul(matrices.Transpose(1, 2)) // [n, side*side, 3]
	grid := points.Narrow(2, 0, 2).Div(points.Narrow(2, 2, 1)).Reshape(torch.Shape{count, c.side, c.side, 2})
	size := picture.Shape()
	if c.background == nil {
		each := picture.Expand(torch.Shape{count, size[1], size[2], size[3]})
		return each.GridSample(grid, torch.GridSampleOptions{Padding: torch.GridBorder})
	}
	// grid_sample can pad with zeros, so shift the background to zero.
	each := picture.Sub(c.background).Expand(torch.Shape{count, size[1], size[2], size[3]})
	return each.GridSample(grid, torch.GridSampleOptions{Padding: torch.GridZeros}).Add(c.background)
}

// recolor applies each cutout's color map.
func recolor(cut *torch.Tensor, cutouts []cutout) *torch.Tensor {
	count := int64(len(cutouts))
	var matrices, offsets []float32
	changed := false
	for _, one := range cutouts {
		changed = changed || one.color != identityColor
		for row := range 3 {
			for column := range 3 {
				matrices = append(matrices, float32(one.color[4*row+column]))
			}
			offsets = append(offsets, float32(one.color[4*row+3]))
		}
	}
	if !changed {
		return cut
	}
	matrix := torch.FromSlice(matrices, torch.Shape{count, 3, 3}).To(cut.Device(), cut.DType())
	offset := torch.FromSlice(offsets, torch.Shape{count, 3, 1}).To(cut.Device(), cut.DType())
	return offset.BAddBMM(matrix, cut.Flatten(2, 3), 1, 1).Reshape(cut.Shape())
}

func noiseLevels(cutouts []cutout, like *torch.Tensor) *torch.Tensor {
	levels := make([]float32, len(cutouts))
	for i, one := range cutouts {
		levels[i] = float32(one.noise)
	}
	return torch.FromSlice(levels, torch.Shape{int64(len(levels)), 1, 1, 1}).To(like.Device(), like.DType())
}
