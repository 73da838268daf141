package imageio

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// benchmarkJPEG is the file that scripts/benchmark/benchmark_pictures.py names, or a picture of 12
// megapixels.
func benchmarkJPEG(b *testing.B) []byte {
	b.Helper()
	path := os.Getenv("CLIPVQGAN_BENCHMARK_JPEG")
	if path == "" {
		p, err := Load("testdata/photo_444.jpg", Options{})
		require.NoError(b, err)
		p, err = Resize(p, 4000, 3000, Bicubic)
		require.NoError(b, err)
		for i := range p.Pix {
			p.Pix[i] ^= uint8(i*2654435761>>13) & 7 // grain
		}
		path = filepath.Join(b.TempDir(), "picture.jpg")
		require.NoError(b, SaveJPEG(path, p, 90))
	}
	data, err := os.ReadFile(path)
	require.NoError(b, err)
	return data
}

// Run with -cpu 1: the conversion of Go's YCbCr to RGB takes as many processors as there are.
func BenchmarkDecodeJPEG(b *testing.B) {
	data := benchmarkJPEG(b)
	b.Run("decoder=go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			img, err := jpeg.Decode(bytes.NewReader(data))
			require.NoError(b, err)
			fromImage(img, nil)
		}
	})
	if cpicture.JPEGLibrary() == "" {
		return
	}
	for name, atLeast := range map[string]image.Point{"whole": {}, "half": {1300, 0}, "quarter": {700, 0}, "eighth": {400, 0}} {
		b.Run("decoder=libjpeg-turbo/size="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := Decode(bytes.NewReader(data), Options{AtLeast: atLeast})
				require.NoError(b, err)
			}
		})
	}
}
