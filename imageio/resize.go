package imageio

import (
	"encoding/binary"
	"fmt"
	"image"
)

// Resize returns the image scaled to width x height pixels. The pixels equal those of Pillow's
// Image.resize (version 12.3), bit for bit. An image that already has the size is copied. The error
// is [ErrSize], [ErrTooManyPixels] beyond [DefaultMaxPixels], or [ErrArgument] for an unknown filter.
func Resize(p *RGB, width, height int, f Filter) (*RGB, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if width <= 0 || height <= 0 {
		return nil, fmt.Errorf("imageio: %w: cannot resize to %dx%d", ErrSize, width, height)
	}
	if int64(width) > DefaultMaxPixels/int64(height) {
		return nil, fmt.Errorf("imageio: %w: cannot resize to %dx%d, the limit is %d", ErrTooManyPixels, width, height, DefaultMaxPixels)
	}
	if p.Width == width && p.Height == height {
		return p.Clone(), nil
	}
	return p.raster().resize(width, height, f, image.Rect(0, 0, width, height)).rgb(), nil
}

// raster is an image of 8-bit samples with any number of channels.
type raster struct {
	pix                     []uint8
	width, height, channels int
}

func newRaster(width, height, channels int) raster {
	return raster{make([]uint8, width*height*channels), width, height, channels}
}

func (p *RGB) raster() raster { return raster{p.Pix, p.Width, p.Height, 3} }

// rgb returns a raster of three channels as an RGB.
func (r raster) rgb() *RGB { return &RGB{Pix: r.pix, Width: r.width, Height: r.height} }

func (r raster) row(y int) []uint8 {
	stride := r.width * r.channels
	return r.pix[y*stride : (y+1)*stride]
}

// resize scales to width x height and returns a window of the result, without computing the rest.
func (r raster) resize(width, height int, f Filter, window image.Rectangle) raster {
	if f == Nearest {
		return r.resizeNearest(width, height, window)
	}
	// As Pillow does, scale the rows first if the image is tall and thin and they become fewer
	// (Image.resize in PIL/Image.py).
	if r.height > 100*r.width && height < r.height && width != r.width {
		fewer := r.resize(r.width, height, f, image.Rect(0, window.Min.Y, r.width, window.Max.Y))
		return fewer.resize(width, fewer.height, f, image.Rect(window.Min.X, 0, window.Max.X, fewer.height))
	}
	// Otherwise, as in Pillow: columns first, 8 bits between the passes, and no pass for a size
	// that does not change.
	inputHeight := r.height
	rows := image.Pt(window.Min.Y, window.Max.Y) // the input rows that are needed
	var vertical weights
	if height != inputHeight {
		vertical = newWeights(r.height, height, window.Min.Y, window.Max.Y, f)
		rows = vertical.inputs()
	}
	if width != r.width {
		horizontal := newWeights(r.width, width, window.Min.X, window.Max.X, f)
		r = r.resizeColumns(&horizontal, rows)
	} else {
		r = r.crop(image.Rect(window.Min.X, rows.X, window.Max.X, rows.Y))
	}
	if height != inputHeight {
		r = r.resizeRows(&vertical, rows.X)
	}
	return r
}

// inputs returns the range of input pixels that the weights use.
func (w *weights) inputs() image.Point {
	last := len(w.first) - 1
	return image.Pt(w.first[0], w.first[last]+w.count[last])
}

// resizeColumns scales the rows from rows.X to rows.Y horizontally.
//
// It works on two rows at a time, in the two halves of a 64-bit number. Signed sums fit in 32 bits,
// so the lower half can be separated exactly.
func (r raster) resizeColumns(w *weights, rows image.Point) raster {
	out := newRaster(len(w.first), rows.Y-rows.X, r.channels)
	pairs := (out.height + 1) / 2
	parallelBlocks(pairs, 2*r.width*r.channels, func(start, end int) {
		planes := make([][]uint64, r.channels)
		for c := range planes {
			planes[c] = make([]uint64, r.width)
		}
		for pair := start; pair < end; pair++ {
			upper := 2 * pair
			lower := min(upper+1, out.height-1)
			packRows(planes, r.row(rows.X+upper), r.row(rows.X+lower))
			if r.channels == 3 {
				weighRGB(out.row(upper), out.row(lower), planes, w)
				continue
			}
			for c, plane := range planes {
				weighPlane(out.row(upper)[c:], out.row(lower)[c:], r.channels, plane, w)
			}
		}
	})
	return out
}

// halves is 0.5 in the sums' fixed point, in both halves of a 64-bit number: it turns rounding down
// into rounding to nearest.
const halves = 1<<(weightBits-1) | 1<<(weightBits-1+32)

// packRows combines each channel of two rows in one plane.
func packRows(planes [][]uint64, a, b []uint8) {
	channels := len(planes)
	b = b[:len(a)]
	for c, plane := range planes {
		i := c
		for x := range plane {
			plane[x] = uint64(a[i]) | uint64(b[i])<<32
			i += channels
		}
	}
}

// weighPlane scales one channel of two rows, and writes every channels-th byte of the outputs.
func weighPlane(outA, outB []uint8, channels int, plane []uint64, w *weights) {
	for x := range w.first {
		first, values := w.of(x)
		in := plane[first:][:len(values)]
		sum := uint64(halves)
		for i, v := range values {
			sum += in[i] * uint64(v)
		}
		outA[x*channels], outB[x*channels] = unpack(sum)
	}
}

// weighRGB is weighPlane for three channels at once, which is faster.
func weighRGB(outA, outB []uint8, planes [][]uint64, w *weights) {
	for x := range w.first {
		first, values := w.of(x)
		red := planes[0][first:][:len(values)]
		green := planes[1][first:][:len(values)]
		blue := planes[2][first:][:len(values)]
		s0, s1, s2 := uint64(halves), uint64(halves), uint64(halves)
		for i, v := range values {
			s0 += red[i] * uint64(v)
			s1 += green[i] * uint64(v)
			s2 += blue[i] * uint64(v)
		}
		outA[3*x], outB[3*x] = unpack(s0)
		outA[3*x+1], outB[3*x+1] = unpack(s1)
		outA[3*x+2], outB[3*x+2] = unpack(s2)
	}
}

// unpack separates the two sums in a 64-bit number and rounds them to samples.
func unpack(sum uint64) (low, high uint8) {
	lower := int32(uint32(sum))
	upper := int32(uint32((sum - uint64(int64(lower))) >> 32))
	return saturate(int(lower >> weightBits)), saturate(int(upper >> weightBits))
}

// resizeRows scales vertically. The raster's first row is row top of the image that the weights are
// for.
func (r raster) resizeRows(w *weights, top int) raster {
	out := newRaster(r.width, len(w.first), r.channels)
	stride := r.width * r.channels
	// Eight samples are read at a time, also past the end.
	padded := append(r.pix[:len(r.pix):len(r.pix)], make([]uint8, 8)...)
	const ends = 0xff | 0xff<<32
	parallelBlocks(out.height, stride*w.size, func(start, end int) {
		var block [8]uint8
		for y := start; y < end; y++ {
			first, values := w.of(y)
			row := out.row(y)
			for x := 0; x < stride; x += 8 {
				s0, s1, s2, s3 := uint64(halves), uint64(halves), uint64(halves), uint64(halves)
				in := padded[(first-top)*stride+x:]
				for i, v := range values {
					eight := binary.LittleEndian.Uint64(in[i*stride:])
					s0 += eight & ends * uint64(v)
					s1 += eight >> 8 & ends * uint64(v)
					s2 += eight >> 16 & ends * uint64(v)
					s3 += eight >> 24 & ends * uint64(v)
				}
				block[0], block[4] = unpack(s0)
				block[1], block[5] = unpack(s1)
				block[2], block[6] = unpack(s2)
				block[3], block[7] = unpack(s3)
				copy(row[x:], block[:])
			}
		}
	})
	return out
}

// resizeNearest takes the nearest pixels. Positions are accumulated step by step, as in Pillow's
// ImagingScaleAffine, including its rounding errors.
func (r raster) resizeNearest(width, height int, window image.Rectangle) raster {
	out := newRaster(window.Dx(), window.Dy(), r.channels)
	columns := nearestPositions(r.width, width, window.Min.X, window.Max.X)
	rows := nearestPositions(r.height, height, window.Min.Y, window.Max.Y)
	parallelRows(out.height, out.width*r.channels, func(y int) {
		if rows[y] >= r.height {
			return
		}
		in, row := r.row(rows[y]), out.row(y)
		for x, column := range columns {
			if column < r.width {
				copy(row[x*r.channels:(x+1)*r.channels], in[column*r.channels:])
			}
		}
	})
	return out
}

// nearestPositions returns the input positions for the output positions from start to end.
func nearestPositions(in, out, start, end int) []int {
	positions := make([]int, end-start)
	step := float64(in) / float64(out)
	at := step * 0.5
	const longest = 1 << 24
	if start > longest {
		// Nothing has been that long in Pillow, and adding up would take too long.
		at = step * (float64(start) + 0.5)
	} else {
		for range start {
			at += step
		}
	}
	for i := range positions {
		positions[i] = int(at)
		at += step
	}
	return positions
}

// crop returns a window, which may extend beyond the image; pixels there are zero.
func (r raster) crop(window image.Rectangle) raster {
	if window == image.Rect(0, 0, r.width, r.height) {
		return r
	}
	out := newRaster(window.Dx(), window.Dy(), r.channels)
	from := window.Intersect(image.Rect(0, 0, r.width, r.height))
	for y := from.Min.Y; y < from.Max.Y; y++ {
		copy(out.row(y - window.Min.Y)[(from.Min.X-window.Min.X)*r.channels:],
			r.row(y)[from.Min.X*r.channels:from.Max.X*r.channels])
	}
	return out
}
