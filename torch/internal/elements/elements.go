// Package elements is arithmetic on shapes and bytes of elements that come from files, which may
// say anything.
package elements

import "math/bits"

// Count is the number of elements of a shape, or false where a size is negative or where so many
// elements of width bytes cannot be addressed.
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

// Swap turns the order of the bytes around in each number of width bytes.
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
