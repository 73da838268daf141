// Package cpicture decodes JPEG by libjpeg-turbo and TIFF by libtiff, through libcpicture
// (csrc/picture). It works on bytes and knows no picture types. Built without cgo it has neither
// library.
package cpicture

import "errors"

var (
	// ErrMissing: libcpicture was built without the library that is needed.
	ErrMissing = errors.New("the library is missing")
	// ErrTruncated: the data ends too early.
	ErrTruncated = errors.New("the data ends too early")
)

// A JPEGHeader tells what a JPEG stream decodes to.
type JPEGHeader struct {
	Width, Height int
	// Channels is 1 for gray, 3 for RGB and 4 for CMYK as it is stored.
	Channels int
}

// A TIFFHeader tells what the first picture of a TIFF stream decodes to. Photometric, SampleFormat,
// Planar and Compression are the numbers of TIFF's tags; YCbCr is told as the RGB that it decodes to.
type TIFFHeader struct {
	Width, Height int
	// Samples of a pixel, extra ones included, and the bits of each.
	Samples, Bits                                  int
	Photometric, SampleFormat, Planar, Compression int
	// ExtraKinds is what each of the last samples is: 0 nothing known, 1 premultiplied alpha, 2 alpha.
	ExtraKinds []int
	// DecodedBytes is the length of what decoding writes.
	DecodedBytes int64
	// Palette is the red, green and blue of each index, the high 8 bits of TIFF's 16; only for pictures
	// with a palette.
	Palette [][3]uint8
}
