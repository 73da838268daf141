package imageio

// unpackBits takes samples of 1, 2 or 4 bits out of bytes, the highest bits first.
func unpackBits(out, in []uint8, bits int) {
	each := 8 / bits
	mask := uint8(1<<bits - 1)
	for i := range out {
		out[i] = in[i/each] >> (8 - bits - i%each*bits) & mask
	}
}

// floatLevel is the level of gray that Pillow's convert("RGB") makes of a float: cut off to a whole
// number from 0 to 255, and 0 for what is no number.
func floatLevel(value float32) uint8 {
	switch {
	case value >= 255:
		return 255
	case value > 0:
		return uint8(value)
	}
	return 0
}

// levelOf is floatLevel for a whole number.
func levelOf(value int32) uint8 { return uint8(max(0, min(value, 255))) }

// five is a sample of 5 bits as one of 8, as Pillow's unpackers scale it.
func five(sample uint16) uint8 { return uint8(int(sample&31) * 255 / 31) }

// six is five for 6 bits.
func six(sample uint16) uint8 { return uint8(int(sample&63) * 255 / 63) }

// unpremultiplied divides a premultiplied sample by its alpha, as Pillow's unpackRGBa does.
func unpremultiplied(sample, alpha uint8) uint8 {
	if alpha == 0 || alpha == 255 {
		return sample
	}
	return saturate(255 * int(sample) / int(alpha))
}
