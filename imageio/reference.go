package imageio

import (
	"image"
	"image/color"
)

// openai/CLIP resizes a picture in the mode that Pillow has it in, and converts
// it to RGB at the end. This file does the same.

// cropReference scales and crops in the picture's own mode, then converts.
func (p *Preprocessor) cropReference(d *stored) *RGB {
	switch img := d.image.(type) {
	case *image.Paletted:
		if d.isGrayPalette(img) {
			break
		}
		whole := indices(img)
		whole = whole.crop(d.frame.window(whole.width, whole.height))
		return paletteToRGB(scaleAndCrop(whole, p.Size, Nearest), img.Palette)
	case *image.CMYK:
		return cmykRasterToRGB(scaleAndCrop(packedRows(img.Pix, img.Stride, img.Rect, 4), p.Size, p.Filter))
	case *image.NRGBA, *image.NRGBA64, *image.RGBA64:
		if d.hasAlphaChannel() {
			straight := straightAlpha(d.image)
			return p.cropWithAlpha(straight.crop(d.frame.window(straight.width, straight.height)))
		}
		// A colour that is declared transparent, or deep samples: only colours.
		return p.crop(withoutAlpha(d.image))
	case *image.RGBA:
		if d.format == "" && !img.Opaque() {
			return p.cropWithAlpha(straightAlpha(img))
		}
	case *image.NYCbCrA:
		colours := fromWebP(&img.YCbCr, nil, 0, backdrop{})
		alpha := packedRows(img.A, img.AStride, img.Rect, 1)
		joined := newRaster(colours.Width, colours.Height, 4)
		for i := range alpha.pix {
			copy(joined.pix[4*i:], colours.Pix[3*i:3*i+3])
			joined.pix[4*i+3] = alpha.pix[i]
		}
		return p.cropWithAlpha(joined.crop(d.frame.window(joined.width, joined.height)))
	}
	filter := p.Filter
	if d.format == "png" && d.png.depth == 1 {
		filter = Nearest // Pillow's mode 1
	}
	return scaleAndCrop(d.rgb(newBackdrop(nil)).raster(), p.Size, filter).rgb()
}

// hasAlphaChannel says whether each pixel has an alpha, which a colour that PNG
// declares transparent is not.
func (d *stored) hasAlphaChannel() bool {
	return d.format != "png" || (d.png.colorType != pngGray && d.png.colorType != pngRGB)
}

// isGrayPalette says whether Pillow takes indices for levels of grey: in GIF and
// BMP, where the palette says the same.
func (d *stored) isGrayPalette(img *image.Paletted) bool {
	if d.format != "gif" && d.format != "bmp" {
		return false
	}
	for i, c := range img.Palette {
		r, g, b, _ := c.RGBA()
		if level := uint32(i) * 0x101; r != level || g != level || b != level {
			return false
		}
	}
	return true
}

// cropWithAlpha scales and crops RGBA premultiplied, and drops the alpha.
func (p *Preprocessor) cropWithAlpha(r raster) *RGB {
	width, height := ShorterSide(r.width, r.height, p.Size)
	if width != r.width || height != r.height {
		for i := 0; i < len(r.pix); i += 4 {
			for c := range 3 {
				r.pix[i+c] = scale255(r.pix[i+c], r.pix[i+3])
			}
		}
		r = scaleAndCrop(r, p.Size, p.Filter)
		for i := 0; i < len(r.pix); i += 4 {
			alpha := int(r.pix[i+3])
			if alpha == 0 || alpha == 255 {
				continue
			}
			for c := range 3 {
				r.pix[i+c] = saturate(255 * int(r.pix[i+c]) / alpha)
			}
		}
	} else {
		r = scaleAndCrop(r, p.Size, p.Filter)
	}
	out := NewRGB(r.width, r.height)
	for i := range r.width * r.height {
		copy(out.Pix[3*i:3*i+3], r.pix[4*i:])
	}
	return out
}

// packedRows copies rows that have a stride into a raster.
func packedRows(pix []uint8, stride int, rect image.Rectangle, channels int) raster {
	r := newRaster(rect.Dx(), rect.Dy(), channels)
	for y := range r.height {
		copy(r.row(y), pix[y*stride:])
	}
	return r
}

// indices are the samples of a picture with a palette.
func indices(img *image.Paletted) raster {
	return packedRows(img.Pix, img.Stride, img.Rect, 1)
}

// paletteToRGB looks indices up, alpha left out.
func paletteToRGB(r raster, palette color.Palette) *RGB {
	var table [256][3]uint8
	for i, c := range palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i] = [3]uint8{n.R, n.G, n.B}
	}
	out := NewRGB(r.width, r.height)
	for i, index := range r.pix {
		copy(out.Pix[3*i:], table[index][:])
	}
	return out
}

func cmykRasterToRGB(r raster) *RGB {
	out := NewRGB(r.width, r.height)
	for i := range r.width * r.height {
		cmykToRGB(out.Pix[3*i:3*i+3], r.pix[4*i:4*i+4])
	}
	return out
}

// straightAlpha converts to RGBA that is not premultiplied.
func straightAlpha(img image.Image) raster {
	bounds := img.Bounds()
	if n, ok := img.(*image.NRGBA); ok {
		return packedRows(n.Pix[n.PixOffset(bounds.Min.X, bounds.Min.Y):], n.Stride, n.Rect, 4)
	}
	r := newRaster(bounds.Dx(), bounds.Dy(), 4)
	parallelRows(r.height, r.width*4, func(y int) {
		row := r.row(y)
		for x := range r.width {
			c := color.NRGBA64Model.Convert(img.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.NRGBA64)
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8), uint8(c.A>>8)
		}
	})
	return r
}

// withoutAlpha takes the colours as they are.
func withoutAlpha(img image.Image) *RGB {
	r := straightAlpha(img)
	p := NewRGB(r.width, r.height)
	for i := range r.width * r.height {
		copy(p.Pix[3*i:3*i+3], r.pix[4*i:])
	}
	return p
}
