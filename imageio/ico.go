package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"io"
)

// Windows icons: the largest image in the file, as in Pillow's IcoImagePlugin.py. It is a PNG, or a
// bitmap without file header that is followed by a 1-bit mask.

// icon is one image in the file.
type icon struct {
	data []byte
	bits int // from the directory
}

// largestIcon returns the image with the largest area, and among those the one with the fewest
// bits.
func largestIcon(data []byte) (best icon, err error) {
	const header, entryLength = 6, 16
	if len(data) < header {
		return best, io.ErrUnexpectedEOF
	}
	count := int(binary.LittleEndian.Uint16(data[4:]))
	if count == 0 {
		return best, errors.New("the ICO file has no picture")
	}
	if len(data) < header+entryLength*count {
		return best, io.ErrUnexpectedEOF
	}
	bestArea, bestDepth := 0, 0
	var at, length int64
	for i := range count {
		entry := data[header+entryLength*i:][:entryLength]
		width, height := int(entry[0]), int(entry[1])
		if width == 0 {
			width = 256
		}
		if height == 0 {
			height = 256
		}
		bits := int(binary.LittleEndian.Uint16(entry[6:]))
		depth := bits
		if depth == 0 && entry[2] != 0 {
			for 1<<depth < int(entry[2]) {
				depth++
			}
		}
		if depth == 0 {
			depth = 256
		}
		if area := width * height; area > bestArea || (area == bestArea && depth < bestDepth) {
			bestArea, bestDepth = area, depth
			best.bits = bits
			length, at = int64(binary.LittleEndian.Uint32(entry[8:])), int64(binary.LittleEndian.Uint32(entry[12:]))
		}
	}
	if at+length > int64(len(data)) {
		return best, io.ErrUnexpectedEOF
	}
	best.data = data[at : at+length]
	return best, nil
}

func (i icon) isPNG() bool { return bytes.HasPrefix(i.data, []byte(pngMagic)) }

// bitmap reads the header of an image that is not a PNG. Its height includes the mask.
func (i icon) bitmap() (dib, error) {
	h, err := readDIB(i.data, 0)
	h.height /= 2
	return h, err
}

func icoSize(data []byte) (image.Point, error) {
	icon, err := largestIcon(data)
	if err != nil {
		return image.Point{}, err
	}
	if icon.isPNG() {
		config, err := png.DecodeConfig(bytes.NewReader(icon.data))
		return image.Pt(config.Width, config.Height), err
	}
	h, err := icon.bitmap()
	return image.Pt(h.width, h.height), err
}

func decodeICO(data []byte, d *Stored) error {
	icon, err := largestIcon(data)
	if err != nil {
		return err
	}
	if icon.isPNG() {
		d.format = "png"
		return decodePNG(withPNGEnd(icon.data), d)
	}
	h, err := icon.bitmap()
	if err != nil {
		return err
	}
	if icon.bits == 32 && h.bits == 32 && h.compression == bmpRaw {
		// The fourth byte is alpha, and the mask is not used.
		h.compression = bmpBitfields
		h.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
		return h.decode(icon.data[h.end:], d)
	}
	colors := &Stored{}
	if err := h.decode(icon.data[h.end:], colors); err != nil {
		return err
	}
	stride := (h.width + 31) / 32 * 4
	if len(icon.data) < stride*h.height {
		return io.ErrUnexpectedEOF
	}
	mask := icon.data[len(icon.data)-stride*h.height:]
	out := toNRGBA(colors.image)
	row := make([]uint8, h.width)
	for y := range h.height {
		unpackBits(row, mask[(h.height-1-y)*stride:], 1)
		for x, transparent := range row {
			out.Pix[y*out.Stride+4*x+3] = 255 * (1 - transparent)
		}
	}
	d.image = out
	return nil
}
