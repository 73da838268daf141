package elements_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch/internal/elements"
)

func TestCount(t *testing.T) {
	for name, test := range map[string]struct {
		shape []int64
		width int64
		count int64
		fits  bool
	}{
		"no dimensions":    {nil, 4, 1, true},
		"matrix":           {[]int64{2, 3}, 4, 6, true},
		"empty":            {[]int64{2, 0, 3}, 4, 0, true},
		"negative":         {[]int64{2, -3}, 4, 0, false},
		"two negatives":    {[]int64{-2, -3}, 4, 0, false},
		"empty, negative":  {[]int64{0, -3}, 4, 0, false},
		"overflow":         {[]int64{math.MaxInt64, 3}, 1, 0, false},
		"wraps to small":   {[]int64{1 << 32, 1 << 32, 1}, 1, 0, false},
		"bytes overflow":   {[]int64{1 << 60}, 8, 0, false},
		"empty, but wide":  {[]int64{0, 1 << 61}, 16, 0, false},
		"just addressable": {[]int64{1 << 58}, 8, 1 << 58, true},
	} {
		t.Run(name, func(t *testing.T) {
			count, fits := elements.Count(test.shape, test.width)
			assert.Equal(t, test.fits, fits)
			assert.Equal(t, test.count, count)
		})
	}
}

func TestSwap(t *testing.T) {
	for width, want := range map[int][]byte{
		1: {1, 2, 3, 4, 5, 6, 7, 8}, 2: {2, 1, 4, 3, 6, 5, 8, 7},
		4: {4, 3, 2, 1, 8, 7, 6, 5}, 8: {8, 7, 6, 5, 4, 3, 2, 1},
	} {
		data := []byte{1, 2, 3, 4, 5, 6, 7, 8}
		elements.Swap(data, width)
		assert.Equal(t, want, data)
	}
}
