package torch

import (
	"math"
	"strconv"
	"strings"
)

// A numberFormat is how the real numbers of one tensor are printed: as whole numbers, with
// exponents, or with a fixed number of digits.
type numberFormat struct {
	precision int
	exponents bool
	whole     bool
	width     int
}

// formatFor chooses the format as PyTorch does. Zeros, infinities and NaN are ignored.
func (o PrintOptions) formatFor(values []float64) numberFormat {
	f := numberFormat{precision: o.Precision, whole: true, width: 1}
	smallest, largest := math.Inf(1), 0.0
	for _, value := range values {
		if hasNoSay(value) {
			continue
		}
		size := math.Abs(value)
		smallest, largest = min(smallest, size), max(largest, size)
		f.whole = f.whole && value == math.Ceil(value)
	}
	if largest == 0 {
		return f
	}
	switch o.SciMode {
	case SciAuto:
		f.exponents = largest/smallest > 1000 || largest > 1e8 || smallest < 1e-4
	case SciAlways:
		f.exponents = true
	}
	for _, value := range values {
		if !hasNoSay(value) {
			f.width = max(f.width, len(f.text(value)))
		}
	}
	return f
}

func hasNoSay(value float64) bool {
	return value == 0 || math.IsInf(value, 0) || math.IsNaN(value)
}

func (f numberFormat) text(value float64) string {
	switch {
	case math.IsNaN(value):
		return "nan"
	case math.IsInf(value, 1):
		return "inf"
	case math.IsInf(value, -1):
		return "-inf"
	case f.exponents:
		return strconv.FormatFloat(value, 'e', f.precision, 64)
	case f.whole:
		return strconv.FormatFloat(value, 'f', 0, 64) + "."
	}
	return strconv.FormatFloat(value, 'f', f.precision, 64)
}

func (f numberFormat) padded(value float64) string { return padded(f.text(value), f.width) }

func padded(text string, width int) string {
	return strings.Repeat(" ", max(0, width-len(text))) + text
}

func (o PrintOptions) realCells(values []float64) (cells []string, width int) {
	f := o.formatFor(values)
	cells = make([]string, len(values))
	for i, value := range values {
		cells[i] = f.padded(value)
	}
	return cells, f.width
}

func (o PrintOptions) complexCells(values []complex128) (cells []string, width int) {
	reals, imaginaries := make([]float64, len(values)), make([]float64, len(values))
	for i, value := range values {
		reals[i], imaginaries[i] = real(value), imag(value)
	}
	f, g := o.formatFor(reals), o.formatFor(imaginaries)
	cells = make([]string, len(values))
	for i := range values {
		imaginary := strings.TrimLeft(g.padded(imaginaries[i]), " ") + "j"
		if imaginary[0] != '-' {
			imaginary = "+" + imaginary
		}
		cells[i] = f.padded(reals[i]) + imaginary
	}
	return cells, f.width + g.width + 1
}

func integerCells(values []int64, dtype DType) (cells []string, width int) {
	cells = make([]string, len(values))
	for i, value := range values {
		switch {
		case dtype == Uint64: // the same bits
			cells[i] = strconv.FormatUint(uint64(value), 10)
		case dtype != Bool:
			cells[i] = strconv.FormatInt(value, 10)
		case value != 0:
			cells[i] = "True"
		default:
			cells[i] = "False"
		}
		width = max(width, len(cells[i]))
	}
	for i, cell := range cells {
		cells[i] = padded(cell, width)
	}
	return cells, width
}

// A printLayout arranges cells in brackets and lines.
type printLayout struct {
	// cells are the elements that remain to be written, in row-major order.
	cells []string
	// width is the width of a cell in characters.
	width int
	// edge is the number of elements shown at each end of a longer dimension; -1 means all.
	edge int
	line int
	out  strings.Builder
}

// isCut reports whether the middle of a dimension is left out.
func (l *printLayout) isCut(size int64) bool { return l.edge >= 0 && size > 2*int64(l.edge) }

// write writes a tensor of the given shape, whose first bracket is at column indent.
func (l *printLayout) write(shape []int64, indent int) {
	switch len(shape) {
	case 0:
		l.out.WriteString(l.take(1)[0])
		return
	case 1:
		l.vector(shape[0], indent)
		return
	}
	separator := "," + strings.Repeat("\n", len(shape)-1) + strings.Repeat(" ", indent+1)
	l.out.WriteByte('[')
	if l.isCut(shape[0]) {
		for range l.edge {
			l.write(shape[1:], indent+1)
			l.out.WriteString(separator)
		}
		l.out.WriteString("...")
		for range l.edge {
			l.out.WriteString(separator)
			l.write(shape[1:], indent+1)
		}
	} else {
		for i := range shape[0] {
			if i > 0 {
				l.out.WriteString(separator)
			}
			l.write(shape[1:], indent+1)
		}
	}
	l.out.WriteByte(']')
}

func (l *printLayout) vector(size int64, indent int) {
	var row []string
	switch {
	case l.isCut(size) && l.edge == 0:
		row = []string{"..."}
	case l.isCut(size):
		row = append(row, l.take(l.edge)...)
		row = append(row, " ...")
		row = append(row, l.take(l.edge)...)
	default:
		row = l.take(int(size))
	}
	perLine := max(1, (l.line-indent)/(l.width+2))
	l.out.WriteByte('[')
	for i, cell := range row {
		switch {
		case i == 0:
		case i%perLine == 0:
			l.out.WriteString(",\n" + strings.Repeat(" ", indent+1))
		default:
			l.out.WriteString(", ")
		}
		l.out.WriteString(cell)
	}
	l.out.WriteByte(']')
}

func (l *printLayout) take(count int) []string {
	taken := l.cells[:count]
	l.cells = l.cells[count:]
	return taken
}
