package imageio

import "image"

// Chroma has fewer samples than luma. The functions below interpolate it linearly ("fancy
// upsampling"), as libjpeg and libwebp do. The standard library repeats samples instead, which can
// be off by 28 levels at the edges of colors.

// jpegRows returns a function that converts a row of a JPEG image. Each goroutine needs its own.
func jpegRows(img *image.YCbCr) func(row []uint8, y int) {
	bounds := img.Bounds()
	width := bounds.Dx()
	horizontal, vertical := subsampling(img.SubsampleRatio)
	chromaWidth := (width + horizontal - 1) / horizontal
	chromaHeight := (bounds.Dy() + vertical - 1) / vertical
	cb, cr := make([]uint8, width), make([]uint8, width)

	// Samples are repeated for rare ratios, for images so narrow that libjpeg repeats them too, and
	// for a part of an image, which lacks its neighbors.
	if bounds.Min != (image.Point{}) || horizontal > 2 || (horizontal == 2 && chromaWidth <= 2) {
		return func(row []uint8, y int) {
			y += bounds.Min.Y
			for x := range width {
				i := img.COffset(bounds.Min.X+x, y)
				cb[x], cr[x] = img.Cb[i], img.Cr[i]
			}
			jpegToRGB(row, img.Y[img.YOffset(bounds.Min.X, y):][:width], cb, cr)
		}
	}
	line := func(plane []uint8, y int) []uint8 {
		y = max(0, min(y, chromaHeight-1))
		return plane[y*img.CStride : y*img.CStride+chromaWidth]
	}
	sums := make([]int32, chromaWidth)
	return func(row []uint8, y int) {
		luma := img.Y[y*img.YStride : y*img.YStride+width]
		near := y / vertical
		far := near - 1 + 2*(y%2)
		switch {
		case horizontal == 1 && vertical == 1:
			jpegToRGB(row, luma, line(img.Cb, y), line(img.Cr, y))
			return
		case horizontal == 1:
			interpolate1x2(cb, line(img.Cb, near), line(img.Cb, far), y%2)
			interpolate1x2(cr, line(img.Cr, near), line(img.Cr, far), y%2)
		case vertical == 1:
			interpolate2x1(cb, line(img.Cb, y))
			interpolate2x1(cr, line(img.Cr, y))
		default:
			interpolate2x2(cb, line(img.Cb, near), line(img.Cb, far), sums)
			interpolate2x2(cr, line(img.Cr, near), line(img.Cr, far), sums)
		}
		jpegToRGB(row, luma, cb, cr)
	}
}

// interpolate2x1 doubles a line: the nearest sample has weight 3, its neighbor 1 (libjpeg's
// jdsample.c, h2v1_fancy_upsample). Rounding alternates.
func interpolate2x1(out, in []uint8) {
	last := len(in) - 1
	for i, here := range in {
		left, right := in[max(0, i-1)], in[min(i+1, last)]
		out[2*i] = uint8((3*int32(here) + int32(left) + 1) >> 2)
		if 2*i+1 < len(out) {
			out[2*i+1] = uint8((3*int32(here) + int32(right) + 2) >> 2)
		}
	}
}

// interpolate1x2 interpolates between two lines: the nearer one has weight 3, the farther 1
// (h1v2_fancy_upsample). odd, 0 or 1, alternates the rounding by line.
func interpolate1x2(out, near, far []uint8, odd int) {
	near, far = near[:len(out)], far[:len(out)]
	for i := range out {
		out[i] = uint8((3*int(near[i]) + int(far[i]) + 1 + odd) >> 2)
	}
}

// interpolate2x2 doubles a line between two: the nearest sample has weight 9, its neighbors 3, the
// diagonal one 1 (h2v2_fancy_upsample). sums is a buffer of the length of the lines.
func interpolate2x2(out, near, far []uint8, sums []int32) {
	far = far[:len(near)]
	sums = sums[:len(near)]
	for i, n := range near {
		sums[i] = 3*int32(n) + int32(far[i])
	}
	last := len(sums) - 1
	for i, here := range sums {
		left, right := sums[max(0, i-1)], sums[min(i+1, last)]
		out[2*i] = uint8((3*here + left + 8) >> 4)
		if 2*i+1 < len(out) {
			out[2*i+1] = uint8((3*here + right + 7) >> 4)
		}
	}
}

func subsampling(ratio image.YCbCrSubsampleRatio) (horizontal, vertical int) {
	switch ratio {
	case image.YCbCrSubsampleRatio444:
		return 1, 1
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	}
	return 4, 2
}

// jpegToRGB converts a row of full-range YCbCr (JFIF), in libjpeg's fixed point
// (jdcolor.c).
func jpegToRGB(row, luma, cb, cr []uint8) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	row = row[:3*len(luma)]
	for x, l := range luma {
		y := int32(l)<<16 + 1<<15
		b, r := int32(cb[x])-128, int32(cr[x])-128
		out := row[3*x : 3*x+3 : 3*x+3]
		out[0] = clamp((y + 91881*r) >> 16)
		out[1] = clamp((y - 22554*b - 46802*r) >> 16)
		out[2] = clamp((y + 116130*b) >> 16)
	}
}

// clamp is saturate for 32 bits, with one comparison where nothing is clamped.
func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		v = ^(v >> 31)
	}
	return uint8(v)
}

// fromWebP converts a lossy WebP image. Its YCbCr has the studio range of ITU-R BT.601, 16 to 235,
// which the standard library would take for full range, so that white would become gray. alpha may
// be nil.
func fromWebP(img *image.YCbCr, alpha []uint8, alphaStride int, over backdrop) *RGB {
	width, height := img.Bounds().Dx(), img.Bounds().Dy()
	chromaWidth, chromaHeight := (width+1)/2, (height+1)/2
	p := NewRGB(width, height)
	parallelRows(height, 3*width, func(y int) {
		near := y / 2
		far := max(0, min(near-1+2*(y%2), chromaHeight-1))
		u := [2][]uint8{img.Cb[near*img.CStride:], img.Cb[far*img.CStride:]}
		v := [2][]uint8{img.Cr[near*img.CStride:], img.Cr[far*img.CStride:]}
		for x := range width {
			i := x / 2
			j := max(0, min(i-1+2*(x%2), chromaWidth-1))
			out := p.Pix[3*(y*width+x):][:3]
			webpToRGB(out, int(img.Y[y*img.YStride+x]), webpChroma(u, i, j), webpChroma(v, i, j))
			if alpha != nil {
				over.straight(out, out[0], out[1], out[2], alpha[y*alphaStride+x])
			}
		}
	})
	return p
}

// webpChroma interpolates as libwebp does (dsp/upsampling.c), including its rounding. lines are the
// nearer and the farther line of samples; i is the nearer column and j the farther one, equal at an
// edge.
func webpChroma(lines [2][]uint8, i, j int) int {
	nearest, below := int(lines[0][i]), int(lines[1][i])
	if i == j {
		return (3*nearest + below + 2) >> 2
	}
	beside, diagonal := int(lines[0][j]), int(lines[1][j])
	return (((nearest+3*beside+3*below+diagonal+8)>>3 + nearest) >> 1)
}

// webpToRGB is libwebp's fixed-point conversion (dsp/yuv.h).
func webpToRGB(out []uint8, y, u, v int) {
	clip := func(value int) uint8 { return saturate(value >> 6) }
	luma := y * 19077 >> 8
	out[0] = clip(luma + v*26149>>8 - 14234)
	out[1] = clip(luma - u*6419>>8 - v*13320>>8 + 8708)
	out[2] = clip(luma + u*33050>>8 - 17685)
}
