package guided

import (
	"image/color"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Cutouts say how a picture is shown to CLIP: as many square pieces, each of a random size and
// place, each disturbed at random. CLIP's opinion of one view is easily fooled; of many it is not.
// The zero value of a field means its default; a negative one, where 0 has a meaning of its own, means 0.
type Cutouts struct {
	// Number is how many pieces are cut out in each step. Default 32.
	Number int
	// MinSize is the smallest piece's side, as a share of the picture's shorter side. The default
	// is CLIP's image size, or the whole side where that is shorter.
	MinSize float64
	// MaxSize is the largest piece's side, as a share of the picture's shorter side. Above 1, pieces
	// show what lies around the picture too. Default 1.
	MaxSize float64
	// Background is the colour around the picture. Default: the picture's edge goes on outwards.
	Background color.Color
	// Power shapes the sizes between the smallest and the largest: size = U^power. Above 1 favours
	// small pieces. Default 1.
	Power float64
	// Noise is the most noise a piece gets: a share of it, drawn for each piece, is the standard
	// deviation of normal noise on its pixels. Default 0.1.
	Noise float64
	// Plain leaves out the augmentations below.
	Plain bool
	// Rotation is the largest angle, in degrees, either way. Default 15.
	Rotation float64
	// Translation is the largest shift, as a share of the side. Default 0.1.
	Translation float64
	// Zoom is the largest change of scale, either way: 0.1 is from 0.9 to 1.1. Default 0.1.
	Zoom float64
	// Shear is the largest angle of shear, in degrees, either way. Default 5.
	Shear float64
	// Perspective is how far, as a share of half the side, the corners move at most. Default 0.2.
	Perspective float64
	// Flip is the probability of a mirror image. Default 0.
	Flip float64
	// Jitter is the largest relative change of brightness, contrast and saturation. Default 0.1.
	Jitter float64
}

func (c Cutouts) withDefaults() Cutouts {
	setDefault(&c.Number, 32)
	setDefault(&c.Power, 1)
	setDefault(&c.MaxSize, 1)
	for _, setting := range []struct {
		value    *float64
		standard float64
		augments bool
	}{
		{&c.Noise, 0.1, false},
		{&c.Rotation, 15, true},
		{&c.Translation, 0.1, true},
		{&c.Zoom, 0.1, true},
		{&c.Shear, 5, true},
		{&c.Perspective, 0.2, true},
		{&c.Jitter, 0.1, true},
		{&c.Flip, 0, true},
	} {
		setDefault(setting.value, setting.standard)
		if *setting.value < 0 || setting.augments && c.Plain {
			*setting.value = 0
		}
	}
	return c
}

// largestCutout bounds how small the picture may become in a piece.
const largestCutout = 4

func (c Cutouts) check() error {
	switch {
	case c.Number < 1:
		return bad("the number of cutouts is %d, wanted at least 1", c.Number)
	case c.MinSize < 0 || !(c.MaxSize > 0) || c.MinSize > c.MaxSize || c.MaxSize > largestCutout:
		return bad("the cutouts are from %v to %v of the picture, wanted above 0, in order, and at most %v",
			c.MinSize, c.MaxSize, largestCutout)
	case !(c.Power > 0):
		return bad("the cutouts' power is %v, wanted above 0", c.Power)
	case c.Zoom >= 1, c.Perspective >= 1:
		return bad("the cutouts' zoom is %v and perspective %v, wanted below 1", c.Zoom, c.Perspective)
	}
	return nil
}

// A cutout is one piece, drawn: where it comes from and what happens to it.
type cutout struct {
	// size is the piece's side in pixels of the picture, before the warp.
	size float64
	// warp maps the piece's coordinates to the picture's, both from -1 to 1 across, x before y: a
	// homography.
	warp matrix
	// colour maps the piece's colours (r, g, b, 1) to new ones, by rows: 3x4.
	colour [12]float64
	// noise is the standard deviation of the noise on the piece's pixels.
	noise float64
}

// draw draws pieces of a picture of width x height pixels for a CLIP that takes side x side.
func (c Cutouts) draw(random *rand.Rand, width, height int, side int64) []cutout {
	shorter := float64(min(width, height))
	largest := c.MaxSize * shorter
	smallest := min(shorter, largest, float64(side))
	if c.MinSize > 0 {
		smallest = max(1, c.MinSize*shorter)
	}
	pieces := make([]cutout, c.Number)
	for i := range pieces {
		size := math.Pow(random.Float64(), c.Power)*(largest-smallest) + smallest
		// Where the piece is larger than the picture, the whole picture is in it somewhere.
		left := random.Float64() * (float64(width) - size)
		top := random.Float64() * (float64(height) - size)
		crop := cropMatrix(left, top, size, float64(width), float64(height))
		piece := cutout{size: size, warp: crop.times(c.drawWarp(random)), colour: c.drawColour(random)}
		if c.Noise > 0 {
			piece.noise = random.Float64() * c.Noise
		}
		pieces[i] = piece
	}
	return pieces
}

// A cutter makes the tensors of cutouts. Its grid is kept between steps.
type cutter struct {
	side int64
	// base is the pieces' own coordinates (x, y, 1), [side*side, 3].
	base *torch.Tensor
	// background is [1, 3, 1, 1], or nil.
	background *torch.Tensor
}

func newCutter(side int64, background color.Color, where ...torch.Option) *cutter {
	coordinates := make([]float32, 0, side*side*3)
	for y := range side {
		for x := range side {
			coordinates = append(coordinates, pixelCentre(x, side), pixelCentre(y, side), 1)
		}
	}
	c := &cutter{side: side, base: torch.FromSlice(coordinates, torch.Shape{side * side, 3}).To(where...)}
	if background != nil {
		c.background = colourTensor(background).To(where...)
	}
	return c
}

// colourTensor is a colour as a picture of one pixel, [1, 3, 1, 1].
func colourTensor(colour color.Color) *torch.Tensor {
	const most = 0xffff
	r, g, b, _ := colour.RGBA()
	shares := []float32{float32(r) / most, float32(g) / most, float32(b) / most}
	return torch.FromSlice(shares, torch.Shape{1, 3, 1, 1})
}

// pixelCentre is where pixel i of n lies between -1 and 1 (grid_sample's align_corners=False).
func pixelCentre(i, n int64) float32 { return float32(2*i+1)/float32(n) - 1 }

// apply cuts the pieces out of a picture, [1, 3, H, W], as [pieces, 3, side, side]. noise, of that
// shape and standard normal, is scaled to each piece's own; nil: none. Pieces that shrink by two
// or more are sampled from a picture that was averaged down first, so that nothing falls between
// the samples.
func (c *cutter) apply(picture *torch.Tensor, pieces []cutout, noise *torch.Tensor) *torch.Tensor {
	byReduction := map[int64][]int{}
	for i, piece := range pieces {
		reduction := max(1, int64(piece.size/float64(c.side)))
		byReduction[reduction] = append(byReduction[reduction], i)
	}
	var sampled []*torch.Tensor
	place := make([]int64, len(pieces)) // of each piece among the sampled
	next := int64(0)
	for _, reduction := range slices.Sorted(maps.Keys(byReduction)) {
		var group []cutout
		for _, i := range byReduction[reduction] {
			group = append(group, pieces[i])
			place[i] = next
			next++
		}
		sampled = append(sampled, c.sample(picture, reduction, group))
	}
	cut := sampled[0]
	if len(sampled) > 1 {
		cut = torch.Cat(sampled, 0).IndexSelect(0, torch.FromSlice(place, nil, picture.Device()))
	}
	cut = recolour(cut, pieces)
	if noise != nil {
		cut = cut.Add(noise.Mul(noiseLevels(pieces, cut)))
	}
	return cut
}

// sample warps pieces out of the picture averaged down by a whole factor.
func (c *cutter) sample(picture *torch.Tensor, reduction int64, pieces []cutout) *torch.Tensor {
	if reduction > 1 {
		size := picture.Shape()
		picture = picture.AdaptiveAvgPool2d(max(1, size[2]/reduction), max(1, size[3]/reduction))
	}
	count := int64(len(pieces))
	warps := make([]float32, 0, 9*count)
	for _, piece := range pieces {
		for _, number := range piece.warp {
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
	// grid_sample knows zeros outside, so the background is made zero.
	each := picture.Sub(c.background).Expand(torch.Shape{count, size[1], size[2], size[3]})
	return each.GridSample(grid, torch.GridSampleOptions{Padding: torch.GridZeros}).Add(c.background)
}

// recolour applies each piece's colour map.
func recolour(cut *torch.Tensor, pieces []cutout) *torch.Tensor {
	count := int64(len(pieces))
	var matrices, offsets []float32
	changed := false
	for _, piece := range pieces {
		changed = changed || piece.colour != identityColour
		for row := range 3 {
			for column := range 3 {
				matrices = append(matrices, float32(piece.colour[4*row+column]))
			}
			offsets = append(offsets, float32(piece.colour[4*row+3]))
		}
	}
	if !changed {
		return cut
	}
	matrix := torch.FromSlice(matrices, torch.Shape{count, 3, 3}).To(cut.Device(), cut.DType())
	offset := torch.FromSlice(offsets, torch.Shape{count, 3, 1}).To(cut.Device(), cut.DType())
	return offset.BAddBMM(matrix, cut.Flatten(2, 3), 1, 1).Reshape(cut.Shape())
}

func noiseLevels(pieces []cutout, like *torch.Tensor) *torch.Tensor {
	levels := make([]float32, len(pieces))
	for i, piece := range pieces {
		levels[i] = float32(piece.noise)
	}
	return torch.FromSlice(levels, torch.Shape{int64(len(levels)), 1, 1, 1}).To(like.Device(), like.DType())
}
