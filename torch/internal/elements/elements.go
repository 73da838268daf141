// Package elements computes sizes of tensors from files, which may contain any numbers, and swaps
// bytes.
package elements

import "math/bits"

// Count returns the number of elements of a shape. It returns false if a size is negative, or if so
// many elements of width bytes cannot be addressed.
func Count(shape []int64, width int64) (int64, bool) {
	count := uint64(1)
	empty := false
	for _, size := range shape {
		if size < 0 {
			return 0, false
		}
		if size == 0 {
			empty = true
			continue
		}
		high, low := bits.Mul64(count, uint64(size))
		if high != 0 {
			return 0, false
		}
		count = low
	}
	if high, low := bits.Mul64(count, uint64(width)); high != 0 || low >= 1<<62 {
		return 0, false
	}
	if empty {
		return 0, true
	}
	return int64(count), true
}

// Swap reverses the byte order of each number of width bytes.
func Swap(data []byte, width int) {
	if width < 2 {
		return
	}
	for ; len(data) >= width; data = data[width:] {
		for i, j := 0, width-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
	}
}
