package imageio

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"runtime"
	"sync"
)

// RGB is an image of packed 8-bit red, green and blue samples. It implements image.Image and
// draw.Image.
type RGB struct {
	// Pix holds three bytes for each pixel, row by row from the top, without padding.
	Pix           []uint8
	Width, Height int
}

// NewRGB returns a black image of width x height pixels. It panics with [ErrSize] if a side is
// negative or there are too many pixels for memory, as image.NewRGBA does.
func NewRGB(width, height int) *RGB {
	if width < 0 || height < 0 || height > 0 && width > math.MaxInt/3/height {
		panic(fmt.Errorf("imageio: NewRGB: %w: %dx%d", ErrSize, width, height))
	}
	return &RGB{Pix: make([]uint8, 3*width*height), Width: width, Height: height}
}

// ColorModel returns color.RGBAModel; the alpha of all colors is 255.
func (p *RGB) ColorModel() color.Model { return color.RGBAModel }

// Bounds returns the rectangle from the origin to (Width, Height).
func (p *RGB) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// At returns the color of a pixel, or black outside the image.
func (p *RGB) At(x, y int) color.Color {
	if !(image.Point{x, y}).In(p.Bounds()) {
		return color.RGBA{A: 0xff}
	}
	i := 3 * (y*p.Width + x)
	return color.RGBA{p.Pix[i], p.Pix[i+1], p.Pix[i+2], 0xff}
}

// Set sets the color of a pixel; a transparent color is composited over black. Outside the image it
// does nothing.
func (p *RGB) Set(x, y int, c color.Color) {
	if !(image.Point{x, y}).In(p.Bounds()) {
		return
	}
	r, g, b, _ := c.RGBA()
	i := 3 * (y*p.Width + x)
	p.Pix[i], p.Pix[i+1], p.Pix[i+2] = uint8(r>>8), uint8(g>>8), uint8(b>>8)
}

// Opaque returns true.
func (p *RGB) Opaque() bool { return true }

// Clone returns a copy.
func (p *RGB) Clone() *RGB {
	return &RGB{Pix: append([]uint8(nil), p.Pix...), Width: p.Width, Height: p.Height}
}

// check returns an error if the fields do not fit together.
func (p *RGB) check() error {
	if p == nil || p.Width <= 0 || p.Height <= 0 {
		return fmt.Errorf("%w: the picture is empty", ErrSize)
	}
	if len(p.Pix) != 3*p.Width*p.Height {
		return fmt.Errorf("%w: %d bytes are no %dx%d RGB picture", ErrSize, len(p.Pix), p.Width, p.Height)
	}
	return nil
}

// FromImage converts an image to RGB, with transparent parts composited over the background (nil
// means white). Of 16-bit samples the high 8 bits are kept. An *RGB is returned itself, not copied.
// The error is that of [CheckImage].
func FromImage(img image.Image, background color.Color) (*RGB, error) {
	return converted(img, func() *RGB { return fromImage(img, background) })
}

func fromImage(img image.Image, background color.Color) *RGB {
	if p, ok := img.(*RGB); ok {
		return p
	}
	bounds := img.Bounds()
	p := NewRGB(bounds.Dx(), bounds.Dy())
	over := newBackdrop(background)
	parallelBlocks(p.Height, 3*p.Width, func(start, end int) {
		convert := rowConverter(img, over)
		for y := start; y < end; y++ {
			convert(p.Pix[3*p.Width*y:3*p.Width*(y+1)], y)
		}
	})
	return p
}

// rowConverter returns a function that converts row y, counted from the top of the image's bounds.
// It has a buffer, so each goroutine needs its own.
func rowConverter(img image.Image, over backdrop) func(row []uint8, y int) {
	bounds := img.Bounds()
	switch img := img.(type) {
	case *image.NRGBA:
		return func(row []uint8, y int) {
			in := img.Pix[img.PixOffset(bounds.Min.X, bounds.Min.Y+y):]
			for x := 0; x < len(row)/3; x++ {
				over.straight(row[3*x:3*x+3], in[4*x], in[4*x+1], in[4*x+2], in[4*x+3])
			}
		}
	case *image.RGBA:
		return func(row []uint8, y int) {
			in := img.Pix[img.PixOffset(bounds.Min.X, bounds.Min.Y+y):]
			for x := 0; x < len(row)/3; x++ {
				over.premultiplied(row[3*x:3*x+3], in[4*x], in[4*x+1], in[4*x+2], in[4*x+3])
			}
		}
	case *image.Gray:
		return func(row []uint8, y int) {
			in := img.Pix[img.PixOffset(bounds.Min.X, bounds.Min.Y+y):]
			for x := 0; x < len(row)/3; x++ {
				row[3*x], row[3*x+1], row[3*x+2] = in[x], in[x], in[x]
			}
		}
	case *image.Paletted:
		var table [256][3]uint8
		for i, c := range img.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			over.straight(table[i][:], n.R, n.G, n.B, n.A)
		}
		return func(row []uint8, y int) {
			in := img.Pix[img.PixOffset(bounds.Min.X, bounds.Min.Y+y):]
			for x := 0; x < len(row)/3; x++ {
				copy(row[3*x:], table[in[x]][:])
			}
		}
	case *image.YCbCr:
		return jpegRows(img)
	case *image.CMYK:
		return func(row []uint8, y int) {
			in := img.Pix[img.PixOffset(bounds.Min.X, bounds.Min.Y+y):]
			for x := 0; x < len(row)/3; x++ {
				cmykToRGB(row[3*x:3*x+3], in[4*x:4*x+4])
			}
		}
	}
	return func(row []uint8, y int) {
		for x := 0; x < len(row)/3; x++ {
			c := color.NRGBA64Model.Convert(img.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.NRGBA64)
			over.straight(row[3*x:3*x+3], uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8), uint8(c.A>>8))
		}
	}
}

// backdrop is the color behind transparent parts.
type backdrop [3]uint8

func newBackdrop(c color.Color) backdrop {
	if c == nil {
		return backdrop{255, 255, 255}
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return backdrop{n.R, n.G, n.B}
}

// straight composites a non-premultiplied color over the backdrop.
func (b backdrop) straight(out []uint8, red, green, blue, alpha uint8) {
	switch alpha {
	case 255:
		out[0], out[1], out[2] = red, green, blue
	case 0:
		out[0], out[1], out[2] = b[0], b[1], b[2]
	default:
		out[0] = mix(red, b[0], alpha)
		out[1] = mix(green, b[1], alpha)
		out[2] = mix(blue, b[2], alpha)
	}
}

// premultiplied composites a premultiplied color over the backdrop.
func (b backdrop) premultiplied(out []uint8, red, green, blue, alpha uint8) {
	rest := 255 - alpha
	out[0] = saturate(int(red) + int(scale255(b[0], rest)))
	out[1] = saturate(int(green) + int(scale255(b[1], rest)))
	out[2] = saturate(int(blue) + int(scale255(b[2], rest)))
}

// mix is (a*alpha + b*(255-alpha))/255, rounded.
func mix(a, b, alpha uint8) uint8 {
	return uint8((int(a)*int(alpha) + int(b)*(255-int(alpha)) + 127) / 255)
}

// scale255 is a*b/255, rounded: Pillow's MULDIV255.
func scale255(a, b uint8) uint8 {
	t := uint(a)*uint(b) + 128
	return uint8((t + t>>8) >> 8)
}

func saturate(v int) uint8 {
	return uint8(max(0, min(v, 255)))
}

// cmykToRGB converts one pixel as Pillow does.
func cmykToRGB(out, in []uint8) {
	white := 255 - in[3]
	for c := range 3 {
		out[c] = white - scale255(in[c], white)
	}
}

// parallelRows calls do for each row, on all processors if the work is worth it.
// samples is the number of values in a row.
func parallelRows(rows, samples int, do func(y int)) {
	parallelBlocks(rows, samples, func(start, end int) {
		for y := start; y < end; y++ {
			do(y)
		}
	})
}

// parallelBlocks is parallelRows with a call for each block of rows.
func parallelBlocks(rows, samples int, do func(start, end int)) {
	workers := min(runtime.GOMAXPROCS(0), rows, 1+rows*samples/(1<<16))
	if workers <= 1 {
		do(0, rows)
		return
	}
	var group sync.WaitGroup
	failures := make(chan any, workers)
	for w := range workers {
		group.Go(func() {
			defer func() {
				if reason := recover(); reason != nil { // in the caller's goroutine it can be caught
					failures <- reason
				}
			}()
			do(rows*w/workers, rows*(w+1)/workers)
		})
	}
	group.Wait()
	select {
	case reason := <-failures:
		panic(reason)
	default:
	}
}
