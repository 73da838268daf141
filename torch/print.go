package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// String returns the tensor as Python prints it:
//
//	tensor([[1., 2.],
//	        [3., 4.]], requires_grad=True)
//
// Only the elements that are shown are copied from the device. It returns "tensor(closed)" for a
// closed tensor and "tensor(nil)" for nil, and never panics.
func (t *Tensor) String() string { return CurrentPrintOptions().Sprint(t) }

// Describe returns the shape, dtype and device in one line: tensor(shape=[2 3], dtype=float32,
// device=cpu). It never panics.
func (t *Tensor) Describe() string {
	return t.orWhyNot(func() string {
		return fmt.Sprintf("tensor(shape=%v, dtype=%s, device=%s)", t.Shape(), t.DType(), t.Device())
	})
}

// Format implements [fmt.Formatter]: %v and %s print [Tensor.String], %+v and %#v
// [Tensor.Describe]. %f never uses exponents and %e always does. A precision, as in %.2v, overrides
// that of [PrintOptions].
func (t *Tensor) Format(state fmt.State, verb rune) {
	options := CurrentPrintOptions()
	if precision, ok := state.Precision(); ok {
		options.Precision = precision
	}
	text := ""
	switch verb {
	case 'v', 's':
		if state.Flag('+') || state.Flag('#') {
			text = t.Describe()
		} else {
			text = options.Sprint(t)
		}
	case 'f':
		options.SciMode = SciNever
		text = options.Sprint(t)
	case 'e':
		options.SciMode = SciAlways
		text = options.Sprint(t)
	default:
		text = fmt.Sprintf("%%!%c(%s)", verb, t.Describe())
	}
	_, _ = state.Write([]byte(text))
}

// Sprint returns the tensor as [Tensor.String] does, with these options.
func (o PrintOptions) Sprint(t *Tensor) string {
	o.Precision, o.EdgeItems = max(o.Precision, 0), max(o.EdgeItems, 0)
	return t.orWhyNot(func() string { return o.text(t) })
}

// orWhyNot returns text's result, or the reason if it panics with an *Error.
func (t *Tensor) orWhyNot(text func() string) (result string) {
	if t == nil {
		return "tensor(nil)"
	}
	err := Try(func() error {
		result = text()
		return nil
	})
	switch {
	case errors.Is(err, ErrClosed):
		return "tensor(closed)"
	case err != nil:
		return fmt.Sprintf("tensor(cannot be printed: %v)", err)
	}
	return result
}

const printPrefix = "tensor("

func (o PrintOptions) text(t *Tensor) string {
	const operation = "String"
	self := t.acquire(operation)
	defer t.release()
	info := C.ctorch_tensor_print_info(self)
	defer C.ctorch_print_info_free(info)
	check(operation, info.error)

	shape, dtype := t.Shape(), t.DType()
	var elements string
	var suffixes []string
	add := func(name, value string) { suffixes = append(suffixes, name+"="+value) }
	// As in Python: an empty tensor shows its dtype unless it is the default; others omit dtypes
	// that the elements make clear.
	stated := dtype != Float32
	if device := C.GoString(info.device); device != CPU.String() {
		add("device", "'"+device+"'")
	}
	count := elementCount(shape)
	switch {
	case info.has_elements == 0:
		elements = "..."
		add("size", tuple(shape))
	case count == 0:
		elements = "[]"
		if len(shape) != 1 {
			add("size", tuple(shape))
		}
	default:
		elements = o.elements(operation, t, shape, dtype, count > o.Threshold)
		stated = stated && dtype != Complex64 && dtype != Int64 && dtype != Bool
		if o.EdgeItems == 0 {
			add("size", tuple(shape))
		}
	}
	if stated {
		add("dtype", "torch."+dtype.String())
	}
	if layout := C.GoString(info.layout); layout != "Strided" {
		add("layout", layout)
	}
	if info.grad_function != nil {
		add("grad_fn", "<"+C.GoString(info.grad_function)+">")
	} else if info.requires_grad != 0 {
		add("requires_grad", "True")
	}
	return o.withSuffixes(printPrefix+elements, suffixes)
}

// elements copies and formats the elements that are shown.
func (o PrintOptions) elements(operation string, t *Tensor, shape []int64, dtype DType, cut bool) string {
	edge := C.int64_t(-1)
	if cut {
		edge = C.int64_t(o.EdgeItems)
	}
	if dtype.isOnlyHeld() {
		numbers := t.asNumbers()
		defer numbers.Close()
		t = numbers
	}
	self := t.acquire(operation)
	defer t.release()
	shown := made(operation, C.ctorch_tensor_preview(self, edge))
	defer shown.Close()
	var cells []string
	width := 0
	switch shown.DType() {
	case Complex128:
		cells, width = o.complexCells(ToSlice[complex128](shown))
	case Float64:
		cells, width = o.realCells(ToSlice[float64](shown))
	default:
		cells, width = integerCells(ToSlice[int64](shown), dtype)
	}
	layout := printLayout{cells: cells, width: width, edge: -1, line: o.LineWidth}
	if cut {
		layout.edge = o.EdgeItems
	}
	layout.write(shape, len(printPrefix))
	return layout.out.String()
}

// asNumbers is the elements of a type that libtorch cannot convert, as the numbers that their bytes are;
// Python shows those of float4 as real ones.
func (t *Tensor) asNumbers() *Tensor {
	plain := t.Detach()
	defer plain.Close()
	switch dtype := t.DType(); {
	case dtype.ItemSize() == 2:
		return plain.ViewDType(Uint16)
	case dtype.IsFloatingPoint():
		bytes := plain.ViewDType(Uint8)
		defer bytes.Close()
		return bytes.To(Float32)
	default:
		return plain.ViewDType(Uint8)
	}
}

// withSuffixes appends the suffixes, on a new line where they do not fit.
func (o PrintOptions) withSuffixes(text string, suffixes []string) string {
	var out strings.Builder
	out.WriteString(text)
	used := len(text) - strings.LastIndexByte(text, '\n') + 1
	for _, suffix := range suffixes {
		if used+len(suffix)+2 > o.LineWidth {
			out.WriteString(",\n" + strings.Repeat(" ", len(printPrefix)))
			used = len(printPrefix) + len(suffix)
		} else {
			out.WriteString(", ")
			used += len(suffix) + 2
		}
		out.WriteString(suffix)
	}
	out.WriteByte(')')
	return out.String()
}

func elementCount(shape []int64) int {
	count := 1
	for _, size := range shape {
		count *= int(size)
	}
	return count
}

// tuple formats a shape as Python does.
func tuple(shape []int64) string {
	sizes := make([]string, len(shape))
	for i, size := range shape {
		sizes[i] = strconv.FormatInt(size, 10)
	}
	text := strings.Join(sizes, ", ")
	if len(shape) == 1 {
		text += ","
	}
	return "(" + text + ")"
}
