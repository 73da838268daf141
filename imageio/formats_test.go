package imageio

import (
	"compress/gzip"
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// formatReference is what scripts/reference/reference_formats.py wrote of a file. Pixels are numbers in
// a list.
type formatReference struct {
	File          string
	Width, Height int
	Pixels        *int // none where Pillow cannot read the file
	Square        *int // what openai/CLIP's transform makes of it
	Draft         []struct {
		AtLeast       [2]int `json:"at_least"`
		Width, Height int
		Pixels        int
	}
}

var loadFormats = sync.OnceValues(func() (references struct {
	Files  []formatReference
	Pixels [][]byte
}, err error) {
	file, err := os.Open("testdata/formats/formats.json.gz")
	if err != nil {
		return references, err
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		return references, err
	}
	return references, json.NewDecoder(text).Decode(&references)
})

// readWithoutPillow are files that Pillow refuses, with what is in them all the same.
var readWithoutPillow = map[string]string{
	"raw_YCbCr.tif":  "Pillow does not read the YCbCr that it writes without compression",
	"palette_32.tga": "Pillow has no palette with alpha for TGA",
}

// refused are files that Pillow reads and this package does not, with what the error says of them.
var refused = map[string]string{
	"lab.tif":            "CIELAB",
	"gray16_white.tif":   "gray with white as 0", // Pillow exchanges black and white
	"other_avif.bin":     "AVIF",
	"other_blp.bin":      "BLP",
	"other_dds.bin":      "DDS",
	"other_jpeg2000.bin": "JPEG 2000",
	"other_msp.bin":      "Microsoft Paint",
	"other_pcx.bin":      "PCX",
	"other_qoi.bin":      "QOI",
	"other_sgi.bin":      "SGI",
	"other_spider.bin":   "not a picture in a known format",
	"other_xbm.bin":      "XBM",
}

// Every format and mode that Pillow writes, and kinds that cameras, scanners and other programs write:
// the pixels are Pillow's, or the file is refused with a line that names what is not supported.
func TestFormatsEqualPillow(t *testing.T) {
	references, err := loadFormats()
	require.NoError(t, err)
	require.Greater(t, len(references.Files), 300)
	for _, want := range references.Files {
		t.Run(want.File, func(t *testing.T) {
			path := filepath.Join("testdata", "formats", want.File)
			got, err := Load(path, Options{})
			stored, storedErr := LoadStored(path, Options{})
			require.Equal(t, err == nil, storedErr == nil, "%v, %v", err, storedErr)
			feature := refused[want.File]
			if strings.HasSuffix(want.File, "_LAB.tif") {
				feature = "CIELAB"
			}
			switch {
			case err != nil:
				assert.NotContains(t, err.Error(), "\n")
				if needsLibrary(err) {
					assert.Regexp(t, forLibrariesOnly, want.File)
				} else if want.Pixels != nil {
					require.NotEmpty(t, feature, "Pillow reads it: %v", err)
					assert.ErrorContains(t, err, feature)
				} else {
					assert.Regexp(t, "is not supported|is not read|needs libtiff|libjpeg-turbo reads it|known format", err.Error())
				}
			case want.Pixels == nil:
				assert.NotEmpty(t, readWithoutPillow[want.File], "Pillow does not read it")
			default:
				require.Empty(t, feature)
				require.Equal(t, [2]int{want.Width, want.Height}, [2]int{got.Width, got.Height})
				tolerance := 0
				if cpicture.JPEGLibrary() == "" && (strings.HasSuffix(want.File, ".jpg") || strings.Contains(want.File, "jpeg")) {
					tolerance = 4 // Go's decoder
				}
				assertPixels(t, references.Pixels[*want.Pixels], got, tolerance)
				square, err := stored.FitSquare(10, Bicubic)
				require.NoError(t, err)
				require.NoError(t, square.check())
				if want.Square != nil {
					assertPixels(t, references.Pixels[*want.Square], square, tolerance)
				}
			}
		})
	}
}

// needsLibrary says whether a file is refused only for want of a C library.
func needsLibrary(err error) bool {
	return strings.Contains(err.Error(), "needs libtiff") && cpicture.TIFFLibrary() == "" ||
		strings.Contains(err.Error(), "libjpeg-turbo reads it") && cpicture.JPEGLibrary() == ""
}

// forLibrariesOnly are the files that Go's decoders do not read.
var forLibrariesOnly = regexp.MustCompile(`zstd_|lzma_|(raw|lzw|packbits|deflate)_YCbCr|ccitt_1|ycbcr_|found/(arith|samp_)|cmyk_no_adobe`)

func TestDraftEqualsPillow(t *testing.T) {
	if cpicture.JPEGLibrary() == "" {
		t.Skip("Go's decoder reads JPEG whole")
	}
	references, err := loadFormats()
	require.NoError(t, err)
	count := 0
	for _, want := range references.Files {
		for _, draft := range want.Draft {
			got, err := Load(filepath.Join("testdata", "formats", want.File), Options{AtLeast: image.Pt(draft.AtLeast[0], draft.AtLeast[1])})
			require.NoError(t, err)
			require.Equal(t, [2]int{draft.Width, draft.Height}, [2]int{got.Width, got.Height}, "%s at least %v", want.File, draft.AtLeast)
			assertPixels(t, references.Pixels[draft.Pixels], got, 0)
			count++
		}
	}
	assert.Greater(t, count, 30)
}
