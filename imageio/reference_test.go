package imageio

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// reference is what scripts/reference/reference_pixels.py wrote.
type reference struct {
	Decode []struct {
		File          string
		Width, Height int
		Tolerance     int
		Pixels        packedPixels
	}
	Resize []struct {
		File, Filter  string
		Width, Height int
		Pixels        packedPixels
	}
	Preprocess []struct {
		File      string
		Size      int
		Tolerance int
		Pixels    packedPixels
	}
	Geometry []struct {
		Width, Height, Size int
		NewWidth            int `json:"new_width"`
		NewHeight           int `json:"new_height"`
	}
	Crop []struct {
		Width, Height, Size int
		Columns, Rows       []int
	}
}

// packedPixels are bytes, compressed, in base64.
type packedPixels []byte

func (p *packedPixels) UnmarshalJSON(text []byte) error {
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return err
	}
	compressed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	r, err := zlib.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return err
	}
	*p, err = io.ReadAll(r)
	return err
}

var loadReference = sync.OnceValues(func() (r reference, err error) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
})

func readReference(t *testing.T) reference {
	t.Helper()
	r, err := loadReference()
	require.NoError(t, err)
	return r
}

// assertPixels compares pixels, and tells by how much they differ and where.
func assertPixels(t *testing.T, want []byte, got *RGB, tolerance int) {
	t.Helper()
	require.Len(t, got.Pix, len(want))
	worst, at, count := 0, 0, 0
	for i := range want {
		d := max(int(want[i])-int(got.Pix[i]), int(got.Pix[i])-int(want[i]))
		if d > 0 {
			count++
		}
		if d > worst {
			worst, at = d, i
		}
	}
	assert.LessOrEqual(t, worst, tolerance, "%d of %d samples differ, most at x=%d y=%d: want %d, got %d",
		count, len(want), at/3%got.Width, at/3/got.Width, want[at], got.Pix[at])
}

func TestDecodeEqualsReference(t *testing.T) {
	for _, want := range readReference(t).Decode {
		t.Run(want.File, func(t *testing.T) {
			got, err := Load(filepath.Join("testdata", want.File), Options{})
			require.NoError(t, err)
			require.Equal(t, [2]int{want.Width, want.Height}, [2]int{got.Width, got.Height})
			assertPixels(t, want.Pixels, got, toleranceFor(want.File, want.Tolerance))
		})
	}
}

// toleranceFor is the tolerance for a file: the one for JPEG is that of Go's decoder.
func toleranceFor(file string, tolerance int) int {
	if strings.HasSuffix(file, ".jpg") && cpicture.JPEGLibrary() != "" {
		return 0
	}
	return tolerance
}

func TestResizeEqualsPillow(t *testing.T) {
	for _, want := range readReference(t).Resize {
		t.Run(fmt.Sprintf("%s_%s_%dx%d", want.File, want.Filter, want.Width, want.Height), func(t *testing.T) {
			picture, err := Load(filepath.Join("testdata", want.File), Options{})
			require.NoError(t, err)
			filter, err := ParseFilter(want.Filter)
			require.NoError(t, err)
			got, err := Resize(picture, want.Width, want.Height, filter)
			require.NoError(t, err)
			assertPixels(t, want.Pixels, got, 0)
		})
	}
}

// TestStoredFitSquareEqualsOpenAI compares with what openai/CLIP's transform makes of a file before
// it normalizes.
func TestStoredFitSquareEqualsOpenAI(t *testing.T) {
	for _, want := range readReference(t).Preprocess {
		t.Run(fmt.Sprintf("%s_%d", want.File, want.Size), func(t *testing.T) {
			stored, err := LoadStored(filepath.Join("testdata", want.File), Options{})
			require.NoError(t, err)
			got, err := stored.FitSquare(want.Size, Bicubic)
			require.NoError(t, err)
			assertPixels(t, want.Pixels, got, toleranceFor(want.File, want.Tolerance))
		})
	}
}

func TestShorterSideEqualsTorchvision(t *testing.T) {
	for _, want := range readReference(t).Geometry {
		width, height := ShorterSide(want.Width, want.Height, want.Size)
		assert.Equal(t, [2]int{want.NewWidth, want.NewHeight}, [2]int{width, height}, "%+v", want)
	}
}

func TestCenterCropEqualsTorchvision(t *testing.T) {
	for _, want := range readReference(t).Crop {
		picture := NewRGB(want.Width, want.Height)
		for i := range want.Width * want.Height {
			// Positions count from 1; black is the border.
			x, y := i%want.Width+1, i/want.Width+1
			picture.Pix[3*i], picture.Pix[3*i+1], picture.Pix[3*i+2] = uint8(x), uint8(y), uint8(x>>8|y>>8<<4)
		}
		got, err := CenterCrop(picture, want.Size, want.Size)
		require.NoError(t, err)
		for y, row := range want.Rows {
			for x, column := range want.Columns {
				if row == 0 || column == 0 {
					assert.Equal(t, []uint8{0, 0, 0}, got.Pix[3*(y*want.Size+x):][:3])
					continue
				}
				assert.Equal(t, []uint8{uint8(column), uint8(row), uint8(column>>8 | row>>8<<4)}, got.Pix[3*(y*want.Size+x):][:3])
			}
		}
	}
}
