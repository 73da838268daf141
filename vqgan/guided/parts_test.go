package guided

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestParsePrompt(t *testing.T) {
	for text, want := range map[string]Prompt{
		"a cat":                {Text: "a cat", Weight: 1},
		"a cat:2":              {Text: "a cat", Weight: 2},
		"a cat:-0.5:0.3":       {Text: "a cat", Weight: -0.5, Stop: new(0.3)},
		"a: b":                 {Text: "a: b", Weight: 1},
		"a: b:3":               {Text: "a: b", Weight: 3},
		"frame, ratio 3:2":     {Text: "frame, ratio 3", Weight: 2},
		"one:1:2:3":            {Text: "one:1", Weight: 2, Stop: new(3.0)},
		" spaces : 1.5 ":       {Text: "spaces", Weight: 1.5},
		"not a number:nan:1:0": {Text: "not a number:nan", Weight: 1, Stop: new(0.0)},
		"no number either:1e":  {Text: "no number either:1e", Weight: 1},
	} {
		got, err := ParsePrompt(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "  ", ":2", "a cat:0"} {
		_, err := ParsePrompt(text)
		assert.ErrorIs(t, err, torch.ErrInvalid, text)
	}
	for _, number := range []string{"nan", "NaN", "inf", "-Infinity", "1e400", "-1e400", "1,5", "--1", "0x10", "1_000"} {
		for _, text := range []string{"a cat:" + number, "a cat: " + number + " ", "a cat:" + number + ":1", "a cat:1:" + number} {
			_, err := ParsePrompt(text)
			assert.ErrorIs(t, err, torch.ErrInvalid, text)
			assert.ErrorContains(t, err, number+", wanted a finite one", text)
		}
	}
	_, err := ParsePrompt("x:1e400")
	require.ErrorContains(t, err, `"x:1"`, "the right form")
	require.ErrorContains(t, err, `"x:1e400:1:0"`, "the right form of a text that ends so")
	meant, err := ParsePrompt("x:1e400:1:0")
	require.NoError(t, err)
	assert.Equal(t, "x:1e400", meant.Text)
}

func TestNewPromptHasWeightOne(t *testing.T) {
	assert.Equal(t, Prompt{Text: "a cat", Weight: 1}, NewPrompt("a cat"))
}

func TestSphericalDistance(t *testing.T) {
	u := torch.FromSlice([]float64{1, 0, 0, 1, -1, 0}, torch.Shape{3, 2}).SetRequiresGrad(true)
	v := torch.FromSlice([]float64{1, 0}, nil)
	distances := sphericalDistance(u, v)
	// Half the square of the angle: 0, a right angle, and the opposite.
	assert.InDeltaSlice(t, []float64{0, math.Pow(math.Pi/2, 2) / 2, math.Pow(math.Pi, 2) / 2},
		torch.ToSlice[float64](distances), 0.01)
	distances.Sum().Backward()
	assert.Equal(t, 1.0, u.Grad().IsFinite().All().Item(), "at the same and at the opposite vector too")
}

func TestSphericalDistanceHasItsFiniteDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	raw := make([]float64, 12)
	for i := range raw {
		raw[i] = random.NormFloat64()
	}
	v := torch.FromSlice([]float64{0.3, -1, 0.4, 2}, torch.Shape{1, 4}).Normalize(-1).Reshape(torch.Shape{-1})
	value := func(values []float64) *torch.Tensor {
		return sphericalDistance(torch.FromSlice(values, torch.Shape{3, 4}).Normalize(-1), v).Sum()
	}
	x := torch.FromSlice(raw, torch.Shape{3, 4}).SetRequiresGrad(true)
	sphericalDistance(x.Normalize(-1), v).Sum().Backward()
	gradient := torch.ToSlice[float64](x.Grad())
	const step = 1e-6
	for i := range raw {
		up, down := append([]float64{}, raw...), append([]float64{}, raw...)
		up[i] += step
		down[i] -= step
		assert.InDelta(t, (value(up).Item()-value(down).Item())/(2*step), gradient[i], 1e-6)
	}
}

// aimAt returns the targets of one prompt with the embedding [1, 0].
func aimAt(t *testing.T, prompt Prompt) *targets {
	t.Helper()
	aimed, err := newTargets(t.Context(), fixedScorer{}, []Prompt{prompt}, nil, torch.CPU)
	require.NoError(t, err)
	return aimed
}

// A fixedScorer embeds every text as [1, 0].
type fixedScorer struct{ Scorer }

func (fixedScorer) EncodeText(_ context.Context, texts ...string) (*torch.Tensor, error) {
	return torch.FromSlice([]float64{1, 0}, torch.Shape{1, 2}).Repeat([]int64{int64(len(texts)), 1}), nil
}

// pulled returns the gradient of a prompt's loss at [1, 0.5], the loss and the distance.
func pulled(t *testing.T, prompt Prompt) (gradient []float64, loss, distance float64) {
	t.Helper()
	u := torch.FromSlice([]float64{1, 0.5}, torch.Shape{1, 2}).SetRequiresGrad(true)
	weights := torch.FromSlice(weightsAt([]Prompt{prompt}, 1, 1), nil).To(torch.Float64)
	losses, distances := aimAt(t, prompt).losses(u.Normalize(-1), weights)
	losses.Sum().Backward()
	return torch.ToSlice[float64](u.Grad()), losses.Sum().Item(), distances.Sum().Item()
}

func length(gradient []float64) float64 { return math.Hypot(gradient[0], gradient[1]) }

func TestStopHoldsTheGradientBack(t *testing.T) {
	pull := func(stop *float64) float64 {
		gradient, _, distance := pulled(t, Prompt{Text: "x", Weight: 1, Stop: stop})
		assert.InDelta(t, math.Pow(math.Atan(0.5), 2)/2, distance, 1e-6)
		return length(gradient)
	}
	assert.Positive(t, pull(nil))
	assert.Positive(t, pull(new(0.0)))
	assert.Positive(t, pull(new(0.05)))
	assert.Zero(t, pull(new(0.5)), "nearer than the stop")
}

func TestANegativeWeightPushesAway(t *testing.T) {
	towards, _, _ := pulled(t, Prompt{Text: "x", Weight: 2})
	away, _, _ := pulled(t, Prompt{Text: "x", Weight: -2})
	for i := range towards {
		assert.InDelta(t, -towards[i], away[i], 1e-12)
	}
}

func TestAPushStopsWhereItIsFarEnough(t *testing.T) {
	push := func(stop float64) float64 {
		gradient, _, distance := pulled(t, Prompt{Text: "x", Weight: -1, Stop: &stop})
		assert.InDelta(t, 0.107, distance, 1e-3)
		return length(gradient)
	}
	assert.Positive(t, push(-0.2), "nearer than 0.2")
	assert.Zero(t, push(-0.1), "further than 0.1")
}

func TestAWeightOfZeroMeasuresOnly(t *testing.T) {
	gradient, loss, distance := pulled(t, Prompt{Text: "x"})
	assert.Zero(t, loss)
	assert.Positive(t, distance)
	assert.Zero(t, length(gradient))
}

func TestSchedulesChangeWeights(t *testing.T) {
	keys := []Key{{10, 1}, {20, 0}, {30, 2}}
	for step, want := range map[int]float64{1: 1, 10: 1, 15: 0.5, 20: 0, 25: 1, 30: 2, 1000: 2} {
		assert.InDelta(t, want, Prompt{Schedule: keys}.share(step), 1e-12, step)
	}
	assert.Equal(t, 1.0, Prompt{}.share(5))
	assert.Equal(t, []float32{3, 0.5}, weightsAt([]Prompt{{Weight: -6}, {Weight: 2, Schedule: keys}}, 15, 0.5))
}

func TestClampGradientLetsPixelsComeBack(t *testing.T) {
	picture := torch.FromSlice([]float32{0.5, 1.2, 1.2, -0.3, -0.3}, nil)
	gradient := torch.FromSlice([]float32{1, 1, -1, 1, -1}, nil)
	// A step goes against the gradient: a positive one lowers the pixel.
	got := clampGradient(picture, picture.Clamp(0, 1), gradient).Float32s()
	assert.Equal(t, []float32{1, 1, 0, 0, -1}, got)
}

func TestTotalVariation(t *testing.T) {
	picture := torch.FromSlice([]float32{0, 1, 0, 1}, torch.Shape{1, 1, 2, 2})
	assert.InDelta(t, 1, totalVariation(picture).Item(), 1e-6)
	assert.Zero(t, totalVariation(torch.Ones(torch.Shape{1, 3, 4, 4})).Item())
	assert.Zero(t, totalVariation(torch.Ones(torch.Shape{1, 3, 1, 1})).Item())
}

func (m matrix) apply(x, y float64) [2]float64 {
	w := m[6]*x + m[7]*y + m[8]
	return [2]float64{(m[0]*x + m[1]*y + m[2]) / w, (m[3]*x + m[4]*y + m[5]) / w}
}

func TestQuadrilateralTakesCornersToCorners(t *testing.T) {
	to := [4][2]float64{{-0.9, -0.8}, {0.7, -1}, {1, 0.6}, {-0.75, 0.95}}
	homography := quadrilateral(to)
	for i, corner := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		got := homography.apply(corner[0], corner[1])
		assert.InDeltaSlice(t, to[i][:], got[:], 1e-12)
	}
	same := quadrilateral([4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}})
	assert.InDeltaSlice(t, identity[:], same[:], 1e-12)
}

func plainCutouts(number int, smallest, largest float64) Cutouts {
	c := Default().Cutouts.WithoutAugmentation()
	c.Number, c.MinSize, c.MaxSize, c.FullResolution = number, smallest, largest, false
	return c
}

func TestFullResolutionRaisesTheSmallestCutout(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	c := plainCutouts(100, 0, 1)
	assert.Less(t, smallest(c.draw(random, 90, 60, 40)), 10.0, "without it")
	c.FullResolution = true
	assert.GreaterOrEqual(t, smallest(c.draw(random, 90, 60, 40)), 40.0, "CLIP's image size")
	assert.Equal(t, 60.0, smallest(c.draw(random, 90, 60, 64)), "all there is")
}

func smallest(cutouts []cutout) float64 {
	least := math.Inf(1)
	for _, one := range cutouts {
		least = min(least, one.size)
	}
	return least
}

func TestPlainCutoutsAreCropsInsideThePicture(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	for _, piece := range plainCutouts(100, 0.3, 1).draw(random, 90, 60, 64) {
		assert.True(t, piece.size >= 0.3*60 && piece.size <= 60, piece.size)
		for _, corner := range [][2]float64{{-1, -1}, {1, 1}} {
			got := piece.warp.apply(corner[0], corner[1])
			assert.LessOrEqual(t, max(math.Abs(got[0]), math.Abs(got[1])), 1+1e-9)
		}
		assert.Equal(t, identityColor, piece.color)
	}
}

func TestAWholeCutoutIsThePicture(t *testing.T) {
	const side = 8
	picture := torch.Rand(torch.Shape{1, 3, side, side})
	pieces := []cutout{{size: side, warp: cropMatrix(0, 0, side, side, side), color: identityColor}}
	got := newCutter(side, nil).apply(picture, pieces, nil)
	assert.InDeltaSlice(t, picture.Float32s(), got.Float32s(), 1e-5)
}

func TestLargeCutoutsAreAveragedNotSkipped(t *testing.T) {
	// Fine stripes of black and white: sampled, they would alias; averaged, they are gray.
	const side, width = 8, 64
	stripes := make([]float32, width)
	for i := range stripes {
		stripes[i] = float32(i % 2)
	}
	picture := torch.FromSlice(stripes, torch.Shape{1, 1, 1, width}).Expand(torch.Shape{1, 3, width, width})
	pieces := []cutout{
		{size: width, warp: cropMatrix(0, 0, width, width, width), color: identityColor},
		{size: side, warp: cropMatrix(0, 0, side, width, width), color: identityColor},
		{size: width / 2, warp: cropMatrix(8, 8, width/2, width, width), color: identityColor},
	}
	got := newCutter(side, nil).apply(picture, pieces, nil)
	for _, i := range []int64{0, 2} {
		for _, pixel := range got.Select(0, i).Float32s() {
			assert.InDelta(t, 0.5, pixel, 1e-5)
		}
	}
	assert.InDeltaSlice(t, stripes[:side], got.Select(0, 1).Float32s()[:side], 1e-4, "in their order")
}

func TestLargerCutoutsShowTheBackground(t *testing.T) {
	const side = 16
	picture := torch.Zeros(torch.Shape{1, 3, side, side}).SetRequiresGrad(true)
	pieces := []cutout{{size: 2 * side, warp: cropMatrix(-side/2, -side/2, 2*side, side, side), color: identityColor}}
	got := newCutter(side, &Color{255, 0, 255}).apply(picture, pieces, nil)
	middle := got.Select(0, 0).Narrow(1, 5, 6).Narrow(2, 5, 6)
	assert.InDelta(t, 0, middle.Abs().Max().Item(), 1e-6, "the picture")
	corner := got.Select(0, 0).Select(1, 0).Select(1, 0)
	assert.InDeltaSlice(t, []float32{1, 0, 1}, corner.Float32s(), 1e-6, "around it")
	got.Sum().Backward()
	assert.Positive(t, picture.Grad().Sum().Item())
}

func TestCutoutsLargerThanThePictureHoldAllOfIt(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 0))
	for _, piece := range plainCutouts(50, 1, 1.5).draw(random, 64, 64, 64) {
		low, high := piece.warp.apply(-1, -1), piece.warp.apply(1, 1)
		for k := range 2 {
			assert.LessOrEqual(t, low[k], -1+1e-9)
			assert.GreaterOrEqual(t, high[k], 1-1e-9)
		}
	}
}

func TestMarginDifference(t *testing.T) {
	white := white.tensor()
	picture := torch.Ones(torch.Shape{1, 3, 32, 32})
	assert.Zero(t, marginDifference(picture, white).Item())
	picture.Narrow(2, 4, 24).Narrow(3, 4, 24).ZeroInPlace()
	assert.Zero(t, marginDifference(picture, white).Item(), "the middle is free")
	picture.ZeroInPlace()
	assert.InDelta(t, 1, marginDifference(picture, white).Item(), 1e-6)
}

func TestNoiseHasEachPiecesLevel(t *testing.T) {
	const side = 64
	whole := cropMatrix(0, 0, side, side, side)
	pieces := []cutout{
		{size: side, warp: whole, color: identityColor, noise: 0.1},
		{size: side, warp: whole, color: identityColor},
	}
	generator, err := torch.NewGenerator(torch.CPU, 1)
	require.NoError(t, err)
	noise := torch.RandN(torch.Shape{2, 3, side, side}, generator)
	got := newCutter(side, nil).apply(torch.Full(torch.Shape{1, 3, side, side}, 0.5), pieces, noise)
	assert.InDelta(t, 0.1, got.Select(0, 0).Std(true).Item(), 0.005)
	assert.InDelta(t, 0, got.Select(0, 1).Std(true).Item(), 1e-5)
}

func TestJitterKeepsGrayGray(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 0))
	jitter := Cutouts{Jitter: 0.5}.drawJitter(random)
	for row := range 3 {
		gray := jitter[4*row]*0.5 + jitter[4*row+1]*0.5 + jitter[4*row+2]*0.5 + jitter[4*row+3]
		first := jitter[0]*0.5 + jitter[1]*0.5 + jitter[2]*0.5 + jitter[3]
		assert.InDelta(t, first, gray, 1e-12, "all three colors of a gray stay the same")
	}
}
