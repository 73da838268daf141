package imageio

import (
	"fmt"
	"math"
	"strings"
)

// A Filter is one of Pillow's resampling filters.
type Filter int

// The filters. The zero value is Bicubic.
const (
	Bicubic  Filter = iota // Keys' cubic filter with a = -0.5
	Nearest                // the nearest pixel
	Box                    // the average of the pixels that an output pixel covers
	Bilinear               // linear interpolation, a triangle filter
	Hamming                // a windowed sinc over one pixel on each side
	Lanczos                // a windowed sinc over three pixels on each side
)

var filterNames = map[Filter]string{
	Bicubic: "bicubic", Nearest: "nearest", Box: "box", Bilinear: "bilinear", Hamming: "hamming", Lanczos: "lanczos",
}

// String returns the filter's name for [ParseFilter].
func (f Filter) String() string {
	if name, ok := filterNames[f]; ok {
		return name
	}
	return fmt.Sprintf("Filter(%d)", int(f))
}

// ParseFilter returns the filter with the given name: nearest, box, bilinear, hamming, bicubic or
// lanczos, in any case.
func ParseFilter(name string) (Filter, error) {
	for f, known := range filterNames {
		if strings.EqualFold(name, known) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("imageio: unknown filter %q (known: nearest, box, bilinear, hamming, bicubic, lanczos)", name)
}

// support returns how far the filter reaches from its center, in output pixels.
func (f Filter) support() float64 {
	switch f {
	case Box:
		return 0.5
	case Bilinear, Hamming:
		return 1
	case Lanczos:
		return 3
	}
	return 2
}

// weight returns the filter's value at a distance from its center (Pillow's Resample.c). The
// conversions keep the compiler from fusing multiplication and addition, which would round
// differently on some processors.
func (f Filter) weight(x float64) float64 {
	switch f {
	case Box:
		if x > -0.5 && x <= 0.5 {
			return 1
		}
		return 0
	case Bilinear:
		x = math.Abs(x)
		if x < 1 {
			return 1 - x
		}
		return 0
	case Hamming:
		x = math.Abs(x)
		if x == 0 {
			return 1
		}
		if x >= 1 {
			return 0
		}
		x *= math.Pi
		return math.Sin(x) / x * (0.54 + float64(0.46*math.Cos(x)))
	case Lanczos:
		if -3 <= x && x < 3 {
			return sinc(x) * sinc(x/3)
		}
		return 0
	}
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64((float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// Weights are fixed-point numbers with this many fractional bits.
const weightBits = 22

// weights say which input pixels make up each output pixel of a line.
type weights struct {
	first []int   // the first input pixel
	count []int   // the number of input pixels
	value []int64 // the weights, size for each output pixel
	size  int
}

// newWeights computes the weights for the output pixels from start to end of a
// line that is scaled from in to out pixels.
func newWeights(in, out, start, end int, f Filter) weights {
	scale := float64(in) / float64(out)
	filterScale := max(scale, 1)
	support := f.support() * filterScale
	w := weights{
		first: make([]int, end-start),
		count: make([]int, end-start),
		size:  min(int(math.Ceil(support))*2+1, in),
	}
	w.value = make([]int64, (end-start)*w.size)
	exact := make([]float64, w.size)
	for i := range w.first {
		center := (float64(start+i) + 0.5) * scale
		first := max(0, int(center-support+0.5))
		count := min(in, int(center+support+0.5)) - first
		sum := 0.0
		for j := range count {
			exact[j] = f.weight((float64(first+j) - center + 0.5) * (1 / filterScale))
			sum += exact[j]
		}
		values := w.value[i*w.size:]
		for j := range count {
			v := exact[j]
			if sum != 0 {
				v /= sum
			}
			v = float64(v * (1 << weightBits))
			if v < 0 {
				values[j] = int64(v - 0.5)
			} else {
				values[j] = int64(v + 0.5)
			}
		}
		w.first[i], w.count[i] = first, count
	}
	return w
}

// of returns the weights of output pixel i and the first input pixel.
func (w *weights) of(i int) (first int, values []int64) {
	return w.first[i], w.value[i*w.size:][:w.count[i]]
}
