package imageio

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// format is an image format. size reads only the header; decode sets the image of d.
type format struct {
	name, title string
	magic       string // "?" means any byte
	size        func(data []byte) (image.Point, error)
	decode      func(data []byte, d *Stored) error
}

// longestStart is the number of bytes needed to recognize a format.
const longestStart = 18

var formats = []format{
	{"png", "PNG", pngMagic, sizeBy(png.DecodeConfig), decodePNG},
	{"jpeg", "JPEG", "\xff\xd8", jpegSize, decodeJPEG},
	{"gif", "GIF", "GIF8", sizeBy(gif.DecodeConfig), decodeBy(gif.Decode)},
	{"webp", "WebP", "RIFF????WEBP", sizeBy(webp.DecodeConfig), decodeBy(webp.Decode)},
	{"bmp", "BMP", "BM", bmpSize, decodeBMP},
	{"tiff", "TIFF", "II*\x00", tiffSize, decodeTIFF},
	{"tiff", "TIFF", "MM\x00*", tiffSize, decodeTIFF},
	{"tiff", "BigTIFF", "II+\x00", tiffSize, decodeTIFF},
	{"tiff", "BigTIFF", "MM\x00+", tiffSize, decodeTIFF},
	{"ico", "ICO", "\x00\x00\x01\x00", icoSize, decodeICO},
}

// Formats that are recognized by more than fixed bytes.
var (
	pnmFormat = format{name: "pnm", title: "PNM", size: pnmSize, decode: decodePNM}
	tgaFormat = format{name: "tga", title: "TGA", size: tgaSize, decode: decodeTGA}
)

// otherFormats are formats that are not supported, so that the error can name them.
var otherFormats = []struct{ title, magic string }{
	{"AVIF", "????ftypavi"}, {"HEIC", "????ftyphei"}, {"HEIC", "????ftypmif1"}, {"HEIC", "????ftyphev"},
	{"JPEG 2000", "\x00\x00\x00\x0cjP  "}, {"JPEG 2000", "\xff\x4f\xff\x51"},
	{"JPEG XL", "\xff\x0a"}, {"JPEG XL", "\x00\x00\x00\x0cJXL "}, {"Photoshop", "8BPS"}, {"PDF", "%PDF"},
	{"PostScript", "%!PS"}, {"DDS", "DDS "}, {"BLP", "BLP"}, {"QOI", "qoif"}, {"SGI", "\x01\xda"},
	{"PCX", "\x0a\x00\x01"}, {"PCX", "\x0a\x02\x01"}, {"PCX", "\x0a\x03\x01"}, {"PCX", "\x0a\x04\x01"}, {"PCX", "\x0a\x05\x01"},
	{"DIB, a BMP without its file header,", "\x28\x00\x00\x00????????\x01\x00"}, {"IFUNC IM", "Image type: "},
	{"Microsoft Paint", "DanM"}, {"Microsoft Paint", "LinS"}, {"Mac icon", "icns"}, {"Windows cursor", "\x00\x00\x02\x00"},
	{"OpenEXR", "\x76\x2f\x31\x01"}, {"Radiance", "#?RADIANCE"}, {"SVG", "<svg"}, {"XML (perhaps SVG)", "<?xml"}, {"XBM", "#define "},
	{"FITS", "SIMPLE  ="}, {"GIMP", "gimp xcf"}, {"Matroska or WebM video", "\x1a\x45\xdf\xa3"}, {"MP4 video", "????ftyp"},
}

// unknownFormat returns the error for data in no known format.
func unknownFormat(start []byte) error {
	for _, other := range otherFormats {
		if hasMagic(start, other.magic) {
			return fmt.Errorf("%w: %s is not read", ErrUnknownFormat, other.title)
		}
	}
	return ErrUnknownFormat
}

// hasMagic compares the first bytes; "?" in magic means any byte.
func hasMagic(start []byte, magic string) bool {
	if len(start) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != start[i] {
			return false
		}
	}
	return true
}

// formatOf recognizes the format by the first bytes, or returns nil. TGA has no magic bytes, so it
// comes last and is recognized by a consistent header.
func formatOf(start []byte) *format {
	for i := range formats {
		if hasMagic(start, formats[i].magic) {
			return &formats[i]
		}
	}
	switch {
	case isPNM(start):
		return &pnmFormat
	case isTGA(start):
		return &tgaFormat
	}
	return nil
}

func sizeBy(decodeConfig func(io.Reader) (image.Config, error)) func([]byte) (image.Point, error) {
	return func(data []byte) (image.Point, error) {
		config, err := decodeConfig(bytes.NewReader(data))
		return image.Pt(config.Width, config.Height), err
	}
}

func decodeBy(decode func(io.Reader) (image.Image, error)) func([]byte, *Stored) error {
	return func(data []byte, d *Stored) (err error) {
		d.image, err = decode(bytes.NewReader(data))
		return err
	}
}
