package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
)

// The portable bitmap, gray and pixel maps of Netpbm (PBM, PGM, PPM), as text and binary, and the
// gray float map (PFM): the kinds that Pillow's PpmImagePlugin.py reads, with the same pixels.

func isPNM(start []byte) bool {
	return len(start) >= 3 && start[0] == 'P' && bytes.IndexByte([]byte("1234567fF"), start[1]) >= 0 && isPNMSpace(start[2])
}

func isPNMSpace(b byte) bool { return b == ' ' || (b >= '\t' && b <= '\r') }

// A pnmReader reads the words of a header, and the numbers of text formats.
type pnmReader struct {
	data []byte
	at   int
}

// skip skips spaces and comments, which extend to the end of the line.
func (r *pnmReader) skip() {
	for r.at < len(r.data) {
		switch b := r.data[r.at]; {
		case isPNMSpace(b):
			r.at++
		case b == '#':
			for r.at < len(r.data) && r.data[r.at] != '\n' && r.data[r.at] != '\r' {
				r.at++
			}
		default:
			return
		}
	}
}

func (r *pnmReader) word() (string, error) {
	r.skip()
	start := r.at
	for r.at < len(r.data) && !isPNMSpace(r.data[r.at]) && r.data[r.at] != '#' {
		r.at++
	}
	const longest = 10 // Pillow's limit
	switch word := r.data[start:r.at]; {
	case len(word) == 0:
		return "", io.ErrUnexpectedEOF
	case len(word) > longest:
		return "", fmt.Errorf("a number of the PNM data has %d characters", len(word))
	default:
		return string(word), nil
	}
}

func (r *pnmReader) number(low, high int) (int, error) {
	word, err := r.word()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		return 0, fmt.Errorf("%q in the PNM data is no number", word)
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d in the PNM data is not within %d to %d", n, low, high)
	}
	return n, nil
}

// pnmHeader is the header before the pixels.
type pnmHeader struct {
	kind          byte // the character after P
	width, height int
	most          int     // the value of white
	scale         float64 // of the float map: negative for little-endian
}

func (r *pnmReader) header() (h pnmHeader, err error) {
	h.kind = r.data[1]
	switch h.kind {
	case '7':
		return h, errors.New("PAM (P7) is not supported, only P1 to P6 and Pf")
	case 'F':
		return h, errors.New("PFM in color (PF) is not supported, only in gray (Pf)")
	}
	r.at = 2
	if h.width, err = r.number(1, math.MaxInt32); err != nil {
		return h, err
	}
	if h.height, err = r.number(1, math.MaxInt32); err != nil {
		return h, err
	}
	switch h.kind {
	case '1', '4':
		h.most = 1
	case 'f':
		word, err := r.word()
		if err != nil {
			return h, err
		}
		h.scale, err = strconv.ParseFloat(word, 64)
		if err != nil || h.scale == 0 || math.IsInf(h.scale, 0) || math.IsNaN(h.scale) {
			return h, fmt.Errorf("the scale of the PFM data is %q", word)
		}
	default:
		if h.most, err = r.number(1, math.MaxUint16); err != nil {
			return h, err
		}
	}
	if h.kind >= '4' {
		r.at++ // one space, and then the pixels
	}
	return h, nil
}

// shortest returns the smallest number of bytes that the pixels can take, so that no memory is
// allocated for a header alone.
func (h pnmHeader) shortest() int {
	samples := h.width * h.height
	if h.kind == '3' || h.kind == '6' {
		samples *= 3
	}
	switch h.kind {
	case '2', '3':
		return 2*samples - 1 // one digit each, with spaces between them
	case '4':
		return (h.width + 7) / 8 * h.height
	case 'f':
		return 4 * samples
	case '5', '6':
		if h.most > 255 {
			return 2 * samples
		}
	}
	return samples
}

func pnmSize(data []byte) (image.Point, error) {
	h, err := (&pnmReader{data: data}).header()
	return image.Pt(h.width, h.height), err
}

func decodePNM(data []byte, d *Stored) error {
	r := &pnmReader{data: data}
	h, err := r.header()
	if err != nil {
		return err
	}
	pixels := data[min(r.at, len(data)):]
	if len(pixels) < h.shortest() {
		return io.ErrUnexpectedEOF
	}
	switch h.kind {
	case '1':
		d.bilevel = true
		d.image, err = plainBitmap(h, pixels)
	case '4':
		d.bilevel = true
		d.image = packedBitmap(h, pixels)
	case 'f':
		d.image = floatMap(h, pixels)
	case '2', '5':
		gray := image.NewGray(image.Rect(0, 0, h.width, h.height))
		d.image, err = gray, readPNMSamples(gray.Pix, h, r)
	default:
		rgb := NewRGB(h.width, h.height)
		d.image, err = rgb, readPNMSamples(rgb.Pix, h, r)
	}
	return err
}

// readPNMSamples reads gray or color levels and scales them to 8 bits. Of 16-bit gray the high 8
// bits are kept, as everywhere in this package.
func readPNMSamples(out []uint8, h pnmHeader, r *pnmReader) error {
	white := 255
	if (h.kind == '2' || h.kind == '5') && h.most > 255 {
		white = math.MaxUint16
	}
	level := func(value int) uint8 {
		scaled := min(white, int(math.RoundToEven(float64(value)/float64(h.most)*float64(white))))
		if white > 255 {
			scaled >>= 8
		}
		return uint8(scaled)
	}
	if h.kind == '2' || h.kind == '3' {
		for i := range out {
			value, err := r.number(0, h.most)
			if err != nil {
				return err
			}
			out[i] = level(value)
		}
		return nil
	}
	var table [256]uint8
	for i := range table {
		table[i] = level(i)
	}
	pixels := r.data[min(r.at, len(r.data)):]
	if h.most > 255 {
		for i := range out {
			out[i] = level(int(binary.BigEndian.Uint16(pixels[2*i:])))
		}
		return nil
	}
	for i := range out {
		out[i] = table[pixels[i]]
	}
	return nil
}

// plainBitmap reads digits, 1 for black, with or without spaces between them.
func plainBitmap(h pnmHeader, pixels []byte) (*image.Gray, error) {
	gray := image.NewGray(image.Rect(0, 0, h.width, h.height))
	r := &pnmReader{data: pixels}
	for i := range gray.Pix {
		r.skip()
		if r.at >= len(pixels) {
			return nil, io.ErrUnexpectedEOF
		}
		switch b := pixels[r.at]; b {
		case '0':
			gray.Pix[i] = 255
		case '1':
		default:
			return nil, fmt.Errorf("%q in the PBM data is neither 0 nor 1", b)
		}
		r.at++
	}
	return gray, nil
}

func packedBitmap(h pnmHeader, pixels []byte) *image.Gray {
	gray := image.NewGray(image.Rect(0, 0, h.width, h.height))
	stride := (h.width + 7) / 8
	for y := range h.height {
		row := gray.Pix[y*gray.Stride:][:h.width]
		unpackBits(row, pixels[y*stride:], 1)
		for x := range row {
			row[x] = 255 * (1 - row[x])
		}
	}
	return gray
}

// floatMap reads 32-bit floats, bottom row first.
func floatMap(h pnmHeader, pixels []byte) *image.Gray {
	gray := image.NewGray(image.Rect(0, 0, h.width, h.height))
	var order binary.ByteOrder = binary.BigEndian
	if h.scale < 0 {
		order = binary.LittleEndian
	}
	for y := range h.height {
		row := gray.Pix[(h.height-1-y)*gray.Stride:][:h.width]
		for x := range row {
			row[x] = floatLevel(math.Float32frombits(order.Uint32(pixels[4*(y*h.width+x):])))
		}
	}
	return gray
}
