package imageio

import (
	"bytes"
	"encoding/binary"
)

// orientationOf finds the EXIF orientation, 1 to 8, in the bytes of a picture
// file; 1 (upright) if it states none.
func orientationOf(format string, data []byte) int {
	switch format {
	case "jpeg":
		return tiffOrientation(jpegExif(data))
	case "png":
		return tiffOrientation(pngChunk(data, "eXIf"))
	case "webp":
		return tiffOrientation(bytes.TrimPrefix(webpChunk(data, "EXIF"), exifHeader))
	case "tiff":
		return tiffOrientation(data)
	}
	return 1
}

var exifHeader = []byte("Exif\x00\x00")

// jpegExif finds the EXIF data in the APP1 segment of a JPEG file.
func jpegExif(data []byte) []byte {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		marker := data[i+1]
		if marker == 0xff { // padding
			i++
			continue
		}
		if marker == 0xda || marker == 0xd9 { // the picture itself, or the end
			break
		}
		length := int(binary.BigEndian.Uint16(data[i+2:]))
		if length < 2 || i+2+length > len(data) {
			break
		}
		segment := data[i+4 : i+2+length]
		if marker == 0xe1 && bytes.HasPrefix(segment, exifHeader) {
			return segment[len(exifHeader):]
		}
		i += 2 + length
	}
	return nil
}

// pngChunk finds the contents of a PNG file's first chunk of a kind.
func pngChunk(data []byte, kind string) []byte {
	for i := 8; i+12 <= len(data); {
		length := int64(binary.BigEndian.Uint32(data[i:]))
		if int64(i)+12+length > int64(len(data)) {
			return nil
		}
		if string(data[i+4:i+8]) == kind {
			return data[i+8 : i+8+int(length)]
		}
		i += 12 + int(length)
	}
	return nil
}

// webpChunk finds the contents of a WebP file's first chunk of a kind.
func webpChunk(data []byte, kind string) []byte {
	for i := 12; i+8 <= len(data); {
		length := int64(binary.LittleEndian.Uint32(data[i+4:]))
		if int64(i)+8+length > int64(len(data)) {
			return nil
		}
		if string(data[i:i+4]) == kind {
			return data[i+8 : i+8+int(length)]
		}
		i += 8 + int(length+length%2)
	}
	return nil
}

// tiffOrientation finds the orientation in TIFF data, the form that EXIF has: the
// tag 274 of the first directory.
func tiffOrientation(data []byte) int {
	if len(data) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(data[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	directory := int64(order.Uint32(data[4:]))
	if directory+2 > int64(len(data)) {
		return 1
	}
	entries := data[directory+2:]
	for n := int(order.Uint16(data[directory:])); n > 0 && len(entries) >= 12; n-- {
		const short = 3
		if order.Uint16(entries) == 274 && order.Uint16(entries[2:]) == short {
			if value := order.Uint16(entries[8:]); value >= 1 && value <= 8 {
				return int(value)
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// orient turns and mirrors a picture that is stored with an EXIF orientation
// upright.
func orient(p *RGB, orientation int) *RGB {
	if orientation <= 1 || orientation > 8 {
		return p
	}
	width, height := p.Width, p.Height
	if orientation >= 5 {
		width, height = height, width
	}
	out := NewRGB(width, height)
	parallelRows(height, 3*width, func(y int) {
		for x := range width {
			// Where the pixel at x, y stands in the stored picture.
			sx, sy := x, y
			switch orientation {
			case 2: // mirrored
				sx = width - 1 - x
			case 3: // upside down
				sx, sy = width-1-x, height-1-y
			case 4: // upside down, mirrored
				sy = height - 1 - y
			case 5: // transposed
				sx, sy = y, x
			case 6: // to be turned clockwise
				sx, sy = y, width-1-x
			case 7: // transposed along the other diagonal
				sx, sy = height-1-y, width-1-x
			case 8: // to be turned anticlockwise
				sx, sy = height-1-y, x
			}
			copy(out.Pix[3*(y*width+x):][:3], p.Pix[3*(sy*p.Width+sx):])
		}
	})
	return out
}
