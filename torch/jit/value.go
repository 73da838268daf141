package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"strings"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/lists"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// deepest limits the nesting of values: a slice may contain itself.
const deepest = 500

// A valueArena builds the C form of values. Memory that it allocates, and the use of tensors and
// modules, last until free.
type valueArena struct {
	operation string
	memory    []unsafe.Pointer
	tensors   []*torch.Tensor
	modules   []*Module
}

func (a *valueArena) free() {
	for _, memory := range a.memory {
		C.free(memory)
	}
	for _, tensor := range a.tensors {
		bridge.Leave(tensor)
	}
	for _, module := range a.modules {
		module.leave()
	}
}

// list returns values as an array of the same length.
func (a *valueArena) list(values []any) (list *C.ctorch_value, err error) {
	err = torch.Try(func() error {
		list = a.items(values, 0)
		return nil
	})
	return list, err
}

func (a *valueArena) items(values []any, depth int) *C.ctorch_value {
	if depth > deepest {
		panic(invalid(a.operation, "a value is nested more than %d deep", deepest))
	}
	size := C.size_t(len(values)+1) * C.size_t(unsafe.Sizeof(C.ctorch_value{}))
	memory := C.calloc(1, size)
	a.memory = append(a.memory, memory)
	items := unsafe.Slice((*C.ctorch_value)(memory), len(values))
	for i, value := range values {
		a.put(value, &items[i], depth)
	}
	return (*C.ctorch_value)(memory)
}

// put panics with an *Error if a value has no C form.
func (a *valueArena) put(value any, to *C.ctorch_value, depth int) {
	switch v := value.(type) {
	case nil:
		to.tag = C.CTORCH_VALUE_NONE
	case *torch.Tensor:
		if v != nil {
			to.tag, to.tensor.tensor = C.CTORCH_VALUE_TENSOR, (*C.ctorch_tensor)(bridge.Enter(a.operation, v))
			a.tensors = append(a.tensors, v)
		}
	case *Module:
		self, err := v.enter(a.operation)
		if err != nil {
			panic(err)
		}
		to.tag, to.module = C.CTORCH_VALUE_MODULE, self
		a.modules = append(a.modules, v)
	case *Object:
		self, err := v.self().enter(a.operation)
		if err != nil {
			panic(err)
		}
		to.tag, to.module = C.CTORCH_VALUE_OBJECT, self
		a.modules = append(a.modules, v.module)
	case int:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case int64:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case int32:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case torch.DType:
		to.tag, to.integer = C.CTORCH_VALUE_INTEGER, C.int64_t(v)
	case float64:
		to.tag, to.number = C.CTORCH_VALUE_NUMBER, C.double(v)
	case float32:
		to.tag, to.number = C.CTORCH_VALUE_NUMBER, C.double(v)
	case complex128:
		to.tag, to.number, to.imaginary = C.CTORCH_VALUE_COMPLEX, C.double(real(v)), C.double(imag(v))
	case bool:
		to.tag, to.integer = C.CTORCH_VALUE_BOOL, C.int64_t(cBool(v))
	case torch.Device:
		to.tag, to.device = C.CTORCH_VALUE_DEVICE, cDevice(v)
	case string:
		text := C.CString(v)
		a.memory = append(a.memory, unsafe.Pointer(text))
		to.tag, to.text, to.count = C.CTORCH_VALUE_TEXT, text, C.int64_t(len(v))
	case torch.Tuple:
		a.nest(C.CTORCH_VALUE_TUPLE, v, len(v), to, depth)
	case torch.NamedTuple:
		pairs := make([]any, 0, 2*len(v))
		for _, field := range v {
			pairs = append(pairs, field.Name, field.Value)
		}
		a.nest(C.CTORCH_VALUE_NAMED_TUPLE, pairs, len(v), to, depth)
	case []any:
		a.nest(C.CTORCH_VALUE_LIST, v, len(v), to, depth)
	case []*torch.Tensor:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case []int64:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case []int:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case []float64:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case []bool:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case []string:
		a.nest(C.CTORCH_VALUE_LIST, lists.Anys(v), len(v), to, depth)
	case *torch.Dict:
		pairs := make([]any, 0, 2*v.Len())
		for key, item := range v.All() {
			pairs = append(pairs, key, item)
		}
		a.nest(C.CTORCH_VALUE_DICT, pairs, v.Len(), to, depth)
	case map[string]any:
		a.nest(C.CTORCH_VALUE_DICT, pairsOf(v), len(v), to, depth)
	case map[string]*torch.Tensor:
		a.nest(C.CTORCH_VALUE_DICT, pairsOf(v), len(v), to, depth)
	case map[int64]any:
		a.nest(C.CTORCH_VALUE_DICT, pairsOf(v), len(v), to, depth)
	default:
		panic(invalid(a.operation, "%s cannot be given to TorchScript", words.Type(value)))
	}
}

func (a *valueArena) nest(tag C.int32_t, values []any, count int, to *C.ctorch_value, depth int) {
	to.tag, to.count, to.items = tag, C.int64_t(count), a.items(values, depth+1)
}

func pairsOf[K comparable, V any](dict map[K]V) []any {
	pairs := make([]any, 0, 2*len(dict))
	for key, value := range dict {
		pairs = append(pairs, key, value)
	}
	return pairs
}

// fromValue converts a value from C, and takes ownership of its tensors and modules. It panics with
// an *Error if the value has no Go form.
func fromValue(v *C.ctorch_value) any {
	switch v.tag {
	case C.CTORCH_VALUE_TENSOR:
		tensor := bridge.Adopt(unsafe.Pointer(&v.tensor))
		v.tensor.tensor = nil
		return tensor
	case C.CTORCH_VALUE_MODULE:
		module := v.module
		v.module = nil
		return newModule(module)
	case C.CTORCH_VALUE_OBJECT:
		module := v.module
		v.module = nil
		class := string(unsafe.Slice((*byte)(unsafe.Pointer(v.text)), int(v.count)))
		object := &Object{class: strings.TrimPrefix(class, "__torch__."), module: newModule(module)}
		object.module.isObject = true
		return object
	case C.CTORCH_VALUE_INTEGER:
		return int64(v.integer)
	case C.CTORCH_VALUE_NUMBER:
		return float64(v.number)
	case C.CTORCH_VALUE_COMPLEX:
		return complex(float64(v.number), float64(v.imaginary))
	case C.CTORCH_VALUE_BOOL:
		return v.integer != 0
	case C.CTORCH_VALUE_DEVICE:
		return deviceFrom(v.device)
	case C.CTORCH_VALUE_TEXT:
		return string(unsafe.Slice((*byte)(unsafe.Pointer(v.text)), int(v.count)))
	case C.CTORCH_VALUE_TUPLE:
		return torch.Tuple(fromItems(v, int(v.count)))
	case C.CTORCH_VALUE_NAMED_TUPLE:
		pairs := fromItems(v, 2*int(v.count))
		tuple := make(torch.NamedTuple, v.count)
		for i := range tuple {
			tuple[i] = torch.NamedValue{Name: pairs[2*i].(string), Value: pairs[2*i+1]}
		}
		return tuple
	case C.CTORCH_VALUE_LIST:
		return fromList(fromItems(v, int(v.count)), v.element)
	case C.CTORCH_VALUE_DICT:
		return fromDict(fromItems(v, 2*int(v.count)))
	default:
		return nil
	}
}

func fromItems(v *C.ctorch_value, count int) []any {
	items := unsafe.Slice(v.items, count)
	values := make([]any, count)
	for i := range values {
		values[i] = fromValue(&items[i])
	}
	return values
}

// fromList returns a slice of the list's element type.
func fromList(values []any, element C.int32_t) any {
	switch element {
	case C.CTORCH_VALUE_TENSOR:
		return sliceOf[*torch.Tensor](values)
	case C.CTORCH_VALUE_INTEGER:
		return sliceOf[int64](values)
	case C.CTORCH_VALUE_NUMBER:
		return sliceOf[float64](values)
	case C.CTORCH_VALUE_BOOL:
		return sliceOf[bool](values)
	case C.CTORCH_VALUE_TEXT:
		return sliceOf[string](values)
	default:
		return values
	}
}

func sliceOf[T any](values []any) []T {
	all := make([]T, len(values))
	for i, value := range values {
		all[i], _ = value.(T) // an absent tensor is nil
	}
	return all
}

// fromDict panics with an *Error if a key has no Go form, such as a tensor.
func fromDict(pairs []any) *torch.Dict {
	dict := torch.NewDict()
	for i := 0; i < len(pairs); i += 2 {
		if err := torch.Try(func() error { dict.Set(pairs[i], pairs[i+1]); return nil }); err != nil {
			panic(&torch.Error{Operation: "Dict", Kind: torch.ErrNotImplemented, Message: err.(*torch.Error).Message})
		}
	}
	return dict
}
