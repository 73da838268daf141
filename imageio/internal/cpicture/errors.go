// Package cpicture decodes JPEG with libjpeg-turbo and TIFF with libtiff, through libcpicture
// (csrc/picture). It works on bytes, without image types. Built without cgo it has neither library.
package cpicture

import "errors"

var (
	// ErrMissing: libcpicture was built without the required library.
	ErrMissing = errors.New("the library is missing")
	// ErrTruncated: the data ends too early.
	ErrTruncated = errors.New("the data ends too early")
)

// A JPEGHeader describes the decoded image of a JPEG stream.
type JPEGHeader struct {
	Width, Height int
	// Channels is 1 for gray, 3 for RGB and 4 for CMYK as stored.
	Channels int
}

// A TIFFHeader describes the first decoded image of a TIFF stream. Photometric, SampleFormat,
// Planar and Compression are the numbers of TIFF's tags; YCbCr is described as the RGB that it is
// decoded to.
type TIFFHeader struct {
	Width, Height int
	// The samples of a pixel, including extra ones, and the bits of each.
	Samples, Bits                                  int
	Photometric, SampleFormat, Planar, Compression int
	// ExtraKinds is the kind of each extra sample: 0 unknown, 1 premultiplied alpha, 2 alpha.
	ExtraKinds []int
	// DecodedBytes is the number of bytes that decoding writes.
	DecodedBytes int64
	// Palette is the red, green and blue of each index, the high 8 bits of TIFF's 16, for images
	// with a palette.
	Palette [][3]uint8
}
