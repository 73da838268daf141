package imageio

import (
	"image"
	"image/color"
)

// ToNRGBA converts an image to non-premultiplied RGBA, as Pillow's mode RGBA, with bounds that
// start at the origin. Of 16-bit samples the high 8 bits are kept. It always copies.
//
// The error is that of [CheckImage].
func ToNRGBA(img image.Image) (*image.NRGBA, error) {
	return converted(img, func() *image.NRGBA { return toNRGBA(img) })
}

func toNRGBA(img image.Image) *image.NRGBA {
	bounds := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	switch img := img.(type) {
	case *RGB, *image.YCbCr, *image.Gray, *image.Gray16, *image.CMYK:
		rgb := fromImage(img, nil)
		parallelRows(rgb.Height, 4*rgb.Width, func(y int) {
			row, in := out.Pix[y*out.Stride:], rgb.Pix[3*y*rgb.Width:]
			for x := range rgb.Width {
				copy(row[4*x:4*x+3], in[3*x:])
				row[4*x+3] = 0xff
			}
		})
	case *image.RGBA:
		parallelRows(bounds.Dy(), 4*bounds.Dx(), func(y int) {
			row, in := out.Pix[y*out.Stride:][:4*bounds.Dx()], img.Pix[y*img.Stride:]
			for i := 0; i < len(row); i += 4 {
				divideByAlpha(row[i:i+4], in[i:i+4])
			}
		})
	default:
		out.Pix = straightAlpha(img).pix
	}
	return out
}

// divideByAlpha undoes premultiplication for one pixel, as color.NRGBAModel does.
func divideByAlpha(out, in []uint8) {
	switch alpha := uint32(in[3]); alpha {
	case 0:
		out[0], out[1], out[2] = 0, 0, 0
	case 0xff:
		out[0], out[1], out[2] = in[0], in[1], in[2]
	default:
		for c := range 3 {
			out[c] = uint8(uint32(in[c]) * 0xffff / alpha >> 8)
		}
	}
	out[3] = in[3]
}

// ToGray converts an image to gray, with Pillow's weights of the channels (ITU-R 601-2),
// transparent parts composited over the background (nil means white), and bounds that start at the
// origin. It always copies.
//
// The error is that of [CheckImage].
func ToGray(img image.Image, background color.Color) (*image.Gray, error) {
	return converted(img, func() *image.Gray { return toGray(img, background) })
}

func toGray(img image.Image, background color.Color) *image.Gray {
	bounds := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	if gray, ok := img.(*image.Gray); ok {
		out.Pix = packedRows(gray.Pix, gray.Stride, bounds, 1).pix
		return out
	}
	rgb := fromImage(img, background)
	parallelRows(rgb.Height, 3*rgb.Width, func(y int) {
		row, in := out.Pix[y*out.Stride:][:rgb.Width], rgb.Pix[3*y*rgb.Width:]
		for x := range row {
			row[x] = uint8((19595*uint32(in[3*x]) + 38470*uint32(in[3*x+1]) + 7471*uint32(in[3*x+2]) + 0x8000) >> 16)
		}
	})
	return out
}
