package imageio

import "image"

// Chroma is stored with fewer samples than luma. The functions below interpolate
// it linearly ("fancy upsampling"), as libjpeg and libwebp do, and not by
// repeating samples as the standard library does: that can be 28 levels off at
// the edges of colours.

// jpegRows gives the function that converts a row of a JPEG's picture.
func jpegRows(img *image.YCbCr) func(row []uint8, y int) {
	bounds := img.Bounds()
	horizontal, vertical := subsampling(img.SubsampleRatio)
	width := bounds.Dx()
	chromaWidth := (width + horizontal - 1) / horizontal
	chromaHeight := (bounds.Dy() + vertical - 1) / vertical
	isPlain := horizontal == 1 && vertical == 1
	isFancy := horizontal == 2 && vertical <= 2 && chromaWidth > 2
	if bounds.Min != (image.Point{}) || (!isPlain && !isFancy) {
		// Rare ratios; pictures so narrow that libjpeg repeats their samples
		// too; and a part of a picture, which does not know its neighbours.
		return func(row []uint8, y int) {
			for x := 0; x < len(row)/3; x++ {
				i, j := img.YOffset(bounds.Min.X+x, bounds.Min.Y+y), img.COffset(bounds.Min.X+x, bounds.Min.Y+y)
				jpegToRGB(row[3*x:3*x+3], img.Y[i], img.Cb[j], img.Cr[j])
			}
		}
	}
	return func(row []uint8, y int) {
		luma := img.Y[y*img.YStride : y*img.YStride+width]
		if isPlain {
			cb, cr := img.Cb[y*img.CStride:], img.Cr[y*img.CStride:]
			for x, l := range luma {
				jpegToRGB(row[3*x:3*x+3], l, cb[x], cr[x])
			}
			return
		}
		near, far := y, y
		if vertical == 2 {
			near = y / 2
			far = max(0, min(near-1+2*(y%2), chromaHeight-1))
		}
		line := func(plane []uint8, y int) []uint8 {
			return plane[y*img.CStride : y*img.CStride+chromaWidth]
		}
		cbNear, cbFar := line(img.Cb, near), line(img.Cb, far)
		crNear, crFar := line(img.Cr, near), line(img.Cr, far)
		for x, l := range luma {
			i := x / 2
			j := max(0, min(i-1+2*(x%2), chromaWidth-1))
			var cb, cr uint8
			if vertical == 2 {
				// libjpeg rounds down on the right half of a sample.
				round := 8 - x%2
				cb = jpegChroma2x2(cbNear, cbFar, i, j, round)
				cr = jpegChroma2x2(crNear, crFar, i, j, round)
			} else {
				cb = jpegChroma2x1(cbNear, i, j)
				cr = jpegChroma2x1(crNear, i, j)
			}
			jpegToRGB(row[3*x:3*x+3], l, cb, cr)
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

// jpegChroma2x2 weighs the nearest sample 9, its neighbours 3, the diagonal one
// 1 (jdsample.c, h2v2_fancy_upsample). At an edge, where i equals j, the sample
// stands for its neighbour.
func jpegChroma2x2(near, far []uint8, i, j, round int) uint8 {
	here := 3*int(near[i]) + int(far[i])
	there := 3*int(near[j]) + int(far[j])
	return uint8((3*here + there + round) >> 4)
}

// jpegChroma2x1 weighs the nearest sample 3 and its neighbour 1 (jdsample.c,
// h2v1_fancy_upsample).
func jpegChroma2x1(line []uint8, i, j int) uint8 {
	switch {
	case j == i:
		return line[i]
	case j > i:
		return uint8((3*int(line[i]) + int(line[j]) + 2) >> 2)
	}
	return uint8((3*int(line[i]) + int(line[j]) + 1) >> 2)
}

// jpegToRGB converts full-range YCbCr (JFIF), in libjpeg's fixed point
// (jdcolor.c).
func jpegToRGB(out []uint8, luma, cb, cr uint8) {
	y, b, r := int(luma), int(cb)-128, int(cr)-128
	out[0] = saturate(y + (91881*r+32768)>>16)
	out[1] = saturate(y + (-22554*b-46802*r+32768)>>16)
	out[2] = saturate(y + (116130*b+32768)>>16)
}

// fromWebP converts the lossy picture of a WebP file. Its YCbCr has the studio
// range of ITU-R BT.601, 16 to 235, which the standard library would take for
// full range: white would come out grey. alpha may be nil.
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

// webpChroma interpolates as libwebp does (dsp/upsampling.c), rounding included.
// lines are the nearer and the farther line of samples; i is the nearer column
// and j the farther one, equal at an edge.
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
