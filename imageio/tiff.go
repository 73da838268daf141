package imageio

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// TIFF. libtiff, or tiff_blocks.go without it, undoes compression, predictor, tiles, bit order and
// byte order. This file interprets the samples, for the kinds that Pillow's TiffImagePlugin.py
// reads, with the same pixels.

// The photometric interpretations of TIFF.
const (
	tiffWhiteIsZero = 0
	tiffBlackIsZero = 1
	tiffRGB         = 2
	tiffPalette     = 3
	tiffCMYK        = 5
	tiffYCbCr       = 6
)

// tiffPlanes is the planar configuration with a plane for each sample.
const tiffPlanes = 2

// The sample formats of TIFF.
const (
	tiffUnsigned = 1
	tiffSigned   = 2
	tiffFloat    = 3
)

// The meanings of TIFF's extra samples.
const (
	tiffPremultiplied = 1
	tiffAlpha         = 2
	tiffCorelAlpha    = 999
)

func tiffSize(data []byte) (image.Point, error) {
	header, _, err := tiffHeader(data)
	return image.Pt(header.Width, header.Height), err
}

func decodeTIFF(data []byte, d *Stored) error {
	header, tags, err := tiffHeader(data)
	if err != nil {
		return err
	}
	t := tiffPicture{TIFFHeader: header}
	if err := t.check(); err != nil {
		return err
	}
	// A third, since chroma may have fewer samples.
	if header.Compression == tiffUncompressed && int64(len(data)) < header.DecodedBytes/3 {
		return io.ErrUnexpectedEOF
	}
	if cpicture.TIFFLibrary() == "" {
		t.samples, err = decodeTIFFBlocks(data, &t, tags)
	} else {
		t.samples = make([]uint8, header.DecodedBytes)
		err = cpicture.DecodeTIFF(data, header, t.samples)
	}
	if err != nil {
		return err
	}
	t.interleave()
	t.convert(d)
	return nil
}

// A tiffPicture is an image's header and, once decoded, its samples.
type tiffPicture struct {
	cpicture.TIFFHeader
	samples []uint8
}

// colors returns the number of samples of a pixel without extra ones.
func (t *tiffPicture) colors() int {
	switch t.Photometric {
	case tiffRGB:
		return 3
	case tiffCMYK:
		return 4
	}
	return 1
}

// alpha returns the kind of the first extra sample, or 0 if there is none.
func (t *tiffPicture) alpha() int {
	if t.Samples == t.colors() {
		return 0
	}
	if len(t.ExtraKinds) == 0 {
		// RGB with a fourth sample of unknown meaning: Pillow takes it as alpha, which is
		// premultiplied in planes.
		if t.Planar == tiffPlanes {
			return tiffPremultiplied
		}
		return tiffAlpha
	}
	if t.ExtraKinds[0] == tiffCorelAlpha {
		return tiffAlpha
	}
	return t.ExtraKinds[0]
}

// check returns an error for kinds that are not known to be read correctly.
func (t *tiffPicture) check() error {
	name := map[int]string{
		tiffWhiteIsZero: "gray with white as 0", tiffBlackIsZero: "gray", tiffRGB: "RGB", tiffPalette: "palette colors",
		4: "a transparency mask", tiffCMYK: "CMYK", tiffYCbCr: "YCbCr", 8: "CIELAB", 9: "ICC LAB", 10: "ITU LAB",
		32803: "a camera's color filter array", 34892: "linear raw", 32844: "LogL", 32845: "LogLuv",
	}[t.Photometric]
	if name == "" {
		name = fmt.Sprintf("photometric interpretation %d", t.Photometric)
	}
	kind := map[int]string{tiffUnsigned: "whole numbers", tiffSigned: "signed numbers", tiffFloat: "floats"}[t.SampleFormat]
	if kind == "" {
		kind = fmt.Sprintf("samples of format %d", t.SampleFormat)
	}
	refused := fmt.Errorf("TIFF in %s with %d x %d bits, %s, is not supported", name, t.Samples, t.Bits, kind)
	extra := t.Samples - t.colors()
	if extra < 0 || extra > 3 || (len(t.ExtraKinds) != extra && !(t.Photometric == tiffRGB && extra == 1 && len(t.ExtraKinds) == 0)) {
		return refused
	}
	for i, what := range t.ExtraKinds {
		if i > 0 && what != 0 {
			return refused
		}
	}
	known := false
	switch t.Photometric {
	case tiffWhiteIsZero, tiffBlackIsZero:
		white := t.Photometric == tiffWhiteIsZero
		switch t.SampleFormat {
		case tiffUnsigned:
			known = slices.Contains([]int{1, 2, 4, 8}, t.Bits) || (!white && slices.Contains([]int{12, 16, 32}, t.Bits))
		case tiffSigned:
			known = !white && slices.Contains([]int{8, 16, 32}, t.Bits)
		case tiffFloat:
			known = !white && t.Bits == 32
		}
		// Gray with alpha.
		known = known && (extra == 0 || (t.Bits == 8 && t.SampleFormat == tiffUnsigned && !white))
	case tiffPalette:
		known = t.SampleFormat == tiffUnsigned && (slices.Contains([]int{1, 2, 4, 8}, t.Bits) && extra == 0 || t.Bits == 8 && extra == 1)
	case tiffRGB, tiffCMYK:
		known = t.SampleFormat == tiffUnsigned && (t.Bits == 8 || t.Bits == 16)
		// The meaning of alpha in CMYK is not defined.
		known = known && (t.Photometric == tiffRGB || extra == 0 || t.alpha() == 0)
	case tiffYCbCr:
		known = t.Samples == 1 && t.Bits == 8 && t.SampleFormat == tiffUnsigned // gray, by its luma
	}
	if !known {
		return refused
	}
	return nil
}

// interleave combines planes to pixels. Samples smaller than a byte occur only alone.
func (t *tiffPicture) interleave() {
	if t.Planar != tiffPlanes || t.Samples == 1 {
		return
	}
	each := t.Bits / 8
	pixels := t.Width * t.Height
	out := make([]uint8, len(t.samples))
	for plane := range t.Samples {
		in := t.samples[plane*pixels*each:]
		for i := range pixels {
			copy(out[(i*t.Samples+plane)*each:][:each], in[i*each:])
		}
	}
	t.samples = out
}

// sample8 returns a sample of a pixel as 8 bits, of 16 bits the high ones.
func (t *tiffPicture) sample8(pixel, channel int) uint8 {
	i := pixel*t.Samples + channel
	if t.Bits == 16 {
		return uint8(binary.NativeEndian.Uint16(t.samples[2*i:]) >> 8)
	}
	return t.samples[i]
}

// convert makes the image.
func (t *tiffPicture) convert(d *Stored) {
	bounds := image.Rect(0, 0, t.Width, t.Height)
	pixels := t.Width * t.Height
	alpha := t.alpha()
	switch {
	case t.Photometric == tiffCMYK:
		out := image.NewCMYK(bounds)
		for i := range out.Pix {
			out.Pix[i] = t.sample8(i/4, i%4)
		}
		d.image = out
	case t.Photometric == tiffRGB && alpha == 0 && t.Samples == 3 && t.Bits == 8:
		d.image = &RGB{Pix: t.samples, Width: t.Width, Height: t.Height}
	case t.Photometric == tiffRGB && alpha == 0:
		out := NewRGB(t.Width, t.Height)
		for i := range out.Pix {
			out.Pix[i] = t.sample8(i/3, i%3)
		}
		d.image = out
	case t.Photometric == tiffPalette && t.Samples == 1:
		out := image.NewPaletted(bounds, t.palette())
		t.unpack(out.Pix)
		d.image = out
	case t.Samples > 1 && alpha == 0:
		// Gray or a palette with a sample that has no meaning.
		only := tiffPicture{TIFFHeader: t.TIFFHeader, samples: make([]uint8, pixels)}
		only.Samples, only.ExtraKinds = 1, nil
		for i := range pixels {
			only.samples[i] = t.sample8(i, 0)
		}
		only.convert(d)
	case t.Samples > 1:
		d.image = t.withAlpha(alpha == tiffPremultiplied)
	default:
		out := image.NewGray(bounds)
		t.gray(out.Pix)
		d.image, d.bilevel = out, t.Bits == 1
	}
}

func (t *tiffPicture) withAlpha(premultiplied bool) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, t.Width, t.Height))
	colors := t.colors()
	for i := range t.Width * t.Height {
		pixel := out.Pix[4*i:][:4]
		pixel[3] = t.sample8(i, colors)
		for c := range 3 {
			pixel[c] = t.sample8(i, min(c, colors-1))
			if premultiplied {
				pixel[c] = unpremultiplied(pixel[c], pixel[3])
			}
		}
		if t.Photometric == tiffPalette {
			copy(pixel[:3], t.Palette[pixel[0]][:])
		}
	}
	return out
}

func (t *tiffPicture) palette() color.Palette {
	palette := make(color.Palette, len(t.Palette))
	for i, c := range t.Palette {
		palette[i] = color.NRGBA{c[0], c[1], c[2], 255}
	}
	return palette
}

// unpack unpacks single samples of 8 bits or less from their rows.
func (t *tiffPicture) unpack(out []uint8) {
	if t.Bits == 8 {
		copy(out, t.samples)
		return
	}
	stride := (t.Width*t.Bits + 7) / 8
	for y := range t.Height {
		unpackBits(out[y*t.Width:][:t.Width], t.samples[y*stride:], t.Bits)
	}
}

// gray makes gray levels from single samples. Of 12 and 16 bits the high 8 are kept; signed
// integers, 32 bits and floats have no defined scale, and are clamped to [0, 255] as in Pillow.
func (t *tiffPicture) gray(out []uint8) {
	if t.Bits <= 8 {
		t.unpack(out)
		scale := uint8(255 / (1<<t.Bits - 1))
		for i := range out {
			out[i] *= scale
			if t.Photometric == tiffWhiteIsZero {
				out[i] = 255 - out[i]
			}
		}
		return
	}
	native := binary.NativeEndian
	for i := range out {
		switch {
		case t.Bits == 12:
			row, x := t.samples[i/t.Width*((12*t.Width+7)/8):], i%t.Width
			if x%2 == 0 {
				out[i] = row[3*(x/2)]
			} else {
				out[i] = row[3*(x/2)+1]<<4 | row[3*(x/2)+2]>>4
			}
		case t.SampleFormat == tiffFloat:
			out[i] = floatLevel(math.Float32frombits(native.Uint32(t.samples[4*i:])))
		case t.Bits == 32:
			out[i] = levelOf(int32(native.Uint32(t.samples[4*i:])))
		case t.SampleFormat == tiffSigned:
			out[i] = levelOf(int32(int16(native.Uint16(t.samples[2*i:]))))
		default:
			out[i] = uint8(native.Uint16(t.samples[2*i:]) >> 8)
		}
	}
}
