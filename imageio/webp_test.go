package imageio

import (
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWebPIsLossless(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 1}, {16, 16}, {67, 41}, {256, 255}, {3, 1000}} {
		for _, kind := range []string{"noise", "gradient", "flat", "few"} {
			p := NewRGB(size.X, size.Y)
			for i := range p.Pix {
				switch kind {
				case "noise":
					p.Pix[i] = uint8(random.Uint32())
				case "gradient":
					p.Pix[i] = uint8(i*255/len(p.Pix)) ^ uint8(random.Uint32N(2))
				case "flat":
					p.Pix[i] = 77
				case "few":
					p.Pix[i] = []uint8{0, 128, 255}[random.Uint32N(3)]
				}
			}
			path := filepath.Join(t.TempDir(), "picture.webp")
			require.NoError(t, Save(path, p))
			back, err := Load(path, Options{})
			require.NoError(t, err)
			require.Equal(t, p, back, "%v %s", size, kind)
		}
	}
}

func TestWebPKeepsAlpha(t *testing.T) {
	p := noise(40, 30)
	img := image.NewNRGBA(image.Rect(5, 5, 45, 35))
	for y := range 30 {
		for x := range 40 {
			c := p.At(x, y).(color.RGBA)
			img.SetNRGBA(x+5, y+5, color.NRGBA{c.R, c.G, c.B, uint8(6 * x)})
		}
	}
	path := filepath.Join(t.TempDir(), "picture.webp")
	require.NoError(t, Save(path, img))
	stored, err := LoadStored(path, Options{})
	require.NoError(t, err)
	assert.Equal(t, img.Pix, toNRGBA(stored.image).Pix)
}

func TestLossyWebPIsNearAndSmall(t *testing.T) {
	p, err := Load("testdata/photo_444.jpg", Options{})
	require.NoError(t, err)
	folder := t.TempDir()
	size := func(quality int) int64 {
		path := filepath.Join(folder, "picture")
		require.NoError(t, SaveWebP(path, p, quality))
		back, err := Load(path, Options{})
		require.NoError(t, err)
		assertPixels(t, p.Pix, back, 60)
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Size()
	}
	assert.Less(t, size(50), size(90))
	assert.Less(t, size(90), size(100))
}

func TestWebPErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "picture.webp")
	err := Save(path, image.NewGray(image.Rect(0, 0, 1<<14, 1)))
	require.ErrorIs(t, err, ErrSize)
	require.ErrorIs(t, err, ErrOutputPath)
	assert.ErrorContains(t, err, "WebP has at most 16383 pixels a side, and the picture 16384x1")
	assert.ErrorIs(t, Save(path, NewRGB(0, 0)), ErrSize)
	assert.NoFileExists(t, path)
}
