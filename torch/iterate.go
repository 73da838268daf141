package torch

import "iter"

// Rows iterates over t's first dimension: the indices, and the views t[0], t[1] and so on. A view
// may be kept; it is freed as any tensor is. Rows panics with an [*Error] if t has no dimensions.
//
//	for i, row := range x.Rows() {
func (t *Tensor) Rows() iter.Seq2[int64, *Tensor] {
	const operation = "Rows"
	if t.Dim() == 0 {
		panic(invalid(operation, "the tensor has no dimensions to range over; Item is its element"))
	}
	return func(yield func(int64, *Tensor) bool) {
		for i := range t.Size(0) {
			if !yield(i, t.Select(0, i)) {
				return
			}
		}
	}
}

// elementsAtOnce is the number of elements that Elements copies at a time.
const elementsAtOnce = 1 << 16

// Elements iterates over t's elements in row-major order, with the position of each. T must be t's
// element type. Elements are copied from the device in blocks of 65,536, during the iteration, so
// that a loop that ends early copies little. A t that is not contiguous is copied as a whole first.
//
//	for i, value := range torch.Elements[float32](x) {
func Elements[T Element](t *Tensor) iter.Seq2[int64, T] {
	const operation = "Elements"
	if got, want := t.DType(), dtypeOf[T](); got != want {
		panic(invalid(operation, "the tensor's elements are %s, not %s", got, want))
	}
	return func(yield func(int64, T) bool) {
		flat := t.Detach().Reshape(Shape{-1})
		defer flat.Close()
		count := flat.NumElements()
		buffer := make([]T, min(count, elementsAtOnce))
		for start := int64(0); start < count; start += elementsAtOnce {
			part := flat.Narrow(0, start, min(elementsAtOnce, count-start))
			values := buffer[:part.NumElements()]
			CopyToSlice(part, values)
			part.Close()
			for i, value := range values {
				if !yield(start+int64(i), value) {
					return
				}
			}
		}
	}
}
