// Package imageio reads pictures, resizes them and turns them into the numbers
// that a model wants, and back.
//
// It decodes PNG, JPEG, GIF, WebP, BMP and TIFF into packed 8-bit RGB: upright as
// the camera held them (EXIF orientation), transparent parts over a background.
// Its resampling is that of Pillow, bit for bit, and its crops those of torchvision,
// because a model sees what it was trained on only if the pixels are
// the same.
package imageio

import "errors"

// The errors of this package wrap one of these, or an error of the os package;
// tell them apart with errors.Is.
var (
	// ErrUnknownFormat: the data is no picture in a format that is known.
	ErrUnknownFormat = errors.New("not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF)")
	// ErrCorrupt: the picture is damaged, cut short, or of a kind that the
	// decoder of its format does not have.
	ErrCorrupt = errors.New("the picture is damaged, cut short or of an unsupported kind")
	// ErrTooManyPixels: the picture, or the one that was asked for, has more
	// pixels than the limit.
	ErrTooManyPixels = errors.New("too many pixels")
	// ErrSize: a width, height or number of values that makes no picture.
	ErrSize = errors.New("impossible size")
	// ErrText: a text that cannot be stored in a PNG file.
	ErrText = errors.New("unsuitable text")
	// ErrOutputPath: a picture cannot be written to the path.
	ErrOutputPath = errors.New("cannot write the picture")
)

// DefaultMaxPixels is the limit on width times height where none is stated:
// the number from which Pillow refuses to decode.
const DefaultMaxPixels = 178_956_970
