package torch

import (
	"math"
	"sync/atomic"
)

// PrintOptions say how a tensor is printed, as torch.set_printoptions does. Begin with
// [DefaultPrintOptions].
type PrintOptions struct {
	// Precision is how many digits follow the point.
	Precision int
	// Threshold is the number of elements above which only the ends of each dimension are shown.
	Threshold int
	// EdgeItems is how many elements are shown at both ends of a dimension.
	EdgeItems int
	// LineWidth is after how many characters a line is broken.
	LineWidth int
	// SciMode is whether numbers have an exponent.
	SciMode SciMode
}

// A SciMode is when numbers are printed with an exponent.
type SciMode int

const (
	// SciAuto uses exponents where the numbers are very large, very small or far apart.
	SciAuto SciMode = iota
	// SciAlways uses exponents.
	SciAlways
	// SciNever uses none.
	SciNever
)

// DefaultPrintOptions are PyTorch's: 4 digits, at most 1000 elements, 3 at each end, 80 characters.
func DefaultPrintOptions() PrintOptions {
	return PrintOptions{Precision: 4, Threshold: 1000, EdgeItems: 3, LineWidth: 80}
}

// ShortPrintOptions are PyTorch's profile "short": 2 digits, 2 elements at each end.
func ShortPrintOptions() PrintOptions {
	return PrintOptions{Precision: 2, Threshold: 1000, EdgeItems: 2, LineWidth: 80}
}

// FullPrintOptions are PyTorch's profile "full": every element.
func FullPrintOptions() PrintOptions {
	return PrintOptions{Precision: 4, Threshold: math.MaxInt, EdgeItems: 3, LineWidth: 80}
}

var printOptions = func() *atomic.Pointer[PrintOptions] {
	options := DefaultPrintOptions()
	current := &atomic.Pointer[PrintOptions]{}
	current.Store(&options)
	return current
}()

// SetPrintOptions sets for the whole process how tensors are printed. It may be called while other
// goroutines print. [PrintOptions.Sprint] prints one tensor with options of its own.
func SetPrintOptions(options PrintOptions) { printOptions.Store(&options) }

// CurrentPrintOptions are the options that tensors are printed with.
func CurrentPrintOptions() PrintOptions { return *printOptions.Load() }
