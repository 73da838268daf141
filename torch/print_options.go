package torch

import (
	"math"
	"sync/atomic"
)

// PrintOptions says how tensors are printed, as torch.set_printoptions does. Start from
// [DefaultPrintOptions].
type PrintOptions struct {
	// Precision is the number of digits after the decimal point.
	Precision int
	// Threshold is the number of elements above which only the ends of each dimension are shown.
	Threshold int
	// EdgeItems is the number of elements shown at each end of a dimension.
	EdgeItems int
	// LineWidth is the number of characters after which a line is broken.
	LineWidth int
	// SciMode says when numbers have an exponent.
	SciMode SciMode
}

// A SciMode says when numbers are printed with an exponent.
type SciMode int

const (
	// SciAuto uses exponents if the numbers are very large, very small or far apart.
	SciAuto SciMode = iota
	// SciAlways always uses exponents.
	SciAlways
	// SciNever never uses exponents.
	SciNever
)

// DefaultPrintOptions returns PyTorch's defaults: 4 digits, at most 1000 elements, 3 at each end,
// 80 characters a line.
func DefaultPrintOptions() PrintOptions {
	return PrintOptions{Precision: 4, Threshold: 1000, EdgeItems: 3, LineWidth: 80}
}

// ShortPrintOptions returns PyTorch's profile "short": 2 digits, 2 elements at each end.
func ShortPrintOptions() PrintOptions {
	return PrintOptions{Precision: 2, Threshold: 1000, EdgeItems: 2, LineWidth: 80}
}

// FullPrintOptions returns PyTorch's profile "full": all elements.
func FullPrintOptions() PrintOptions {
	return PrintOptions{Precision: 4, Threshold: math.MaxInt, EdgeItems: 3, LineWidth: 80}
}

var printOptions = func() *atomic.Pointer[PrintOptions] {
	options := DefaultPrintOptions()
	current := &atomic.Pointer[PrintOptions]{}
	current.Store(&options)
	return current
}()

// SetPrintOptions sets, for the whole process, how tensors are printed. It is safe to call while
// other goroutines print. [PrintOptions.Sprint] prints one tensor with its own options. It returns an
// error, and changes nothing, if a number is negative or the SciMode is unknown.
func SetPrintOptions(options PrintOptions) error {
	const operation = "SetPrintOptions"
	for _, field := range []struct {
		name  string
		value int
	}{
		{"Precision", options.Precision}, {"Threshold", options.Threshold}, {"EdgeItems", options.EdgeItems}, {"LineWidth", options.LineWidth},
	} {
		if field.value < 0 {
			return invalid(operation, "%s is %d, wanted 0 or more", field.name, field.value)
		}
	}
	if options.SciMode < SciAuto || options.SciMode > SciNever {
		return invalid(operation, "there is no SciMode %d", options.SciMode)
	}
	printOptions.Store(&options)
	return nil
}

// CurrentPrintOptions returns the options in use.
func CurrentPrintOptions() PrintOptions { return *printOptions.Load() }
