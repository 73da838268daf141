package clip_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/imageio"
)

// sample is a picture of imageio's test data.
func sample(name string) string { return filepath.Join("..", "imageio", "testdata", name) }

func exactPreprocessor(size int) *clip.Preprocessor {
	p := clip.NewPreprocessor(size)
	p.ReferenceExact = true
	return p
}

// TestPreprocessEqualsOpenAI compares the normalized values. Package imageio compares the pixels,
// also of the formats whose decoders differ by a few levels.
func TestPreprocessEqualsOpenAI(t *testing.T) {
	text, err := os.ReadFile(sample("reference.json"))
	require.NoError(t, err)
	var reference struct {
		Preprocess []struct {
			File            string
			Size, Tolerance int
			SHA256          string
		}
	}
	require.NoError(t, json.Unmarshal(text, &reference))
	require.NotEmpty(t, reference.Preprocess)
	for _, want := range reference.Preprocess {
		t.Run(fmt.Sprintf("%s_%d", want.File, want.Size), func(t *testing.T) {
			values, err := exactPreprocessor(want.Size).Load(sample(want.File))
			require.NoError(t, err)
			require.Len(t, values, 3*want.Size*want.Size)
			if want.Tolerance == 0 {
				encoded, err := binary.Append(nil, binary.LittleEndian, values)
				require.NoError(t, err)
				sum := sha256.Sum256(encoded)
				assert.Equal(t, want.SHA256, hex.EncodeToString(sum[:]))
			}
		})
	}
}

// In memory or from a file, the reference's rules give the same.
func TestReferenceExactFromMemory(t *testing.T) {
	for _, name := range []string{"rgb.png", "rgba.png", "palette_transparent.png", "gray.png"} {
		data, err := os.ReadFile(sample(name))
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		p := exactPreprocessor(20)
		want, err := p.Load(sample(name))
		require.NoError(t, err)
		got, err := p.Image(img)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
		read, err := p.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		assert.Equal(t, want, read, name)
	}
}

func TestSidewaysPhotoIsTurnedFirst(t *testing.T) {
	p := clip.NewPreprocessor(16)
	sideways, err := p.Load(sample("orientation_6.jpg"))
	require.NoError(t, err)
	picture, err := imageio.Load(sample("orientation_6.jpg"), imageio.Options{})
	require.NoError(t, err)
	fromMemory, err := p.Image(picture)
	require.NoError(t, err)
	assert.Equal(t, fromMemory, sideways)
	asStored, err := exactPreprocessor(16).Load(sample("orientation_6.jpg"))
	require.NoError(t, err)
	assert.NotEqual(t, asStored, sideways)
}

func TestPreprocessorErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.png")
	for _, p := range []*clip.Preprocessor{clip.NewPreprocessor(8), exactPreprocessor(8)} {
		_, err := p.Load(missing)
		assert.EqualError(t, err, "imageio: open "+missing+": no such file or directory")
		assert.ErrorIs(t, err, os.ErrNotExist)
		_, err = p.Load(sample("README.md"))
		assert.ErrorIs(t, err, imageio.ErrUnknownFormat)
		_, err = p.Image(nil)
		assert.ErrorIs(t, err, imageio.ErrSize)
		_, err = p.Image(image.NewGray(image.Rect(0, 0, 0, 5)))
		assert.ErrorIs(t, err, imageio.ErrSize)
		_, err = p.Image(&imageio.RGB{Width: 2, Height: 2})
		assert.ErrorIs(t, err, imageio.ErrSize)
	}
	_, err := clip.NewPreprocessor(0).Load(sample("rgb.png"))
	assert.ErrorIs(t, err, imageio.ErrSize)
}

func BenchmarkPreprocess1080p(b *testing.B) {
	picture := imageio.NewRGB(1920, 1080)
	preprocessor := clip.NewPreprocessor(224)
	for b.Loop() {
		if _, err := preprocessor.Image(picture); err != nil {
			b.Fatal(err)
		}
	}
}
