package imageio

import (
	"bytes"
	"image"
)

// frame is the position of an animation's first frame on its canvas. The zero value is that of a
// still image.
type frame struct {
	canvas image.Point // width and height
	at     image.Point
}

// fills reports whether a frame of this size covers the canvas.
func (f frame) fills(width, height int) bool {
	return f.canvas == image.Point{} || f.canvas == image.Pt(width, height)
}

// window returns the canvas in the frame's coordinates.
func (f frame) window(width, height int) image.Rectangle {
	if f.fills(width, height) {
		return image.Rect(0, 0, width, height)
	}
	return image.Rectangle{Max: f.canvas}.Sub(f.at)
}

// firstFrame returns a still image with the first frame of an animated WebP file, since the decoder
// does not support animations. Other data is returned unchanged.
func firstFrame(format string, data []byte) (frame, []byte) {
	const frameHeader, pictureHeader = 16, 10
	if format != "webp" {
		return frame{}, data
	}
	picture, animated := webpChunk(data, "VP8X"), webpChunk(data, "ANMF")
	if len(picture) < pictureHeader || len(animated) <= frameHeader {
		return frame{}, data
	}
	uint24 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	f := frame{
		canvas: image.Pt(uint24(picture[4:])+1, uint24(picture[7:])+1),
		at:     image.Pt(2*uint24(animated), 2*uint24(animated[3:])),
	}
	// The frame's chunks are VP8 or VP8L, ahead of VP8 perhaps ALPH, which needs
	// an extended header.
	chunks := animated[frameHeader:]
	var extended []byte
	if bytes.HasPrefix(chunks, []byte("ALPH")) {
		const alphaBit = 1 << 4
		extended = append([]byte("VP8X\x0a\x00\x00\x00"), alphaBit, 0, 0, 0)
		extended = append(extended, animated[6:12]...) // width and height of the frame
	}
	length := len("WEBP") + len(extended) + len(chunks)
	still := append([]byte("RIFF"), byte(length), byte(length>>8), byte(length>>16), byte(length>>24))
	still = append(still, "WEBP"...)
	still = append(still, extended...)
	return f, append(still, chunks...)
}

// withoutGIFTransparency clears the flag that makes a color of the first frame transparent, since
// the decoder would drop the color.
func withoutGIFTransparency(data []byte) []byte {
	data = bytes.Clone(data)
	skipTable := func(i int, flags byte) int {
		if flags&0x80 != 0 {
			i += 3 << (flags&7 + 1)
		}
		return i
	}
	const header = 13
	if len(data) < header {
		return data
	}
	for i := skipTable(header, data[10]); i+4 <= len(data) && data[i] == '!'; {
		if data[i+1] == 0xf9 { // graphic control
			data[i+3] &^= 1
		}
		for i += 2; i < len(data) && data[i] != 0; { // blocks, the empty one last
			i += 1 + int(data[i])
		}
		i++
	}
	return data
}
