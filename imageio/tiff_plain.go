package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"

	"golang.org/x/image/tiff"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// TIFF without libtiff: x/image/tiff, for the kinds that it is known to read right. It reads others
// wrong without a word, such as those of fax machines with black and white exchanged.

// needsLibtiff says that a kind of TIFF is read only with the library.
func needsLibtiff(format string, args ...any) error {
	return fmt.Errorf("TIFF "+format+" needs libtiff: install its headers and run make again", args...)
}

func plainTIFFSize(data []byte) (image.Point, error) {
	t, err := readTIFFTags(data)
	if err != nil {
		return image.Point{}, err
	}
	return image.Pt(t.first(256, 0), t.first(257, 0)), nil
}

func decodePlainTIFF(data []byte, d *Stored) error {
	tags, err := readTIFFTags(data)
	if err != nil {
		return err
	}
	t, err := tags.picture()
	if err != nil {
		return err
	}
	img, err := tiff.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if img.Bounds() != image.Rect(0, 0, t.Width, t.Height) {
		return errors.New("the TIFF data has another size than its header says")
	}
	if p, ok := img.(*image.RGBA); ok {
		// The standard library's premultiplied pictures are put over a background otherwise than Pillow's.
		switch t.alpha() {
		case 0:
			d.image = FromImage(p, nil)
		default:
			for i := 0; i < len(p.Pix); i += 4 {
				for c := range 3 {
					p.Pix[i+c] = unpremultiplied(p.Pix[i+c], p.Pix[i+3])
				}
			}
			d.image = &image.NRGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
		}
		return nil
	}
	d.image, d.bilevel = img, t.Bits == 1 && t.Photometric != tiffPalette
	return nil
}

// picture checks that the kind is one of those that are read right.
func (t *tiffTags) picture() (tiffPicture, error) {
	p := tiffPicture{TIFFHeader: cpicture.TIFFHeader{
		Width: t.first(256, 0), Height: t.first(257, 0), Samples: t.first(277, 1), Bits: t.first(258, 1),
		Photometric: t.first(262, 0), SampleFormat: t.first(339, 1), Planar: t.first(284, 1),
		Compression: t.first(259, 1), ExtraKinds: t.values[tiffExtraSamples],
	}}
	const none, lzw, deflate, oldDeflate, packBits = 1, 5, 8, 32946, 32773
	switch {
	case p.Planar != 1 && p.Samples > 1:
		return p, needsLibtiff("with a plane for each color")
	case t.first(266, 1) != 1:
		return p, needsLibtiff("with reversed bits (fill order 2)")
	case !slices.Contains([]int{none, lzw, deflate, oldDeflate, packBits}, p.Compression):
		name := map[int]string{
			2: "CCITT", 3: "CCITT group 3", 4: "CCITT group 4", 6: "old JPEG", 7: "JPEG", 34712: "JPEG 2000",
			34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 34887: "LERC",
		}[p.Compression]
		return p, needsLibtiff("with compression %d (%s)", p.Compression, name)
	}
	if p.Photometric == tiffYCbCr {
		return p, needsLibtiff("in YCbCr")
	}
	for _, bits := range t.values[258] {
		if bits != p.Bits {
			return p, needsLibtiff("with samples of different depths")
		}
	}
	if err := p.check(); err != nil {
		return p, err
	}
	known := p.SampleFormat == tiffUnsigned
	switch p.Photometric {
	case tiffWhiteIsZero:
		known = known && p.Samples == 1 && (p.Bits == 8 || p.Bits == 1)
	case tiffBlackIsZero:
		known = known && p.Samples == 1 && (p.Bits == 8 || p.Bits == 16 || p.Bits == 1)
	case tiffRGB:
		known = known && (p.Samples == 3 || p.Samples == 4 && p.alpha() != 0 && len(p.ExtraKinds) == 1) && p.Bits == 8
	case tiffPalette:
		known = known && p.Samples == 1 && p.Bits == 8
	default:
		known = false
	}
	if !known {
		name := map[int]string{tiffWhiteIsZero: "gray", tiffBlackIsZero: "gray", tiffRGB: "RGB", tiffPalette: "palette colors", tiffCMYK: "CMYK", tiffYCbCr: "YCbCr"}[p.Photometric]
		return p, needsLibtiff("in %s with %d x %d bits", name, p.Samples, p.Bits)
	}
	return p, nil
}

// tiffTags are the whole numbers of the first directory.
type tiffTags struct {
	values map[int][]int
}

func (t *tiffTags) first(tag, otherwise int) int {
	if values := t.values[tag]; len(values) > 0 {
		return values[0]
	}
	return otherwise
}

func readTIFFTags(data []byte) (*tiffTags, error) {
	if len(data) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(data[2:]) == 43 {
		return nil, needsLibtiff("of more than 4 GiB (BigTIFF)")
	}
	directory := int64(order.Uint32(data[4:]))
	if directory+2 > int64(len(data)) {
		return nil, io.ErrUnexpectedEOF
	}
	t := &tiffTags{values: map[int][]int{}}
	entries := data[directory+2:]
	for range order.Uint16(data[directory:]) {
		if len(entries) < 12 {
			return nil, io.ErrUnexpectedEOF
		}
		tag, kind, count := int(order.Uint16(entries)), order.Uint16(entries[2:]), int64(order.Uint32(entries[4:]))
		const short, long, most = 3, 4, 16 // no tag that is asked for has more values
		width := map[uint16]int64{short: 2, long: 4}[kind]
		if width != 0 && count <= most {
			at := entries[8:12]
			if count*width > 4 {
				offset := int64(order.Uint32(at))
				if offset+count*width > int64(len(data)) {
					return nil, io.ErrUnexpectedEOF
				}
				at = data[offset:]
			}
			for i := range count {
				if kind == short {
					t.values[tag] = append(t.values[tag], int(order.Uint16(at[2*i:])))
				} else {
					t.values[tag] = append(t.values[tag], int(order.Uint32(at[4*i:])))
				}
			}
		}
		entries = entries[12:]
	}
	return t, nil
}
