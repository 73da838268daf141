package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"
)

// Truevision TGA, with the same pixels as Pillow's TgaImagePlugin.py.

const (
	tgaHeaderLength = 18
	tgaRunLength    = 8 // the bit of the kind that means run-length encoding
)

type tgaHeader struct {
	kind          uint8 // 1 palette, 2 RGB, 3 gray
	runs          bool
	width, height int
	bits          int
	bottomUp      bool
	mirrored      bool
	palette       []color.NRGBA
	pixels        []byte // the data after the header and the palette
}

// isTGA reports whether a header is consistent.
func isTGA(start []byte) bool {
	if len(start) < tgaHeaderLength {
		return false
	}
	kind, bits, flags := start[2]&^tgaRunLength, start[16], start[17]
	const reserved = 0xc0
	return start[1] <= 1 && start[2] <= 11 && kind >= 1 && kind <= 3 && slices.Contains([]uint8{1, 8, 15, 16, 24, 32}, bits) &&
		flags&reserved == 0 && binary.LittleEndian.Uint16(start[12:]) > 0 && binary.LittleEndian.Uint16(start[14:]) > 0
}

func readTGA(data []byte) (h tgaHeader, err error) {
	h.kind, h.runs = data[2]&^tgaRunLength, data[2]&tgaRunLength != 0
	h.width, h.height = int(binary.LittleEndian.Uint16(data[12:])), int(binary.LittleEndian.Uint16(data[14:]))
	h.bits = int(data[16])
	h.bottomUp, h.mirrored = data[17]&0x20 == 0, data[17]&0x10 != 0
	hasPalette := data[1] == 1
	known := map[uint8][]int{1: {8}, 2: {16, 24, 32}, 3: {1, 8, 16}}[h.kind]
	if !slices.Contains(known, h.bits) || (h.kind == 1 && !hasPalette) || (h.runs && h.bits == 1) {
		return h, fmt.Errorf("TGA of kind %d with %d bits a pixel is not supported", data[2], h.bits)
	}
	at := tgaHeaderLength + int(data[0])
	if hasPalette {
		first, count, bits := int(binary.LittleEndian.Uint16(data[3:])), int(binary.LittleEndian.Uint16(data[5:])), int(data[7])
		if bits != 16 && bits != 24 && bits != 32 {
			return h, fmt.Errorf("TGA with a palette of %d bits a color is not supported", bits)
		}
		if len(data) < at+count*bits/8 {
			return h, io.ErrUnexpectedEOF
		}
		h.palette = make([]color.NRGBA, first, first+count)
		for i := range h.palette {
			h.palette[i].A = 255
		}
		for range count {
			h.palette = append(h.palette, tgaColor(data[at:], bits))
			at += bits / 8
		}
	}
	h.pixels = data[min(at, len(data)):]
	return h, nil
}

// tgaColor reads a color of 16, 24 or 32 bits.
func tgaColor(in []byte, bits int) color.NRGBA {
	switch bits {
	case 16:
		pixel := binary.LittleEndian.Uint16(in)
		c := color.NRGBA{five(pixel >> 10), five(pixel >> 5), five(pixel), 255}
		if pixel>>15 != 0 { // Pillow's BGRA;15Z
			c.A = 0
		}
		return c
	case 24:
		return color.NRGBA{in[2], in[1], in[0], 255}
	}
	return color.NRGBA{in[2], in[1], in[0], in[3]}
}

func tgaSize(data []byte) (image.Point, error) {
	h, err := readTGA(data)
	return image.Pt(h.width, h.height), err
}

func decodeTGA(data []byte, d *Stored) error {
	h, err := readTGA(data)
	if err != nil {
		return err
	}
	pixels := h.pixels
	each := (h.bits + 7) / 8
	stride := (h.width*h.bits + 7) / 8
	if h.runs {
		if pixels, err = tgaRuns(pixels, each, stride*h.height); err != nil {
			return err
		}
	}
	if len(pixels) < stride*h.height {
		return io.ErrUnexpectedEOF
	}
	row := func(y int) []byte {
		if h.bottomUp {
			y = h.height - 1 - y
		}
		return pixels[y*stride:][:stride]
	}
	bounds := image.Rect(0, 0, h.width, h.height)
	at := func(x int) int {
		if h.mirrored {
			return h.width - 1 - x
		}
		return x
	}
	switch {
	case h.bits == 1:
		gray := image.NewGray(bounds)
		line := make([]uint8, h.width)
		for y := range h.height {
			unpackBits(line, row(y), 1)
			for x, bit := range line {
				gray.Pix[y*h.width+at(x)] = 255 * bit
			}
		}
		d.image, d.bilevel = gray, true
	case h.bits == 8:
		pix := make([]uint8, h.width*h.height)
		for y := range h.height {
			for x, sample := range row(y) {
				pix[y*h.width+at(x)] = sample
			}
		}
		if h.kind == 3 {
			d.image = &image.Gray{Pix: pix, Stride: h.width, Rect: bounds}
			return nil
		}
		return h.indexed(pix, d)
	case h.kind == 2 && h.bits == 24:
		p := NewRGB(h.width, h.height)
		for y := range h.height {
			in := row(y)
			for x := range h.width {
				copy(p.Pix[3*(y*h.width+at(x)):], []uint8{in[3*x+2], in[3*x+1], in[3*x]})
			}
		}
		d.image = p
	default:
		out := image.NewNRGBA(bounds)
		opaque := h.kind == 2 && tgaSaysOpaque(data)
		for y := range h.height {
			in := row(y)
			for x := range h.width {
				var c color.NRGBA
				if h.kind == 3 {
					c = color.NRGBA{in[2*x], in[2*x], in[2*x], in[2*x+1]}
				} else {
					c = tgaColor(in[each*x:], h.bits)
				}
				if opaque {
					c.A = 255
				}
				out.SetNRGBA(at(x), y, c)
			}
		}
		d.image = out
	}
	return nil
}

// indexed makes an image from indices.
func (h *tgaHeader) indexed(pix []uint8, d *Stored) error {
	palette := make(color.Palette, min(256, len(h.palette)))
	for i := range palette {
		palette[i] = h.palette[i]
	}
	for _, index := range pix {
		if int(index) >= len(palette) {
			return fmt.Errorf("the TGA data has a color %d, and its palette %d", index, len(palette))
		}
	}
	d.image = &image.Paletted{Pix: pix, Stride: h.width, Rect: image.Rect(0, 0, h.width, h.height), Palette: palette}
	return nil
}

// tgaRuns decodes run-length encoded pixels of each bytes.
func tgaRuns(data []byte, each, length int) ([]byte, error) {
	// A run has at least two bytes and at most 128 pixels.
	if length > 128*max(each, 1)*(len(data)+1) {
		return nil, io.ErrUnexpectedEOF
	}
	out := make([]byte, 0, length)
	for len(out) < length {
		if len(data) < 1 {
			return nil, io.ErrUnexpectedEOF
		}
		count := int(data[0]&0x7f) + 1
		repeated := data[0]&0x80 != 0
		data = data[1:]
		needed := count * each
		if repeated {
			needed = each
		}
		if len(data) < needed {
			return nil, io.ErrUnexpectedEOF
		}
		if repeated {
			out = append(out, bytes.Repeat(data[:each], count)...)
		} else {
			out = append(out, data[:needed]...)
		}
		data = data[needed:]
	}
	return out[:length], nil
}

// tgaSaysOpaque reports whether the extension area of version 2 says that there is no alpha.
func tgaSaysOpaque(data []byte) bool {
	const footer, attributes = 26, 494
	if len(data) < footer || !bytes.HasSuffix(data, []byte("TRUEVISION-XFILE.\x00")) {
		return false
	}
	extension := int64(binary.LittleEndian.Uint32(data[len(data)-footer:]))
	return extension != 0 && extension+attributes < int64(len(data)) && data[extension+attributes] == 0
}
