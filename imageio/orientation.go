package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
)

// orientationOf returns the EXIF orientation, 1 to 8, in the bytes of an image file, or 1 (upright)
// if there is none.
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

// jpegExif returns the EXIF data in the APP1 segment of a JPEG file.
func jpegExif(data []byte) []byte {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		marker := data[i+1]
		if marker == 0xff { // padding
			i++
			continue
		}
		if marker == 0xda || marker == 0xd9 { // the image data, or the end
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

// pngChunk returns the contents of a PNG file's first chunk of a kind.
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

// webpChunk returns the contents of a WebP file's first chunk of a kind.
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

// tiffOrientation returns the orientation in TIFF data, the format of EXIF: tag 274 in the first
// directory.
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

// orient turns an image that is stored with an EXIF orientation upright.
func orient(p *RGB, orientation int) *RGB {
	if orientation <= 1 || orientation > 8 {
		return p
	}
	pix, width, height := orientPixels(p.Pix, p.Width, p.Height, orientation)
	return &RGB{Pix: pix, Width: width, Height: height}
}

// orientImage is orient for the image types of the TIFF decoder.
func orientImage(img image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	size := img.Bounds().Size()
	turn := func(pix []uint8) ([]uint8, int, image.Rectangle) {
		out, width, height := orientPixels(pix, size.X, size.Y, orientation)
		return out, len(out) / height, image.Rect(0, 0, width, height)
	}
	switch img := img.(type) {
	case *RGB:
		return orient(img, orientation)
	case *image.Gray:
		out := &image.Gray{}
		out.Pix, out.Stride, out.Rect = turn(img.Pix)
		return out
	case *image.NRGBA:
		out := &image.NRGBA{}
		out.Pix, out.Stride, out.Rect = turn(img.Pix)
		return out
	case *image.CMYK:
		out := &image.CMYK{}
		out.Pix, out.Stride, out.Rect = turn(img.Pix)
		return out
	case *image.Paletted:
		out := &image.Paletted{Palette: img.Palette}
		out.Pix, out.Stride, out.Rect = turn(img.Pix)
		return out
	case *image.Gray16:
		out := &image.Gray16{}
		out.Pix, out.Stride, out.Rect = turn(img.Pix)
		return out
	}
	panic(fmt.Sprintf("a picture of type %T cannot be turned", img))
}

// orientPixels is orient for packed pixels of any size.
func orientPixels(pix []uint8, storedWidth, storedHeight, orientation int) (out []uint8, width, height int) {
	width, height = storedWidth, storedHeight
	if orientation >= 5 {
		width, height = height, width
	}
	each := len(pix) / (width * height)
	out = make([]uint8, len(pix))
	parallelRows(height, each*width, func(y int) {
		for x := range width {
			// The position of pixel x, y in the stored image.
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
			case 6: // turn clockwise
				sx, sy = y, width-1-x
			case 7: // transposed along the other diagonal
				sx, sy = height-1-y, width-1-x
			case 8: // turn counterclockwise
				sx, sy = height-1-y, x
			}
			copy(out[each*(y*width+x):][:each], pix[each*(sy*storedWidth+sx):])
		}
	})
	return out, width, height
}
