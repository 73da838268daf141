package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// The classes and functions that are supported, beside storages and dtypes.
var (
	orderedDict   = pickle.Global{Module: "collections", Name: "OrderedDict"}
	counter       = pickle.Global{Module: "collections", Name: "Counter"}
	torchSize     = pickle.Global{Module: "torch", Name: "Size"}
	torchDevice   = pickle.Global{Module: "torch", Name: "device"}
	rebuildTensor = pickle.Global{Module: "torch._utils", Name: "_rebuild_tensor"}
	rebuildV2     = pickle.Global{Module: "torch._utils", Name: "_rebuild_tensor_v2"}
	rebuildV3     = pickle.Global{Module: "torch._utils", Name: "_rebuild_tensor_v3"}
	rebuildParam  = pickle.Global{Module: "torch._utils", Name: "_rebuild_parameter"}
	rebuildState  = pickle.Global{Module: "torch._utils", Name: "_rebuild_parameter_with_state"}
	rebuildType   = pickle.Global{Module: "torch._tensor", Name: "_rebuild_from_type_v2"}
	encodeText    = pickle.Global{Module: "_codecs", Name: "encode"}
	pythonBytes   = pickle.Global{Module: "builtins", Name: "bytes"}
	byteArray     = pickle.Global{Module: "builtins", Name: "bytearray"}
	pythonSet     = pickle.Global{Module: "builtins", Name: "set"}
	frozenSet     = pickle.Global{Module: "builtins", Name: "frozenset"}
	pythonComplex = pickle.Global{Module: "builtins", Name: "complex"}
)

// unsupported are kinds of tensors that PyTorch has and this package does not support.
var unsupported = map[pickle.Global]string{
	{Module: "torch._utils", Name: "_rebuild_sparse_tensor"}: "a sparse tensor",
	{Module: "torch._utils", Name: "_rebuild_qtensor"}:       "a quantized tensor",
	{Module: "torch._utils", Name: "_rebuild_nested_tensor"}: "a nested tensor",
}

func globalDType(global pickle.Global) (torch.DType, bool) {
	if global.Module != "torch" {
		return torch.NoDType, false
	}
	dtype, err := torch.ParseDType(global.Name)
	return dtype, err == nil
}

// A loader converts the contents of a pickle to Go values.
type loader struct {
	operation, name string
	device          torch.Device
	storages        map[string]*fileStorage
	open            func(s *fileStorage) (*torch.Tensor, error)
	// order is the byte order of the file.
	order binary.ByteOrder
	// values are the converted containers and calls, which may be referred to many times. While one
	// is being converted it is unfinished.
	values map[any]any
	// tensors are all tensors made so far, to be closed on failure.
	tensors []*torch.Tensor
	// file is set if tensors are read when they are asked for.
	file *File
}

type (
	unfinished struct{}
	failed     struct{ err error }
)

func (l *loader) value(from any, depth int) (any, error) {
	if depth > deepestValue {
		return nil, fmt.Errorf("values are nested more than %d deep", deepestValue)
	}
	switch v := from.(type) {
	case nil, bool, int64, float64, string, []byte, *big.Int:
		return v, nil
	case pickle.Global:
		if dtype, ok := globalDType(v); ok {
			return dtype, nil
		}
		return &torch.Object{Class: v.String()}, nil
	case *pickle.Persistent:
		if _, err := l.storage(v); err != nil && !errors.As(err, new(*unknownKind)) {
			return nil, err
		}
		return &torch.Object{Class: "torch.storage.UntypedStorage", Problem: "it is a storage that is no tensor's, which is not read"}, nil
	}
	if known, ok := l.values[from]; ok {
		switch k := known.(type) {
		case unfinished:
			return &torch.Object{Class: className(from), Problem: "it is what it is in: a value that contains itself is not read"}, nil
		case failed:
			return nil, k.err
		}
		return known, nil
	}
	if l.values == nil {
		l.values = map[any]any{}
	}
	l.values[from] = unfinished{}
	value, err := l.compound(from, depth)
	if err != nil {
		l.values[from] = failed{err}
		return nil, err
	}
	l.values[from] = value
	return value, nil
}

// className returns Python's name of a container's or object's class.
func className(from any) string {
	switch v := from.(type) {
	case *pickle.List:
		return "list"
	case *pickle.Tuple:
		return "tuple"
	case *pickle.Set:
		return "set"
	case *pickle.Dict:
		if v.Class != (pickle.Global{}) {
			return v.Class.String()
		}
		return "dict"
	case *pickle.Call:
		return v.Function.String()
	}
	return words.Type(from)
}

func (l *loader) compound(from any, depth int) (any, error) {
	switch v := from.(type) {
	case *pickle.List:
		return l.items(v.Items, depth)
	case *pickle.Tuple:
		items, err := l.items(v.Items, depth)
		return torch.Tuple(items), err
	case *pickle.Set:
		items, err := l.items(v.Items, depth)
		return torch.Set(items), err
	case *pickle.Dict:
		return l.dict(v, depth)
	case *pickle.Call:
		if !isKnown(v.Function) {
			return l.object(v, depth), nil
		}
		value, err := l.call(v.Function, v.Arguments.Items, depth)
		if kind := (*unknownKind)(nil); errors.As(err, &kind) {
			return &torch.Object{Class: v.Function.String(), Problem: kind.Error()}, nil
		}
		return value, err
	}
	return nil, fmt.Errorf("it holds %s", words.Type(from))
}

func (l *loader) items(from []any, depth int) ([]any, error) {
	items := make([]any, len(from))
	for i, item := range from {
		var err error
		if items[i], err = l.value(item, depth+1); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (l *loader) dict(from *pickle.Dict, depth int) (*torch.Dict, error) {
	dict := &torch.Dict{Ordered: from.Class == orderedDict}
	if from.Arguments != nil {
		if err := l.dictFrom(dict, from.Arguments.Items, depth); err != nil {
			return nil, err
		}
	}
	for i := 0; i < len(from.Pairs); i += 2 {
		if err := l.setItem(dict, from.Pairs[i], from.Pairs[i+1], depth); err != nil {
			return nil, err
		}
	}
	if from.State != nil {
		state, err := l.value(from.State, depth+1)
		if err != nil {
			return nil, err
		}
		attributes, ok := state.(*torch.Dict)
		if !ok {
			return nil, errors.New("a dict's attributes are no dict")
		}
		dict.Attributes = attributes
	}
	return dict, nil
}

// dictFrom fills a dict from the arguments of its class: nothing, a dict, or a list of pairs.
func (l *loader) dictFrom(dict *torch.Dict, arguments []any, depth int) error {
	damaged := errors.New("a dict is not made of pairs")
	if len(arguments) == 0 {
		return nil
	}
	value, err := l.value(arguments[0], depth+1)
	if err != nil {
		return err
	}
	switch v := value.(type) {
	case *torch.Dict:
		for key, value := range v.All() {
			if err := set(dict, key, value); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for _, item := range v {
			pair, isTuple := item.(torch.Tuple)
			if list, isList := item.([]any); isList {
				pair, isTuple = list, true
			}
			if !isTuple || len(pair) != 2 {
				return damaged
			}
			if err := set(dict, pair[0], pair[1]); err != nil {
				return err
			}
		}
		return nil
	}
	return damaged
}

func (l *loader) setItem(dict *torch.Dict, from, to any, depth int) error {
	key, err := l.value(from, depth+1)
	if err != nil {
		return err
	}
	value, err := l.value(to, depth+1)
	if err != nil {
		return err
	}
	return set(dict, key, value)
}

// call returns what a call of a function would return.
func (l *loader) call(function pickle.Global, arguments []any, depth int) (any, error) {
	switch function {
	case rebuildTensor, rebuildV2, rebuildV3:
		if l.file != nil {
			return l.stored(function, arguments)
		}
		return l.rebuild(function, arguments, depth)
	case rebuildParam, rebuildState:
		return l.parameter(arguments, depth)
	case rebuildType:
		return l.fromType(arguments, depth)
	}
	items, err := l.items(arguments, depth)
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("%s is called with what it does not take", function)
	if len(items) == 0 && (function == pythonSet || function == frozenSet) {
		return torch.Set(nil), nil
	}
	if len(items) == 0 && (function == byteArray || function == pythonBytes) {
		return []byte{}, nil
	}
	if len(items) == 0 {
		return nil, damaged
	}
	switch function {
	case torchSize:
		if tuple, ok := items[0].(torch.Tuple); ok {
			return tuple, nil
		}
	case pythonSet, frozenSet:
		if list, ok := items[0].([]any); ok {
			return torch.Set(list), nil
		}
	case encodeText, byteArray:
		return bytesFrom(items, damaged)
	case torchDevice:
		return deviceFromItems(items, damaged)
	case pythonComplex:
		if real, ok := items[0].(float64); ok && len(items) == 2 {
			if imaginary, ok := items[1].(float64); ok {
				return complex(real, imaginary), nil
			}
		}
	}
	return nil, damaged
}

// fromType returns a tensor that has attributes in Python, which are dropped. The arguments are the
// function that makes it, its class, the function's arguments, and the attributes.
func (l *loader) fromType(arguments []any, depth int) (any, error) {
	if len(arguments) >= 3 {
		function, isGlobal := arguments[0].(pickle.Global)
		given, isTuple := arguments[2].(*pickle.Tuple)
		if isGlobal && isTuple && function != rebuildType {
			return l.call(function, given.Items, depth+1)
		}
	}
	return nil, errors.New("a tensor is not described as torch.save does")
}

// bytesFrom returns bytes as protocol 2 writes them: text of characters up to 255.
func bytesFrom(items []any, damaged error) (any, error) {
	if data, ok := items[0].([]byte); ok {
		return data, nil
	}
	text, ok := items[0].(string)
	if !ok || len(items) < 2 || (items[1] != "latin1" && items[1] != "latin-1") {
		return nil, damaged
	}
	data := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 255 {
			return nil, damaged
		}
		data = append(data, byte(r))
	}
	return data, nil
}

// deviceFromItems returns a device by name and index, whether or not this machine has it.
func deviceFromItems(items []any, damaged error) (any, error) {
	name, number, numbered := "", "0", false
	if text, ok := items[0].(string); ok {
		name, number, numbered = strings.Cut(text, ":")
	}
	if len(items) > 1 && items[1] != nil {
		number, numbered = fmt.Sprint(items[1]), true
	}
	if !numbered {
		number = "0"
	}
	index, err := strconv.Atoi(number)
	switch {
	case err != nil || index < 0:
		return nil, damaged
	case name == "cpu":
		return torch.CPU, nil
	case name == "cuda":
		return torch.CUDA(index), nil
	}
	return nil, fmt.Errorf("it holds the device %q, which has no counterpart here", name)
}
