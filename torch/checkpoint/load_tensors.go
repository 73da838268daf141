package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/elements"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
)

// A fileStorage is the memory of one or more tensors in a file. count is its number of elements, or
// of bytes if it is untyped.
type fileStorage struct {
	key     string
	dtype   torch.DType
	count   int64
	untyped bool
	// width is the size of the numbers in an untyped storage, taken from its first tensor. It
	// matters if the file has another byte order than the machine.
	width int64
	// base is all of the memory as a tensor of one dimension, once it has been read.
	base *torch.Tensor
	used bool
}

// storageTypes are Python's names of storages by element type.
var storageTypes = map[string]torch.DType{
	"ByteStorage": torch.Uint8, "CharStorage": torch.Int8, "ShortStorage": torch.Int16, "IntStorage": torch.Int32,
	"LongStorage": torch.Int64, "HalfStorage": torch.Float16, "FloatStorage": torch.Float32, "DoubleStorage": torch.Float64,
	"ComplexFloatStorage": torch.Complex64, "ComplexDoubleStorage": torch.Complex128, "BoolStorage": torch.Bool,
	"BFloat16Storage": torch.BFloat16,
}

var untypedStorage = pickle.Global{Module: "torch.storage", Name: "UntypedStorage"}

func storageDType(class pickle.Global) (torch.DType, bool) {
	if class == untypedStorage {
		return torch.Uint8, true
	}
	if class.Module != "torch" && class.Module != "torch.cuda" {
		return torch.NoDType, false
	}
	dtype, ok := storageTypes[class.Name]
	return dtype, ok
}

// storage returns the storage for a reference in the pickle: ("storage", type, key, location,
// count). It is not read yet.
func (l *loader) storage(reference *pickle.Persistent) (*fileStorage, error) {
	damaged := errors.New("a storage is not described as torch.save does")
	id, ok := reference.ID.(*pickle.Tuple)
	if !ok || len(id.Items) < 5 || id.Items[0] != "storage" {
		return nil, damaged
	}
	class, isClass := id.Items[1].(pickle.Global)
	key, isText := id.Items[2].(string)
	count, isNumber := id.Items[4].(int64)
	if !isClass || !isText || !isNumber {
		return nil, damaged
	}
	if len(id.Items) > 5 && id.Items[5] != nil {
		return nil, errors.New("a storage is part of another one, as PyTorch wrote before version 0.4: load it in Python and save it again")
	}
	dtype, ok := storageDType(class)
	if !ok {
		return nil, unknown("it is a tensor over a %s, whose elements have no counterpart here", class)
	}
	if _, ok := elements.Count([]int64{count}, dtype.ItemSize()); !ok {
		return nil, fmt.Errorf("the storage %s cannot have %d elements", key, count)
	}
	if known := l.storages[key]; known != nil {
		if known.dtype != dtype || known.count != count {
			return nil, fmt.Errorf("the storage %s is %d of %s in one place, %d of %s in another",
				key, known.count, known.dtype, count, dtype)
		}
		return known, nil
	}
	if l.storages == nil {
		l.storages = map[string]*fileStorage{}
	}
	l.storages[key] = &fileStorage{key: key, dtype: dtype, count: count, untyped: class == untypedStorage}
	return l.storages[key], nil
}

// read reads a storage, once.
func (l *loader) read(s *fileStorage) error {
	if s.base != nil {
		return nil
	}
	if l.open == nil {
		return fmt.Errorf("the storage %s is missing", s.key)
	}
	var err error
	if s.base, err = l.open(s); err != nil {
		return err
	}
	return l.move(s)
}

// readFrom reads the elements. The bytes of an untyped storage are swapped as its first tensor
// needs it.
func (s *fileStorage) readFrom(r io.Reader, order binary.ByteOrder) (*torch.Tensor, error) {
	if !s.untyped || order != binary.BigEndian || s.width < 2 || s.count%s.width != 0 {
		return torch.ReadElements(r, torch.Shape{s.count}, s.dtype, order)
	}
	of := map[int64]torch.DType{2: torch.Uint16, 4: torch.Uint32, 8: torch.Uint64}[s.width]
	numbers, err := torch.ReadElements(r, torch.Shape{s.count / s.width}, of, order)
	if err != nil {
		return nil, err
	}
	defer numbers.Close()
	return numbers.ViewDType(torch.Uint8), nil
}

// move copies a storage to the device that its tensors are wanted on.
func (l *loader) move(s *fileStorage) error {
	if l.device == torch.CPU {
		return nil
	}
	read := s.base
	defer read.Close()
	s.base = nil
	return torch.Try(func() error { s.base = read.To(l.device); return nil })
}

func (l *loader) closeStorages() {
	for _, s := range l.storages {
		s.base.Close()
	}
}

// A layout is where a tensor lies in a storage, as a pickle describes it.
type layout struct {
	storage        *fileStorage
	dtype          torch.DType
	offset         int64
	shape, strides []int64
}

// layout reads the arguments of torch._utils._rebuild_tensor_v2: a storage, an offset, a shape,
// strides, whether it requires a gradient, hooks (always empty) and marks; or those of
// _rebuild_tensor_v3, which has a dtype before the marks and an untyped storage. It returns the
// place of the marks too.
func (l *loader) layout(function pickle.Global, arguments []any) (of layout, marks int, err error) {
	if len(arguments) < 4 {
		return of, 0, errors.New("a tensor is not described as torch.save does")
	}
	reference, isReference := arguments[0].(*pickle.Persistent)
	offset, isNumber := arguments[1].(int64)
	shape, isShape := wholeNumbers(arguments[2])
	strides, areStrides := wholeNumbers(arguments[3])
	if !isReference || !isNumber || !isShape || !areStrides || len(shape) != len(strides) {
		return of, 0, errors.New("a tensor is not described as torch.save does")
	}
	s, err := l.storage(reference)
	if err != nil {
		return of, 0, err
	}
	dtype, marks := s.dtype, 6
	if function == rebuildV3 {
		marks = 7
		if dtype, err = viewedAs(s, arguments); err != nil {
			return of, 0, err
		}
	}
	if _, ok := elements.Count(shape, dtype.ItemSize()); !ok {
		return of, 0, fmt.Errorf("there can be no tensor of shape %v", shape)
	}
	return layout{s, dtype, offset, shape, strides}, marks, nil
}

// rebuild makes a tensor as torch._utils._rebuild_tensor_v2 does.
func (l *loader) rebuild(function pickle.Global, arguments []any, depth int) (*torch.Tensor, error) {
	of, marks, err := l.layout(function, arguments)
	if err != nil {
		return nil, err
	}
	t, err := l.over(of)
	if err != nil {
		return nil, err
	}
	l.tensors = append(l.tensors, t)
	if len(arguments) > marks {
		if t, err = l.marked(t, arguments[marks], depth); err != nil {
			return nil, err
		}
	}
	return t, l.requireGrad(t, arguments, 4)
}

// over reads the storage of a tensor, and returns the tensor over it.
func (l *loader) over(of layout) (*torch.Tensor, error) {
	s, width := of.storage, of.dtype.ItemSize()
	if of.dtype.IsComplex() {
		width /= 2
	}
	if s.untyped && s.base == nil && s.width == 0 {
		s.width = width
	}
	if err := l.read(s); err != nil {
		return nil, err
	}
	if s.untyped && l.order == binary.BigEndian && s.width != width {
		return nil, unknown("it shares a big-endian storage with a tensor of elements of another size")
	}
	t, err := over(l.operation, s.base, of.dtype, of.offset, of.shape, of.strides, !s.used)
	if err != nil {
		return nil, fmt.Errorf("a tensor of shape %v and strides %v: %w", of.shape, of.strides, err)
	}
	s.used = true
	return t, nil
}

// viewedAs returns the dtype of a tensor over an untyped storage.
func viewedAs(s *fileStorage, arguments []any) (torch.DType, error) {
	if len(arguments) < 7 {
		return torch.NoDType, errors.New("a tensor is not described as torch.save does")
	}
	class, _ := arguments[6].(pickle.Global)
	dtype, ok := globalDType(class)
	switch {
	case !ok && class.Module == "torch":
		return dtype, unknown("it is a tensor of %s, which has no counterpart here", class)
	case !ok:
		return dtype, errors.New("a tensor is not described as torch.save does")
	case !dtype.IsAvailable():
		return dtype, unknown("it is a tensor of %s, which libtorch %s does not have", dtype, torch.Version())
	case dtype != s.dtype && !viewable[dtype]:
		// A bool must be 0 or 1, which is checked only in storages of bools.
		return dtype, unknown("it is a tensor of %s over a storage of %s", dtype, s.dtype)
	}
	return dtype, nil
}

// viewable are the dtypes whose storages are untyped in a file.
var viewable = func() map[torch.DType]bool {
	all := map[torch.DType]bool{}
	for _, dtype := range []torch.DType{torch.Complex32, torch.Uint16, torch.Uint32, torch.Uint64,
		torch.Float8E5M2, torch.Float8E4M3FN, torch.Float8E5M2FNUZ, torch.Float8E4M3FNUZ, torch.Float8E8M0FNU,
		torch.Float4E2M1FNX2, torch.Bits1x8, torch.Bits2x4, torch.Bits4x2, torch.Bits8, torch.Bits16} {
		all[dtype] = true
	}
	return all
}()

// marked applies the marks that say that a tensor is the conjugate or the negative of the numbers
// in its storage.
func (l *loader) marked(t *torch.Tensor, marks any, depth int) (*torch.Tensor, error) {
	given, err := l.value(marks, depth+1)
	if err != nil {
		return nil, err
	}
	dict, ok := given.(*torch.Dict)
	if given != nil && !ok {
		return nil, errors.New("a tensor is not described as torch.save does")
	}
	for mark, value := range dict.All() {
		if value != true {
			continue
		}
		plain := t
		switch mark {
		case "conj":
			t = plain.Conj()
		case "neg":
			t = plain.Neg()
		default:
			return nil, fmt.Errorf("a tensor has the mark %v, which is not known", mark)
		}
		plain.Close()
		l.tensors = append(l.tensors, t)
	}
	return t, nil
}

// parameter makes a tensor from a torch.nn.Parameter: a tensor, whether it requires a gradient, and
// hooks. Attributes set on it in Python are dropped.
func (l *loader) parameter(arguments []any, depth int) (any, error) {
	if len(arguments) < 2 {
		return nil, errors.New("a parameter is not described as torch.save does")
	}
	value, err := l.value(arguments[0], depth+1)
	if err != nil {
		return nil, err
	}
	if object, ok := value.(*torch.Object); ok && object.Problem != "" {
		return nil, unknown("%s", object.Problem)
	}
	switch t := value.(type) {
	case *torch.Tensor:
		return t, l.requireGrad(t, arguments, 1)
	case *StoredTensor:
		parameter := *t
		parameter.RequiresGrad, _ = arguments[1].(bool)
		return &parameter, nil
	}
	return nil, errors.New("a parameter is made of what is no tensor")
}

func (l *loader) requireGrad(t *torch.Tensor, arguments []any, at int) error {
	if len(arguments) <= at {
		return nil
	}
	required, ok := arguments[at].(bool)
	if !ok {
		return errors.New("a tensor does not say whether it requires a gradient")
	}
	if !required {
		return nil
	}
	return torch.Try(func() error { t.SetRequiresGrad(true); return nil })
}

// wholeNumbers returns the elements of a tuple or torch.Size.
func wholeNumbers(value any) ([]int64, bool) {
	if call, ok := value.(*pickle.Call); ok && call.Function == torchSize && len(call.Arguments.Items) == 1 {
		value = call.Arguments.Items[0]
	}
	tuple, ok := value.(*pickle.Tuple)
	if !ok {
		return nil, false
	}
	numbers := make([]int64, len(tuple.Items))
	for i, item := range tuple.Items {
		if numbers[i], ok = item.(int64); !ok {
			return nil, false
		}
	}
	return numbers, true
}
