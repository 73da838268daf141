package imageio

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// Headers that claim 60,000 by 60,000 pixels, or as many as the format can say, in files of some hundred
// bytes: nothing is allocated for them.
func TestHugeHeaders(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		return data
	}
	little, big := binary.LittleEndian, binary.BigEndian
	jpeg := read("photo_420.jpg")
	frame := bytes.Index(jpeg, []byte{0xff, 0xc0})
	big.PutUint16(jpeg[frame+5:], 60000)
	big.PutUint16(jpeg[frame+7:], 60000)

	bmp := read("rgb.bmp")
	little.PutUint32(bmp[18:], 60000)
	little.PutUint32(bmp[22:], 60000)
	runs := read("formats/rle8.bmp")
	little.PutUint32(runs[18:], 60000)
	little.PutUint32(runs[22:], 60000)

	tga := read("formats/runs_RGB.tga")
	little.PutUint16(tga[12:], 60000)
	little.PutUint16(tga[14:], 60000)

	icon := read("formats/mask32_32.ico")
	little.PutUint32(icon[22+4:], 60000)
	little.PutUint32(icon[22+8:], 120000)

	tiff := read("formats/rgb_little.tif")
	for at := int(little.Uint32(tiff[4:])) + 2; at+12 <= len(tiff); at += 12 {
		if tag := little.Uint16(tiff[at:]); tag == 256 || tag == 257 {
			little.PutUint32(tiff[at+8:], 60000)
		}
	}

	for name, data := range map[string][]byte{
		"jpeg": jpeg, "bmp": bmp, "rle.bmp": runs, "tga": tga, "ico": icon, "tiff": tiff,
		"ppm": []byte("P6 60000 60000 255\n"), "pbm": []byte("P1\n60000 60000\n0 1"), "pfm": []byte("Pf 60000 60000 -1\n"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(bytes.NewReader(data), Options{})
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, ErrTooManyPixels, name)
		assert.ErrorContains(t, err, "60000x60000", name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

// Many scans of few bytes each cost the time of a whole picture each.
func TestJPEGOfThousandsOfScansIsRefused(t *testing.T) {
	if cpicture.JPEGLibrary() == "" {
		t.Skip("Go's decoder has no bound")
	}
	data, err := os.ReadFile("testdata/formats/progressive_444.jpg")
	require.NoError(t, err)
	first := bytes.Index(data, []byte{0xff, 0xda})
	next := first + 2 + bytes.Index(data[first+2:], []byte{0xff, 0xc4}) // the tables of the second scan
	bomb := bytes.Join([][]byte{data[:first], bytes.Repeat(data[first:next], 2000), data[next:]}, nil)
	_, err = Decode(bytes.NewReader(bomb), Options{})
	require.ErrorIs(t, err, ErrCorrupt)
	assert.ErrorContains(t, err, "the JPEG data has more than 1000 scans")
}

// A file that is cut off after any of its bytes is refused, or every pixel was there. Sizes are bounded, so
// that a header with a changed meaning asks for little.
func TestCutFilesAreRefusedOrWhole(t *testing.T) {
	names := []string{
		"rgb.png", "animation.gif", "lossless.webp", "formats/mode_RGB.bmp", "formats/rle8.bmp", "formats/rle4.bmp", "formats/rgb565.bmp",
		"formats/fields32_4.bmp", "formats/os2.bmp", "formats/mode_RGBA.tga", "formats/runs_P.tga", "formats/plain.pbm",
		"formats/plain_255.ppm", "formats/raw_255.ppm", "formats/raw_1000.pgm", "formats/float_big.pfm", "formats/png_RGB.ico",
		"formats/bitmap_RGBA.ico", "formats/mask4_4.ico", "formats/sharp_420.jpg", "formats/progressive_444.jpg", "formats/ycck_adobe.jpg",
		"formats/found/arith.jpg", "formats/raw_RGB.tif", "formats/lzw_RGBA.tif", "formats/group4_1.tif", "formats/jpeg_RGB.tif",
		"formats/planar_deflate.tif", "formats/tiles_rgb.tif", "formats/predictor_RGB.tif",
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		whole, err := Decode(bytes.NewReader(data), Options{})
		if err != nil && needsLibrary(err) {
			continue
		}
		require.NoError(t, err, name)
		step := 1 + len(data)/400
		for cut := 0; cut < len(data); cut += step {
			part, err := Decode(bytes.NewReader(data[:cut]), Options{MaxPixels: 1 << 16})
			if err != nil {
				require.NotContains(t, err.Error(), "\n")
				continue
			}
			if strings.HasSuffix(name, ".pbm") || strings.HasSuffix(name, "plain_255.ppm") {
				continue // the last number may have lost a digit
			}
			if strings.HasSuffix(name, ".jpg") && cpicture.JPEGLibrary() == "" {
				continue // Go's decoder reads a picture without its last scan
			}
			require.Equal(t, whole, part, "%s cut at %d of %d", name, cut, len(data))
		}
	}
}

// What the pixels are is told, not guessed: these kinds have no right reading.
func TestOtherFormatsAreNamed(t *testing.T) {
	for start, says := range map[string]string{
		"\x00\x00\x00\x20ftypheic\x00\x00\x00\x00": "HEIC is not read",
		"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a":     "JPEG XL is not read",
		"8BPS\x00\x01\x00\x00\x00\x00\x00\x00":     "Photoshop is not read",
		"%PDF-1.4\nsome more text":                 "PDF is not read",
		"P7\nWIDTH 3\nHEIGHT 2\nDEPTH 3\n":         "PAM (P7) is not supported",
		"PF\n3 2\n1.0\n":                           "PFM in color (PF) is not supported",
	} {
		_, err := Decode(strings.NewReader(start), Options{})
		require.ErrorContains(t, err, says)
	}
}
