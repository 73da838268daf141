// Package imageio reads pictures, resizes them, turns them into the values that a model takes, and
// writes them.
//
// It decodes PNG, JPEG, GIF, WebP, BMP, TIFF, PNM (PBM, PGM, PPM and PFM), TGA and ICO into 8-bit RGB,
// upright (by the EXIF orientation) and with transparent parts over a background: to the pixels that
// Pillow reads, in every mode that Pillow writes, or to an error that names what is not supported.
// [Resize] gives the pixels of Pillow, bit for bit, [CenterCrop], [FitSquare] and [ToCHW] those of
// torchvision: a model that was trained on their pixels sees the same. [Save] writes PNG, JPEG and WebP.
//
// # C libraries
//
// JPEG is decoded by libjpeg-turbo and TIFF by libtiff where the machine that the program was built on has
// their headers (Debian's libjpeg62-turbo-dev and libtiff-dev), through the small library libcpicture that
// make builds; [Decoders] tells. Without libjpeg-turbo, and without cgo, Go's decoder reads JPEG within 4
// levels of Pillow's pixels, and neither arithmetic coding nor unusual samplings. Without libtiff only rare
// kinds of TIFF are missing: Zstandard, LZMA, fax group 3 in two dimensions, and YCbCr outside JPEG. What
// is not read is refused with a line that says so.
//
// Gray of 16 bits is read by its high 8, where Pillow's convert("RGB") makes it nearly all white; gray of
// 32 bits and of floats has no scale of its own, and is cut off at 0 and 255 as by Pillow.
//
// The package uses no tensors; package torch/vision makes them of pictures.
package imageio

import "errors"

// The errors of this package wrap one of these, or an error of the os package;
// tell them apart with errors.Is.
var (
	// ErrUnknownFormat: the data is in none of the formats that are decoded.
	ErrUnknownFormat = errors.New("not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO)")
	// ErrCorrupt: the picture is damaged, cut short, or of a kind that the decoder of its format
	// does not know.
	ErrCorrupt = errors.New("the picture is damaged, cut short or of an unsupported kind")
	// ErrTooManyPixels: the picture, or the one to be made, has more pixels than the limit.
	ErrTooManyPixels = errors.New("too many pixels")
	// ErrSize: no picture has this width, height or number of values; empty pictures are among them.
	ErrSize = errors.New("impossible size")
	// ErrText: the text cannot be stored in a PNG file.
	ErrText = errors.New("unsuitable text")
	// ErrOutputPath: no picture can be written to the path.
	ErrOutputPath = errors.New("cannot write the picture")
)

// DefaultMaxPixels is the limit on width times height if Options.MaxPixels is 0. Pillow
// refuses pictures with more pixels too.
const DefaultMaxPixels = 178_956_970
