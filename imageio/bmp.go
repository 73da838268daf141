package imageio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
)

// Windows bitmaps with all versions of the header, with the same pixels as Pillow's
// BmpImagePlugin.py. x/image/bmp supports few of them, and other packages scale 5 and 6 bits
// differently.

// A dib is the header of a device-independent bitmap, the part of BMP that ICO has too.
type dib struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	masks         [4]uint32 // of red, green, blue and alpha, for bmpBitfields
	palette       [][3]uint8
	end           int // of the header and the palette
}

// The compressions of BMP.
const (
	bmpRaw = iota
	bmpRLE8
	bmpRLE4
	bmpBitfields
)

const bmpFileHeader = 14

// readDIB reads the header at an offset.
func readDIB(data []byte, start int) (h dib, err error) {
	if len(data) < start+12 {
		return h, io.ErrUnexpectedEOF
	}
	data = data[start:]
	length := int64(binary.LittleEndian.Uint32(data))
	if length > int64(len(data)) {
		return h, io.ErrUnexpectedEOF
	}
	entry := 4
	colors := int64(0)
	switch length {
	case 12:
		h.width, h.height = int(binary.LittleEndian.Uint16(data[4:])), int(binary.LittleEndian.Uint16(data[6:]))
		h.bits = int(binary.LittleEndian.Uint16(data[10:]))
		entry = 3
	case 40, 52, 56, 64, 108, 124:
		h.width, h.height = int(int32(binary.LittleEndian.Uint32(data[4:]))), int(int32(binary.LittleEndian.Uint32(data[8:])))
		if h.height < 0 {
			h.height, h.topDown = -h.height, true
		}
		h.bits = int(binary.LittleEndian.Uint16(data[14:]))
		h.compression = binary.LittleEndian.Uint32(data[16:])
		colors = int64(binary.LittleEndian.Uint32(data[32:]))
	default:
		return h, fmt.Errorf("BMP with a header of %d bytes is not supported", length)
	}
	if h.width <= 0 || h.height <= 0 {
		return h, fmt.Errorf("its size is %dx%d", h.width, h.height)
	}
	h.end = int(length)
	if h.compression == bmpBitfields {
		if err := h.readMasks(data); err != nil {
			return h, err
		}
	}
	if err := h.check(); err != nil {
		return h, err
	}
	if h.bits <= 8 {
		if colors == 0 {
			colors = 1 << h.bits
		}
		const most = 1 << 16 // Pillow's limit
		if colors > most {
			return h, fmt.Errorf("BMP with a palette of %d colors", colors)
		}
		if int64(len(data)) < int64(h.end)+colors*int64(entry) {
			return h, io.ErrUnexpectedEOF
		}
		for range colors {
			c := data[h.end:]
			h.palette = append(h.palette, [3]uint8{c[2], c[1], c[0]})
			h.end += entry
		}
	}
	h.end += start
	return h, nil
}

// readMasks reads the masks of the channels, which are part of longer headers and follow the short
// one.
func (h *dib) readMasks(data []byte) error {
	const at = 40
	count := 3
	switch {
	case h.end == at:
		h.end += 4 * count
	case h.end >= 56:
		count = 4
	}
	if len(data) < at+4*count {
		return io.ErrUnexpectedEOF
	}
	for i := range count {
		h.masks[i] = binary.LittleEndian.Uint32(data[at+4*i:])
	}
	return nil
}

// check returns an error for kinds that Pillow does not read.
func (h *dib) check() error {
	switch h.bits {
	case 1, 4, 8, 16, 24, 32:
	default:
		return fmt.Errorf("BMP of %d bits a pixel is not supported", h.bits)
	}
	switch h.compression {
	case bmpRaw:
		return nil
	case bmpRLE8, bmpRLE4:
		if want := map[uint32]int{bmpRLE8: 8, bmpRLE4: 4}[h.compression]; h.bits != want {
			return fmt.Errorf("BMP of %d bits a pixel cannot be compressed as RLE%d", h.bits, want)
		}
		return nil
	case bmpBitfields:
		switch {
		case h.bits == 16 && (h.isMask(0xf800, 0x7e0, 0x1f) || h.isMask(0x7c00, 0x3e0, 0x1f)):
			return nil
		case h.bits == 24 && h.isMask(0xff0000, 0xff00, 0xff):
			return nil
		case h.bits == 32 && h.wholeBytes():
			return nil
		}
		return fmt.Errorf("BMP of %d bits a pixel with bit fields %#x is not supported", h.bits, h.masks)
	}
	return fmt.Errorf("BMP with compression %d is not supported", h.compression)
}

func (h *dib) isMask(red, green, blue uint32) bool {
	return [3]uint32(h.masks[:3]) == [3]uint32{red, green, blue}
}

// wholeBytes reports whether each mask is one of four bytes. Masks of 0 mean the usual order, with
// alpha.
func (h *dib) wholeBytes() bool {
	if h.masks == ([4]uint32{}) {
		h.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
	}
	var all uint32
	for i, mask := range h.masks {
		if mask == 0 && i == 3 {
			continue
		}
		if byteOf(mask) < 0 || all&mask != 0 {
			return false
		}
		all |= mask
	}
	return true
}

// byteOf returns which byte of a little-endian word a mask covers, or -1 if it is not a whole byte.
func byteOf(mask uint32) int {
	for i := range 4 {
		if mask == 0xff<<(8*i) {
			return i
		}
	}
	return -1
}

func bmpSize(data []byte) (image.Point, error) {
	h, err := readDIB(data, bmpFileHeader)
	return image.Pt(h.width, h.height), err
}

func decodeBMP(data []byte, d *Stored) error {
	h, err := readDIB(data, bmpFileHeader)
	if err != nil {
		return err
	}
	offset := int64(binary.LittleEndian.Uint32(data[10:]))
	if offset == 0 {
		offset = int64(h.end)
	}
	if offset > int64(len(data)) {
		return io.ErrUnexpectedEOF
	}
	return h.decode(data[offset:], d)
}

// decode sets the image of d from data, which begins with the pixels.
func (h *dib) decode(data []byte, d *Stored) (err error) {
	if h.compression == bmpRLE4 || h.compression == bmpRLE8 {
		pix, err := h.runs(data)
		if err != nil {
			return err
		}
		return h.indexed(pix, d)
	}
	stride := int64((int64(h.width)*int64(h.bits)+31)/32) * 4
	// The last row may lack its padding.
	if needed := stride*int64(h.height-1) + (int64(h.width)*int64(h.bits)+7)/8; int64(len(data)) < needed {
		return io.ErrUnexpectedEOF
	}
	row := func(y int) []byte {
		if !h.topDown {
			y = h.height - 1 - y
		}
		return data[int64(y)*stride:]
	}
	switch h.bits {
	case 1, 4, 8:
		pix := make([]uint8, h.width*h.height)
		for y := range h.height {
			unpackBits(pix[y*h.width:][:h.width], row(y), h.bits)
		}
		return h.indexed(pix, d)
	case 16:
		d.image = h.rgb16(row)
	case 24:
		p := NewRGB(h.width, h.height)
		for y := range h.height {
			in := row(y)
			out := p.Pix[3*y*h.width:][:3*h.width]
			for i := 0; i < len(out); i += 3 {
				out[i], out[i+1], out[i+2] = in[i+2], in[i+1], in[i]
			}
		}
		d.image = p
	case 32:
		d.image = h.rgb32(row)
	default:
		err = errors.New("BMP of this depth is not supported")
	}
	return err
}

// rgb16 unpacks pixels of 16 bits.
func (h *dib) rgb16(row func(int) []byte) *RGB {
	p := NewRGB(h.width, h.height)
	sixBitGreen := h.compression == bmpBitfields && h.masks[1] == 0x7e0
	for y := range h.height {
		in := row(y)
		out := p.Pix[3*y*h.width:][:3*h.width]
		for x := range h.width {
			pixel := binary.LittleEndian.Uint16(in[2*x:])
			if sixBitGreen {
				out[3*x], out[3*x+1], out[3*x+2] = five(pixel>>11), six(pixel>>5), five(pixel)
			} else {
				out[3*x], out[3*x+1], out[3*x+2] = five(pixel>>10), five(pixel>>5), five(pixel)
			}
		}
	}
	return p
}

// rgb32 unpacks pixels of 32 bits: the fourth byte is alpha only if bit fields say so.
func (h *dib) rgb32(row func(int) []byte) image.Image {
	at := [4]int{2, 1, 0, -1}
	if h.compression == bmpBitfields {
		for i, mask := range h.masks {
			at[i] = byteOf(mask)
		}
	}
	p, withAlpha := NewRGB(h.width, h.height), image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	for y := range h.height {
		in := row(y)
		for x := range h.width {
			pixel := in[4*x:][:4]
			if at[3] < 0 {
				copy(p.Pix[3*(y*h.width+x):], []uint8{pixel[at[0]], pixel[at[1]], pixel[at[2]]})
			} else {
				copy(withAlpha.Pix[4*(y*h.width+x):], []uint8{pixel[at[0]], pixel[at[1]], pixel[at[2]], pixel[at[3]]})
			}
		}
	}
	if at[3] < 0 {
		return p
	}
	return withAlpha
}

// indexed makes an image from indices, in gray if the palette is that of gray, as in Pillow.
func (h *dib) indexed(pix []uint8, d *Stored) error {
	bounds := image.Rect(0, 0, h.width, h.height)
	gray := true
	for i, c := range h.palette {
		level := i
		if len(h.palette) == 2 {
			level = 255 * i
		}
		gray = gray && c == [3]uint8{uint8(level), uint8(level), uint8(level)} && level < 256
	}
	for i, index := range pix {
		if int(index) >= len(h.palette) {
			return fmt.Errorf("the BMP data has a color %d, and its palette %d", index, len(h.palette))
		}
		if gray && len(h.palette) == 2 {
			pix[i] = 255 * index
		}
	}
	if gray {
		d.bilevel = len(h.palette) == 2
		d.image = &image.Gray{Pix: pix, Stride: h.width, Rect: bounds}
		return nil
	}
	palette := make(color.Palette, min(len(h.palette), 256))
	for i := range palette {
		c := h.palette[i]
		palette[i] = color.NRGBA{c[0], c[1], c[2], 255}
	}
	d.image = &image.Paletted{Pix: pix, Stride: h.width, Rect: bounds, Palette: palette}
	return nil
}

// runs decodes RLE8 and RLE4 to indices, from the top. Pixels that the data skips are 0.
func (h *dib) runs(data []byte) ([]uint8, error) {
	pix := make([]uint8, h.width*h.height)
	x, y := 0, 0
	put := func(index uint8) {
		if x < h.width && y < h.height {
			line := h.height - 1 - y
			if h.topDown {
				line = y
			}
			pix[line*h.width+x] = index
		}
		x = min(x+1, math.MaxInt32)
	}
	for y < h.height {
		if len(data) < 2 {
			if y == h.height-1 && x >= h.width {
				break // only the end marker is missing
			}
			return nil, io.ErrUnexpectedEOF
		}
		count, value := int(data[0]), data[1]
		data = data[2:]
		switch {
		case count > 0:
			for i := range count {
				switch {
				case h.bits == 8:
					put(value)
				case i%2 == 0:
					put(value >> 4)
				default:
					put(value & 15)
				}
			}
		case value == 0: // end of line
			x, y = 0, y+1
		case value == 1: // end of bitmap
			return pix, nil
		case value == 2: // move right and up
			if len(data) < 2 {
				return nil, io.ErrUnexpectedEOF
			}
			x, y = x+int(data[0]), y+int(data[1])
			data = data[2:]
		default: // literal pixels, padded to two bytes
			length := (int(value)*h.bits + 7) / 8
			if len(data) < length {
				return nil, io.ErrUnexpectedEOF
			}
			for i := range int(value) {
				switch {
				case h.bits == 8:
					put(data[i])
				case i%2 == 0:
					put(data[i/2] >> 4)
				default:
					put(data[i/2] & 15)
				}
			}
			data = data[min(length+length%2, len(data)):]
		}
	}
	return pix, nil
}
