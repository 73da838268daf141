package train

import (
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// TestCrops have the shares of the area and the ratios that are wanted, and lie within the picture.
func TestCrops(t *testing.T) {
	a := Augmentation{Scale: [2]float64{0.3, 0.8}, Ratio: [2]float64{0.5, 2}}
	random := rand.New(rand.NewPCG(1, 1))
	least, most := 1.0, 0.0
	for range 2000 {
		part := a.crop(random, 400, 300)
		share := float64(part.width*part.height) / 120_000
		least, most = min(least, share), max(most, share)
		assert.True(t, part.left >= 0 && part.top >= 0 && part.left+part.width <= 400 && part.top+part.height <= 300)
		assert.InDelta(t, 1.25, float64(part.width)/float64(part.height), 0.78)
	}
	assert.InDelta(t, 0.3, least, 0.01)
	assert.InDelta(t, 0.8, most, 0.05)
	// A picture in which none fits: the middle of it, as wide as is allowed.
	whole := Augmentation{Scale: [2]float64{1, 1}, Ratio: [2]float64{0.5, 2}}
	assert.Equal(t, box{300, 0, 400, 200}, whole.crop(random, 1000, 200))
	assert.Equal(t, box{0, 300, 200, 400}, whole.crop(random, 200, 1000))
	assert.Equal(t, box{0, 0, 1, 1}, DefaultAugmentation().crop(random, 1, 1))
}

func TestColors(t *testing.T) {
	values := func() []float32 { return []float32{0.2, 0.4, 0.6, 0.8, 1, 0} } // two pixels of three channels
	random := rand.New(rand.NewPCG(1, 1))
	gray := values()
	Augmentation{Grayscale: 1}.colors(random, gray)
	for i := range 2 {
		assert.Equal(t, gray[i], gray[2+i])
		assert.Equal(t, gray[i], gray[4+i])
	}
	assert.InDelta(t, 0.2989*0.2+0.587*0.6+0.114*1, gray[0], 1e-6)
	same := values()
	Augmentation{Jitter: 1}.colors(random, same)
	assert.InDeltaSlice(t, values(), same, 1e-6)
	changed := values()
	Augmentation{Jitter: 1, Brightness: 1, Contrast: 1, Saturation: 1}.colors(random, changed)
	assert.NotEqual(t, values(), changed)
	for _, value := range changed {
		assert.True(t, value >= 0 && value <= 1)
	}
	row := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
	mirror(row, 3)
	assert.Equal(t, []float32{3, 2, 1, 6, 5, 4, 9, 8, 7}, row)
}

func TestCut(t *testing.T) {
	picture := imageio.NewRGB(5, 4)
	picture.Set(3, 2, color.RGBA{9, 8, 7, 255})
	part := cut(picture, box{2, 1, 3, 2})
	assert.Equal(t, color.RGBA{9, 8, 7, 255}, part.At(1, 1))
	assert.Same(t, picture, cut(picture, box{0, 0, 5, 4}))
}
