package imageio

import (
	"fmt"
	"image"
	"image/color"
	"io"
)

// A Stored is an image as it is stored in its file: with a palette, in gray, with alpha or in CMYK,
// not turned by its EXIF orientation (but by that of TIFF), and with the colors of transparent
// pixels. It corresponds to the result of Pillow's Image.open, for software that resizes before it
// converts to RGB.
type Stored struct {
	format      string
	image       image.Image
	frame       frame
	orientation int
	png         pngHeader // for PNG
	bilevel     bool      // only black and white: Pillow's mode 1
	atLeast     image.Point
}

// LoadStored reads an image file. It uses the options MaxPixels, MaxBytes and AtLeast only. The
// errors are those of [Load].
func LoadStored(path string, options Options) (*Stored, error) {
	var d *Stored
	err := withFile(path, func(r io.Reader) (err error) {
		d, err = decodeStored(r, options, true)
		return err
	})
	return d, err
}

// DecodeStored is [LoadStored] from a stream.
func DecodeStored(r io.Reader, options Options) (*Stored, error) {
	d, err := decodeStored(r, options, true)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return d, nil
}

// StoredImage returns an image in memory as a [Stored]. The error is that of [CheckImage].
func StoredImage(img image.Image) (*Stored, error) {
	if err := checkPicture(img); err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return &Stored{image: img}, nil
}

// FitSquare is the function [FitSquare] that converts to RGB only after scaling and cropping the
// image in its own mode, as Pillow does: images with a palette or of one bit are resized with
// [Nearest], and images with alpha are resized premultiplied and then lose their alpha.
//
// The result equals Pillow's, bit for bit, with three exceptions: gray of more than 8 bits, which
// Pillow makes nearly all white; TIFF with a palette and alpha, whose indices Pillow resizes as if
// they were levels; and JPEG decoded by Go's decoder (see [Decoders]), which differs by a few
// levels. The error is [ErrSize] if size is out of range, or [ErrArgument] for an
// unknown filter or a value that was not loaded.
func (d *Stored) FitSquare(size int, filter Filter) (*RGB, error) {
	if err := d.checkSquare(size, filter); err != nil {
		return nil, err
	}
	return d.fitSquare(square{size, filter, false}), nil
}

// SquashSquare is [Stored.FitSquare] that scales both sides to size pixels, without a crop.
func (d *Stored) SquashSquare(size int, filter Filter) (*RGB, error) {
	if err := d.checkSquare(size, filter); err != nil {
		return nil, err
	}
	return d.fitSquare(square{size, filter, true}), nil
}

// checkSquare returns an error for parameters that do not fit, or a value that was not loaded.
func (d *Stored) checkSquare(size int, filter Filter) error {
	if d == nil || d.image == nil {
		return fmt.Errorf("imageio: %w: the picture was not loaded; LoadStored, DecodeStored and StoredImage return one", ErrArgument)
	}
	return checkSquare(size, filter)
}

// A square holds the parameters of scaling and cropping.
type square struct {
	size   int
	filter Filter
	squash bool
}

func (s square) scale(r raster, f Filter) raster {
	if !s.squash {
		return scaleAndCrop(r, s.size, f)
	}
	whole := image.Rect(0, 0, s.size, s.size)
	if r.width == s.size && r.height == s.size {
		return r
	}
	return r.resize(s.size, s.size, f, whole)
}

func (s square) fit(p *RGB) *RGB { return s.scale(p.raster(), s.filter).rgb() }

func (d *Stored) fitSquare(s square) *RGB {
	switch img := d.image.(type) {
	case *image.Paletted:
		if d.isGrayPalette(img) {
			break
		}
		whole := indices(img)
		whole = whole.crop(d.frame.window(whole.width, whole.height))
		return paletteToRGB(s.scale(whole, Nearest), img.Palette)
	case *image.CMYK:
		return cmykRasterToRGB(s.scale(packedRows(img.Pix, img.Stride, img.Rect, 4), s.filter))
	case *image.NRGBA, *image.NRGBA64, *image.RGBA64:
		if d.hasAlphaChannel() {
			straight := straightAlpha(d.image)
			return s.fitWithAlpha(straight.crop(d.frame.window(straight.width, straight.height)))
		}
		// A color that is declared transparent, or deep samples: only colors.
		return s.fit(withoutAlpha(d.image))
	case *image.RGBA:
		if d.format == "" && !img.Opaque() {
			return s.fitWithAlpha(straightAlpha(img))
		}
	case *image.NYCbCrA:
		colors := fromWebP(&img.YCbCr, nil, 0, backdrop{})
		alpha := packedRows(img.A, img.AStride, img.Rect, 1)
		joined := newRaster(colors.Width, colors.Height, 4)
		for i := range alpha.pix {
			copy(joined.pix[4*i:], colors.Pix[3*i:3*i+3])
			joined.pix[4*i+3] = alpha.pix[i]
		}
		return s.fitWithAlpha(joined.crop(d.frame.window(joined.width, joined.height)))
	}
	filter := s.filter
	if d.bilevel {
		filter = Nearest
	}
	return s.scale(d.rgb(newBackdrop(nil)).raster(), filter).rgb()
}

// hasAlphaChannel reports whether each pixel has an alpha, which a transparent color in PNG does
// not count as.
func (d *Stored) hasAlphaChannel() bool {
	return d.format != "png" || (d.png.colorType != pngGray && d.png.colorType != pngRGB)
}

// isGrayPalette reports whether Pillow takes indices as levels of gray: in GIF and BMP, if the
// palette agrees.
func (d *Stored) isGrayPalette(img *image.Paletted) bool {
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

// fitWithAlpha scales and crops premultiplied RGBA, and drops the alpha.
func (s square) fitWithAlpha(r raster) *RGB {
	width, height := ShorterSide(r.width, r.height, s.size)
	if width != r.width || height != r.height {
		for i := 0; i < len(r.pix); i += 4 {
			for c := range 3 {
				r.pix[i+c] = scale255(r.pix[i+c], r.pix[i+3])
			}
		}
		r = s.scale(r, s.filter)
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
		r = s.scale(r, s.filter)
	}
	out := NewRGB(r.width, r.height)
	for i := range r.width * r.height {
		copy(out.Pix[3*i:3*i+3], r.pix[4*i:])
	}
	return out
}

// packedRows copies rows with a stride to a raster.
func packedRows(pix []uint8, stride int, rect image.Rectangle, channels int) raster {
	r := newRaster(rect.Dx(), rect.Dy(), channels)
	for y := range r.height {
		copy(r.row(y), pix[y*stride:])
	}
	return r
}

// indices returns the indices of an image with a palette.
func indices(img *image.Paletted) raster {
	return packedRows(img.Pix, img.Stride, img.Rect, 1)
}

// paletteToRGB looks up indices, without alpha.
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

// straightAlpha converts to non-premultiplied RGBA.
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

// withoutAlpha returns the colors without alpha.
func withoutAlpha(img image.Image) *RGB {
	r := straightAlpha(img)
	p := NewRGB(r.width, r.height)
	for i := range r.width * r.height {
		copy(p.Pix[3*i:3*i+3], r.pix[4*i:])
	}
	return p
}
