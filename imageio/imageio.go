// Package imageio reads and writes images, resizes them, and converts them to the values that
// models take.
//
// It decodes PNG, JPEG, GIF, WebP, BMP, TIFF, PNM (PBM, PGM, PPM and PFM), TGA and ICO to 8-bit
// RGB, turned upright according to the EXIF orientation and with transparent parts composited over
// a background. In every mode that Pillow writes, the pixels are those that Pillow reads, or the
// error says what is not supported. [Resize] gives the same pixels as Pillow, bit for bit, and
// [CenterCrop], [FitSquare] and [ToCHW] those of torchvision, so that a model sees what it was
// trained on. [Save] writes PNG, JPEG and WebP.
//
// # C libraries
//
// JPEG is decoded by libjpeg-turbo and TIFF by libtiff if their headers were present when the
// program was built (Debian's libjpeg62-turbo-dev and libtiff-dev), through a small library,
// libcpicture, that make builds. [Decoders] says which are in use. Without libjpeg-turbo, or without
// cgo, Go's decoder reads JPEG within 4 levels of Pillow's pixels, and neither arithmetic coding nor
// unusual samplings. Without libtiff only rare kinds of TIFF are missing: Zstandard, LZMA, fax run
// lengths and group 3 in two dimensions, and YCbCr outside JPEG. Other kinds are refused with an error
// that says so.
//
// Of 16-bit gray the high 8 bits are used, where Pillow's convert("RGB") makes it nearly all white.
// Gray of 32 bits and of floats has no defined scale, and is clamped to 0 and 255 as in Pillow.
//
// The package does not use tensors; package torch/vision converts images to tensors.
package imageio

import "errors"

// Errors of this package wrap one of these, or an error of package os; compare with errors.Is.
var (
	// ErrUnknownFormat: the data is in none of the supported formats.
	ErrUnknownFormat = errors.New("not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO)")
	// ErrCorrupt: the image is damaged, truncated, or of a kind that its decoder does not support.
	ErrCorrupt = errors.New("the picture is damaged, cut short or of an unsupported kind")
	// ErrTooManyPixels: the image, or the one to be made, has more pixels than allowed.
	ErrTooManyPixels = errors.New("too many pixels")
	// ErrTooManyBytes: the file or the stream is larger than allowed.
	ErrTooManyBytes = errors.New("too many bytes")
	// ErrSize: no image has this width, height or number of values; also an empty image.
	ErrSize = errors.New("impossible size")
	// ErrText: the text cannot be stored in a PNG file.
	ErrText = errors.New("unsuitable text")
	// ErrArgument: an unknown filter, a negative limit, no reader, or a [Stored] that was not loaded.
	ErrArgument = errors.New("unusable argument")
	// ErrOutputPath: no image can be written to the path.
	ErrOutputPath = errors.New("cannot write the picture")
)

// DefaultMaxPixels is the largest width times height if Options.MaxPixels is 0. It is Pillow's
// limit too.
const DefaultMaxPixels = 178_956_970

// The most bytes that are read if Options.MaxBytes is 0: of a file, or of another source of a known
// length, and of one whose length is not known, such as a pipe, which may have no end.
const (
	DefaultMaxBytes       = 2 << 30
	DefaultMaxStreamBytes = 256 << 20
)
