package imageio

import (
	"fmt"
	"image"
	"io"

	"github.com/gen2brain/webp"
)

// longestWebPSide is the largest width and height of a WebP image.
const longestWebPSide = 1<<14 - 1

// losslessWebP is the quality that means lossless.
const losslessWebP = 100

// SaveWebP is [Save] for WebP, whatever the extension. The quality is from 1 to 100, where 100 is
// lossless. Alpha is kept.
func SaveWebP(path string, img image.Image, quality int) error {
	if err := checkQuality(quality); err != nil {
		return err
	}
	return save(path, func(w io.Writer) error { return encodeWebP(w, img, quality) })
}

func encodeWebP(w io.Writer, img image.Image, quality int) error {
	if err := checkPicture(img); err != nil {
		return err
	}
	if size := img.Bounds().Size(); size.X > longestWebPSide || size.Y > longestWebPSide {
		return fmt.Errorf("%w: WebP has at most %d pixels a side, and the picture %dx%d", ErrSize, longestWebPSide, size.X, size.Y)
	}
	options := webp.Options{Quality: max(1, min(quality, losslessWebP)), Method: webp.DefaultMethod}
	// Without Exact the colors of transparent pixels are lost.
	options.Lossless = options.Quality == losslessWebP
	options.Exact = options.Lossless
	return guard(func() error { return webp.Encode(w, toNRGBA(img), options) })
}
