package imageio

// unpackBits unpacks samples of 1, 2 or 4 bits, high bits first.
func unpackBits(out, in []uint8, bits int) {
	each := 8 / bits
	mask := uint8(1<<bits - 1)
	for i := range out {
		out[i] = in[i/each] >> (8 - bits - i%each*bits) & mask
	}
}

// floatLevel returns the gray level that Pillow's convert("RGB") gives for a float: truncated to an
// integer and clamped to [0, 255], or 0 for NaN.
func floatLevel(value float32) uint8 {
	switch {
	case value >= 255:
		return 255
	case value > 0:
		return uint8(value)
	}
	return 0
}

// levelOf is floatLevel for an integer.
func levelOf(value int32) uint8 { return uint8(max(0, min(value, 255))) }

// five scales a sample of 5 bits to 8 bits, as Pillow's unpackers do.
func five(sample uint16) uint8 { return uint8(int(sample&31) * 255 / 31) }

// six scales a sample of 6 bits to 8 bits, as Pillow's unpackers do.
func six(sample uint16) uint8 { return uint8(int(sample&63) * 255 / 63) }

// unpremultiplied divides a premultiplied sample by its alpha, as Pillow's unpackRGBa does.
func unpremultiplied(sample, alpha uint8) uint8 {
	if alpha == 0 || alpha == 255 {
		return sample
	}
	return saturate(255 * int(sample) / int(alpha))
}
