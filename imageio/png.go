package imageio

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/png"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// pngHeader is the part of a PNG's header that the decoded image does not show.
type pngHeader struct{ depth, colorType uint8 }

// The color types of PNG.
const (
	pngGray      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGrayAlpha = 4
)

func decodePNG(data []byte, d *Stored) (err error) {
	// The header has been read for its size, so it is there.
	d.png = pngHeader{depth: data[24], colorType: data[25]}
	d.bilevel = d.png.depth == 1 && d.png.colorType == pngGray
	d.image, err = png.Decode(bytes.NewReader(data))
	return err
}

// withPNGEnd completes a PNG file that was truncated after its pixels, which the decoder would
// refuse because the IEND chunk is missing. Missing pixels are still an error of the decoder.
func withPNGEnd(data []byte) []byte {
	const signature, around = 8, 12 // bytes of the signature, and of a chunk without its contents
	sawPixels := false
	i := signature
	for i+around <= len(data) {
		length := int64(binary.BigEndian.Uint32(data[i:]))
		kind := string(data[i+4 : i+8])
		if kind == "IEND" {
			return data
		}
		if int64(i)+around+length > int64(len(data)) {
			break
		}
		sawPixels = sawPixels || kind == "IDAT"
		i += around + int(length)
	}
	cut := data[i:]
	out := data[:i:i]
	if len(cut) > 8 && string(cut[4:8]) == "IDAT" {
		// The contents may be complete, and only the checksum truncated.
		contents := cut[8:min(int64(len(cut)), 8+int64(binary.BigEndian.Uint32(cut)))]
		out = binary.BigEndian.AppendUint32(out, uint32(len(contents)))
		sum := len(out)
		out = append(append(out, "IDAT"...), contents...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[sum:]))
	} else if !sawPixels {
		return data
	}
	return append(out, "\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
}
