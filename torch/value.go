package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import "unsafe"

// A Tuple is a Python tuple, as opposed to a list ([]any).
type Tuple []any

// A valueArena builds the C form of values. What it allocates, and the tensors it enters, last
// until free.
type valueArena struct {
	memory  []unsafe.Pointer
	tensors []*Tensor
}

func (a *valueArena) free() {
	for _, memory := range a.memory {
		C.free(memory)
	}
	for _, tensor := range a.tensors {
		tensor.release()
	}
}

func (a *valueArena) list(operation string, values []any) (*C.ctorch_value, error) {
	size := C.size_t(len(values)+1) * C.size_t(unsafe.Sizeof(C.ctorch_value{}))
	memory := C.calloc(1, size)
	a.memory = append(a.memory, memory)
	items := unsafe.Slice((*C.ctorch_value)(memory), len(values))
	for i, value := range values {
		if err := a.put(operation, value, &items[i]); err != nil {
			return nil, err
		}
	}
	return (*C.ctorch_value)(memory), nil
}

func (a *valueArena) put(operation string, value any, to *C.ctorch_value) error {
	switch v := value.(type) {
	case nil:
		to.tag = C.CTORCH_VALUE_NONE
	case *Tensor:
		if v == nil {
			to.tag = C.CTORCH_VALUE_NONE
			return nil
		}
		if !v.handle.use() {
			return &Error{operation, ErrClosed, "a tensor among the arguments is closed"}
		}
		a.tensors = append(a.tensors, v)
		to.tag = C.CTORCH_VALUE_TENSOR
		to.tensor.tensor = (*C.ctorch_tensor)(v.handle.pointer)
	case int:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case int64:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case float64:
		to.tag, to.number = C.CTORCH_VALUE_NUMBER, C.double(v)
	case bool:
		to.tag, to.integer = C.CTORCH_VALUE_BOOL, C.int64_t(cBool(v))
	case string:
		text := C.CString(v)
		a.memory = append(a.memory, unsafe.Pointer(text))
		to.tag, to.text, to.count = C.CTORCH_VALUE_TEXT, text, C.int64_t(len(v))
	case Tuple:
		return a.items(operation, C.CTORCH_VALUE_TUPLE, v, len(v), to)
	case []any:
		return a.items(operation, C.CTORCH_VALUE_LIST, v, len(v), to)
	case []*Tensor:
		return a.items(operation, C.CTORCH_VALUE_LIST, anys(v), len(v), to)
	case []int64:
		return a.items(operation, C.CTORCH_VALUE_LIST, anys(v), len(v), to)
	case []float64:
		return a.items(operation, C.CTORCH_VALUE_LIST, anys(v), len(v), to)
	case []string:
		return a.items(operation, C.CTORCH_VALUE_LIST, anys(v), len(v), to)
	case map[string]any:
		pairs := make([]any, 0, 2*len(v))
		for key, item := range v {
			pairs = append(pairs, key, item)
		}
		return a.items(operation, C.CTORCH_VALUE_DICT, pairs, len(v), to)
	case *Dict:
		pairs := make([]any, 0, 2*v.Len())
		for key, item := range v.All() {
			pairs = append(pairs, key, item)
		}
		return a.items(operation, C.CTORCH_VALUE_DICT, pairs, v.Len(), to)
	default:
		return invalid(operation, "a %T cannot be given to TorchScript", value)
	}
	return nil
}

func (a *valueArena) items(operation string, tag C.int32_t, values []any, count int, to *C.ctorch_value) error {
	items, err := a.list(operation, values)
	to.tag, to.items, to.count = tag, items, C.int64_t(count)
	return err
}

func anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = value
	}
	return all
}

// fromValue turns C's form into Go's, and owns the tensors in it.
func fromValue(v *C.ctorch_value) any {
	switch v.tag {
	case C.CTORCH_VALUE_TENSOR:
		return adopt(v.tensor)
	case C.CTORCH_VALUE_INTEGER:
		return int64(v.integer)
	case C.CTORCH_VALUE_NUMBER:
		return float64(v.number)
	case C.CTORCH_VALUE_BOOL:
		return v.integer != 0
	case C.CTORCH_VALUE_TEXT:
		return C.GoStringN(v.text, C.int(v.count))
	case C.CTORCH_VALUE_TUPLE:
		return Tuple(fromItems(v, int(v.count)))
	case C.CTORCH_VALUE_LIST:
		return fromItems(v, int(v.count))
	case C.CTORCH_VALUE_DICT:
		return fromDict(fromItems(v, 2*int(v.count)))
	default:
		return nil
	}
}

func fromItems(v *C.ctorch_value, count int) []any {
	values := make([]any, count)
	for i := range values {
		item := unsafe.Slice(v.items, count)[i]
		values[i] = fromValue(&item)
	}
	return values
}

// fromDict makes a map[string]any where all keys are text, else a map[any]any.
func fromDict(pairs []any) any {
	texts := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			break
		}
		texts[key] = pairs[i+1]
	}
	if 2*len(texts) == len(pairs) {
		return texts
	}
	others := map[any]any{}
	for i := 0; i < len(pairs); i += 2 {
		others[pairs[i]] = pairs[i+1]
	}
	return others
}
