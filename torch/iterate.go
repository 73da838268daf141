package torch

import "iter"

// Rows ranges over t's first dimension: its indices, and the views t[0], t[1] and so on. Each view
// is a tensor like any other, which lives until it is closed, its [Scope] ends or it is garbage; it
// may be kept. It panics with an [*Error] where t has no dimensions.
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

// elementsAtOnce is how many elements Elements copies at a time.
const elementsAtOnce = 1 << 16

// Elements ranges over t's elements in row-major order, with their number in it. t must have the
// element type that is asked for. They are copied some thousands at a time, from whatever device,
// so that a loop that ends early copies little; what they are is read then, not when Elements is
// called. A t that is not contiguous is copied in whole.
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
