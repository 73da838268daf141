package imageio

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// Decoders returns what decodes JPEG and TIFF in this program, such as "JPEG by libjpeg-turbo
// 2.1.5, TIFF by libtiff 4.5.0". Decoders in Go are used for a library that was not found when the
// program was built: they read fewer kinds of files, and JPEG within a few levels of Pillow's pixels.
func Decoders() string {
	jpegBy, tiffBy := cpicture.JPEGLibrary(), cpicture.TIFFLibrary()
	if jpegBy == "" {
		jpegBy = "Go's image/jpeg"
	}
	if tiffBy == "" {
		tiffBy = "Go's decoders"
	}
	return fmt.Sprintf("JPEG by %s, TIFF by %s", jpegBy, tiffBy)
}

func jpegSize(data []byte) (image.Point, error) {
	if cpicture.JPEGLibrary() == "" {
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		return image.Pt(config.Width, config.Height), unsupportedJPEG(err)
	}
	header, err := cpicture.ReadJPEGHeader(data)
	return image.Pt(header.Width, header.Height), err
}

func decodeJPEG(data []byte, d *Stored) (err error) {
	if cpicture.JPEGLibrary() == "" {
		d.image, err = jpeg.Decode(bytes.NewReader(data))
		return unsupportedJPEG(err)
	}
	header, err := cpicture.ReadJPEGHeader(data)
	if err != nil {
		return err
	}
	scale := reduction(image.Pt(header.Width, header.Height), d.atLeast)
	width, height := (header.Width+scale-1)/scale, (header.Height+scale-1)/scale
	pixels := make([]uint8, width*height*header.Channels)
	if err := cpicture.DecodeJPEG(data, header, scale, pixels); err != nil {
		return err
	}
	switch bounds := image.Rect(0, 0, width, height); header.Channels {
	case 1:
		d.image = &image.Gray{Pix: pixels, Stride: width, Rect: bounds}
	case 3:
		d.image = &RGB{Pix: pixels, Width: width, Height: height}
	default:
		// As in files of Adobe's programs, with or without their marker, 255 means no ink.
		for i, level := range pixels {
			pixels[i] = 255 - level
		}
		d.image = &image.CMYK{Pix: pixels, Stride: 4 * width, Rect: bounds}
	}
	return nil
}

// reduction returns the factor by which a JPEG may be reduced, 1, 2, 4 or 8, by the rule of
// Pillow's draft.
func reduction(size, atLeast image.Point) int {
	if atLeast.X <= 0 && atLeast.Y <= 0 {
		return 1
	}
	for _, scale := range []int{8, 4, 2} {
		if size.X/scale >= atLeast.X && size.Y/scale >= atLeast.Y {
			return scale
		}
	}
	return 1
}

// unsupportedJPEG adds to an error of Go's decoder how the image can be read.
func unsupportedJPEG(err error) error {
	if unsupported := jpeg.UnsupportedError(""); errors.As(err, &unsupported) {
		return fmt.Errorf("%w (libjpeg-turbo reads it: install its headers and run make again)", err)
	}
	return err
}
