package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"math"
	"reflect"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// An Index is an index of [Tensor.At] that is not a number, slice or tensor: [All], [Ellipsis],
// [NewAxis] or a [Range].
type Index struct {
	kind              indexKind
	start, stop, step int64
}

type indexKind uint8

const (
	indexRange indexKind = iota + 1
	indexEllipsis
	indexNewAxis
)

// End means the end of a dimension in [Range] and [Tensor.Slice].
const End int64 = math.MaxInt64

// Indices for whole dimensions, for [Tensor.At].
var (
	// All selects the whole dimension, as ":" in Python.
	All = Range(0, End)
	// Ellipsis selects all dimensions that no other index stands for, as "..." in Python.
	Ellipsis = Index{kind: indexEllipsis}
	// NewAxis inserts a dimension of size 1, as None in Python.
	NewAxis = Index{kind: indexNewAxis}
)

// Range is the index start:stop:step in Python; the step is 1 by default. Negative numbers count
// from the end of the dimension, and positions outside of it are left out. It panics if the step is
// below 1; [Tensor.Flip] reverses a dimension.
func Range(start, stop int64, step ...int64) Index {
	index := Index{indexRange, start, stop, 1}
	switch {
	case len(step) > 1:
		panic(invalid("Range", "there are %d steps, wanted at most 1", len(step)))
	case len(step) == 1 && step[0] < 1:
		panic(invalid("Range", "the step is %d, wanted 1 or more; Flip turns a dimension round", step[0]))
	case len(step) == 1:
		index.step = step[0]
	}
	return index
}

// At returns the part of t that the indices select, as x[...] in Python. An index is one of these:
//
//   - an integer of any Go type: that position, counted from the end if negative; the dimension is
//     removed
//   - [Range], [All], [Ellipsis], [NewAxis]
//   - a [*Tensor] of integers, []int or []int64: these positions
//   - a [*Tensor] of bools or []bool: a mask over as many dimensions as it has
//   - a bool: a new dimension of size 1, or of size 0 for false
//
// As in Python, integers and ranges alone give a view, which shares t's memory. With a tensor, a
// slice or a bool among them the result is a copy. Gradients flow through both. Positions outside
// of t panic, except for those in an index tensor on a GPU, which make CUDA unusable for the
// process.
//
//	x.At(0)                                  // x[0]
//	x.At(torch.Range(1, torch.End), -1)      // x[1:, -1]
//	x.At(torch.Ellipsis, torch.Range(0, -1)) // x[..., :-1]
//	x.At(torch.All, torch.NewAxis, mask)     // x[:, None, mask]
func (t *Tensor) At(indices ...any) *Tensor {
	const operation = "At"
	self := t.acquire(operation)
	defer t.release()
	all := newIndexList(operation, indices)
	defer all.release()
	return made(operation, C.ctorch_tensor_get_item(self, all.items, all.count))
}

// SetAt writes value to the part of t that the indices select, as x[...] = value in Python, and
// returns t. The indices are those of [Tensor.At]. The value is a [*Tensor], which is broadcast, or
// a [Number], which is converted to t's dtype.
//
//	x.SetAt(0, torch.All, 3)     // x[:, 3] = 0
//	x.SetAt(-1.5, x.LtScalar(0)) // x[x < 0] = -1.5
func (t *Tensor) SetAt(value any, indices ...any) *Tensor {
	const operation = "SetAt"
	self := t.acquire(operation)
	defer t.release()
	all := newIndexList(operation, indices)
	defer all.release()
	if tensor, ok := value.(*Tensor); ok {
		given := tensor.acquire(operation)
		defer tensor.release()
		check(operation, C.ctorch_tensor_set_item(self, all.items, all.count, given))
		return t
	}
	number, ok := asNumberOfC(value)
	if !ok {
		panic(invalid(operation, "the value is %s, wanted a tensor, a number or a bool", words.Type(value)))
	}
	check(operation, C.ctorch_tensor_set_item_number(self, all.items, all.count, number))
	return t
}

// An indexList holds indices in C's form, in C's memory.
type indexList struct {
	items *C.ctorch_index
	count C.int64_t
	// entered are the tensors in use by the call; made are those of them that were made from
	// slices.
	entered, made []*Tensor
}

func newIndexList(operation string, indices []any) *indexList {
	size := C.size_t(unsafe.Sizeof(C.ctorch_index{}))
	all := &indexList{
		items: (*C.ctorch_index)(C.calloc(C.size_t(len(indices)+1), size)),
		count: C.int64_t(len(indices)),
	}
	done := false
	defer func() {
		if !done { // one of them panicked
			all.release()
		}
	}()
	items := unsafe.Slice(all.items, len(indices))
	for i, index := range indices {
		items[i] = all.item(operation, i, index)
	}
	done = true
	return all
}

func (l *indexList) release() {
	for _, tensor := range l.entered {
		tensor.release()
	}
	closeAll(l.made)
	C.free(unsafe.Pointer(l.items))
}

func (l *indexList) item(operation string, place int, index any) C.ctorch_index {
	switch v := index.(type) {
	case Index:
		switch v.kind {
		case indexRange:
			return C.ctorch_index{kind: C.CTORCH_INDEX_SLICE, start: C.int64_t(v.start),
				stop: C.int64_t(v.stop), step: C.int64_t(v.step)}
		case indexEllipsis:
			return C.ctorch_index{kind: C.CTORCH_INDEX_ELLIPSIS}
		case indexNewAxis:
			return C.ctorch_index{kind: C.CTORCH_INDEX_NEW_AXIS}
		}
		panic(invalid(operation, "index %d is an empty Index: use All, Ellipsis, NewAxis or Range", place))
	case *Tensor:
		if v == nil {
			panic(invalid(operation, "index %d is a nil tensor: All stands for a whole dimension", place))
		}
		return l.tensor(operation, v)
	case []int64:
		return l.ofSlice(operation, FromSlice(v, nil))
	case []int:
		wide := make([]int64, len(v))
		for i, number := range v {
			wide[i] = int64(number)
		}
		return l.ofSlice(operation, FromSlice(wide, nil))
	case []bool:
		return l.ofSlice(operation, FromSlice(v, nil))
	case bool:
		return C.ctorch_index{kind: C.CTORCH_INDEX_BOOL, start: C.int64_t(cBool(v))}
	case nil:
		panic(invalid(operation, "index %d is nil: All stands for a whole dimension, NewAxis for a new one", place))
	}
	number, ok := wholeNumber(index)
	if !ok {
		panic(invalid(operation, "index %d is %s, wanted a whole number, Range, All, Ellipsis, "+
			"NewAxis, a bool, a tensor, []int, []int64 or []bool", place, words.Type(index)))
	}
	return C.ctorch_index{kind: C.CTORCH_INDEX_INTEGER, start: C.int64_t(number)}
}

func (l *indexList) ofSlice(operation string, tensor *Tensor) C.ctorch_index {
	l.made = append(l.made, tensor)
	return l.tensor(operation, tensor)
}

func (l *indexList) tensor(operation string, tensor *Tensor) C.ctorch_index {
	pointer := tensor.acquire(operation)
	l.entered = append(l.entered, tensor)
	return C.ctorch_index{kind: C.CTORCH_INDEX_TENSOR, tensor: pointer}
}

// wholeNumber returns the value of any Go integer type.
func wholeNumber(value any) (int64, bool) {
	v := reflect.ValueOf(value)
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return int64(v.Uint()), true
	}
	return 0, false
}
