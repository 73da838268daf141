package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/lists"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A saver converts values to a pickle, and collects the storages that are saved beside it.
type saver struct {
	operation string
	encoder   *pickle.Encoder
	data      []byte
	known     map[savedStorage]int
	// storages are the storages as tensors of one dimension on the CPU.
	storages []*torch.Tensor
}

// A savedStorage identifies a storage by its memory and its element type, which a storage has in
// Python.
type savedStorage struct {
	identity uint64
	dtype    torch.DType
}

func (s *saver) close() { bridge.CloseAll(s.storages) }

func (s *saver) pickle(value any) error {
	s.encoder = pickle.NewEncoder()
	err := torch.Try(func() error { return s.put(value, 0) })
	s.data = s.encoder.Finish()
	if known := (*torch.Error)(nil); err != nil && !errors.As(err, &known) {
		return &torch.Error{Operation: "checkpoint." + s.operation, Kind: torch.ErrInvalid, Message: err.Error()}
	}
	return err
}

// A sharedItems identifies a list or tuple.
type sharedItems struct {
	first *any
	count int
	tuple bool
}

var errDeep = fmt.Errorf("values are nested more than %d deep, or contain themselves", deepestValue)

func (s *saver) put(value any, depth int) error {
	if depth > deepestValue {
		return errDeep
	}
	e := s.encoder
	switch v := value.(type) {
	case nil:
		e.None()
	case bool:
		e.Bool(v)
	case int:
		e.Int(int64(v))
	case int64:
		e.Int(v)
	case *big.Int:
		return e.Big(v)
	case float64:
		e.Float(v)
	case complex128:
		e.Global(pythonComplex)
		e.Mark()
		e.Float(real(v))
		e.Float(imag(v))
		e.Tuple()
		e.Reduce()
	case string:
		return e.Text(v)
	case []byte:
		return s.putBytes(v)
	case torch.DType:
		if _, err := torch.ParseDType(v.String()); err != nil {
			return fmt.Errorf("%s cannot be saved", v)
		}
		e.Global(pickle.Global{Module: "torch", Name: v.String()})
	case torch.Device:
		return s.putDevice(v)
	case *torch.Tensor:
		if v == nil {
			e.None()
			return nil
		}
		return s.putTensor(v)
	case *torch.Object:
		if v == nil {
			e.None()
			return nil
		}
		return fmt.Errorf("an object of the class %s cannot be saved: only its description was read", v.Class)
	case torch.Tuple:
		return s.putTuple(v, depth)
	case []any:
		return s.putList(v, depth)
	case torch.Set:
		e.Global(pythonSet)
		e.Mark()
		if err := s.putList(v, depth); err != nil {
			return err
		}
		e.Tuple()
		e.Reduce()
	case []*torch.Tensor:
		return s.putList(lists.Anys(v), depth)
	case []int:
		return s.putList(lists.Anys(v), depth)
	case []int64:
		return s.putList(lists.Anys(v), depth)
	case []float64:
		return s.putList(lists.Anys(v), depth)
	case []string:
		return s.putList(lists.Anys(v), depth)
	case map[string]any:
		dict := &torch.Dict{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			dict.Set(key, v[key])
		}
		return s.putDict(dict, depth)
	case *torch.Dict:
		if v == nil {
			e.None()
			return nil
		}
		return s.putDict(v, depth)
	default:
		return fmt.Errorf("%s cannot be saved", words.Type(value))
	}
	return nil
}

// once writes items unless they were written before: a list that occurs twice is one object in
// Python.
func (s *saver) once(items []any, tuple bool, write func() error) error {
	if len(items) == 0 {
		return write()
	}
	key := sharedItems{unsafe.SliceData(items), len(items), tuple}
	if s.encoder.Recall(key) {
		return nil
	}
	if err := write(); err != nil {
		return err
	}
	s.encoder.Remember(key)
	return nil
}

func (s *saver) putTuple(items torch.Tuple, depth int) error {
	return s.once(items, true, func() error {
		s.encoder.Mark()
		for _, item := range items {
			if err := s.put(item, depth+1); err != nil {
				return err
			}
		}
		s.encoder.Tuple()
		return nil
	})
}

func (s *saver) putList(items []any, depth int) error {
	return s.once(items, false, func() error {
		s.encoder.EmptyList()
		s.encoder.Mark()
		for _, item := range items {
			if err := s.put(item, depth+1); err != nil {
				return err
			}
		}
		s.encoder.Appends()
		return nil
	})
}

func (s *saver) putDict(dict *torch.Dict, depth int) error {
	e := s.encoder
	if e.Recall(dict) {
		return nil
	}
	if dict.Ordered {
		s.emptyOrderedDict()
	} else {
		e.EmptyDict()
	}
	e.Mark()
	for key, value := range dict.All() {
		if err := s.put(key, depth+1); err != nil {
			return err
		}
		if err := s.put(value, depth+1); err != nil {
			return under(key, err)
		}
	}
	e.SetItems()
	if dict.Ordered && dict.Attributes.Len() > 0 {
		plain := *dict.Attributes
		plain.Ordered, plain.Attributes = false, nil
		if err := s.putDict(&plain, depth+1); err != nil {
			return err
		}
		e.Build()
	}
	e.Remember(dict)
	return nil
}

// under adds to an error where in a dict the value is that cannot be saved.
func under(key any, err error) error {
	if known := (*torch.Error)(nil); errors.Is(err, errDeep) || errors.As(err, &known) {
		return err
	}
	return fmt.Errorf("%v: %w", key, err)
}

func (s *saver) emptyOrderedDict() {
	s.encoder.Global(orderedDict)
	s.encoder.EmptyTuple()
	s.encoder.Reduce()
}

// putBytes writes bytes as Python does in protocol 2, which has no instruction for them.
func (s *saver) putBytes(data []byte) error {
	if len(data) == 0 { // torch.load refuses the class bytes, but not Python's own workaround
		s.encoder.Global(byteArray)
		s.encoder.EmptyTuple()
		s.encoder.Reduce()
		return nil
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return s.callWithTexts(encodeText, string(runes), "latin1")
}

func (s *saver) putDevice(device torch.Device) error {
	if !device.IsCUDA() {
		return s.callWithTexts(torchDevice, "cpu")
	}
	return s.callWithTexts(torchDevice, "cuda:"+strconv.Itoa(max(device.Index(), 0)))
}

func (s *saver) callWithTexts(function pickle.Global, texts ...string) error {
	s.encoder.Global(function)
	s.encoder.Mark()
	for _, text := range texts {
		if err := s.encoder.Text(text); err != nil {
			return err
		}
	}
	s.encoder.Tuple()
	s.encoder.Reduce()
	return nil
}

var storageNames = func() map[torch.DType]string {
	names := map[torch.DType]string{}
	for name, dtype := range storageTypes {
		names[dtype] = name
	}
	return names
}()

// putTensor writes a call of torch._utils._rebuild_tensor_v2.
func (s *saver) putTensor(t *torch.Tensor) error {
	if s.encoder.Recall(t) {
		return nil
	}
	source := t
	if bridge.StorageOf(s.operation, t).Marked {
		source = bridge.Unmarked(s.operation, t).(*torch.Tensor)
		defer source.Close()
	}
	dtype := source.DType()
	function, class := rebuildV2, pickle.Global{Module: "torch", Name: storageNames[dtype]}
	untyped := viewable[dtype]
	if untyped {
		function, class = rebuildV3, untypedStorage
	}
	index, offset, count, err := s.storage(source, untyped)
	if err != nil {
		return err
	}
	e := s.encoder
	e.Global(function)
	e.Mark()
	e.Mark()
	if err := e.Text("storage"); err != nil {
		return err
	}
	e.Global(class)
	if err := errors.Join(e.Text(strconv.Itoa(index)), e.Text("cpu")); err != nil {
		return err
	}
	e.Int(count)
	e.Tuple()
	e.Persistent()
	e.Int(offset)
	s.putNumbers(source.Shape())
	s.putNumbers(source.Strides())
	e.Bool(t.RequiresGrad())
	s.emptyOrderedDict()
	if untyped {
		e.Global(pickle.Global{Module: "torch", Name: dtype.String()})
	}
	e.Tuple()
	e.Reduce()
	e.Remember(t)
	return nil
}

func (s *saver) putNumbers(numbers []int64) {
	s.encoder.Mark()
	for _, n := range numbers {
		s.encoder.Int(n)
	}
	s.encoder.Tuple()
}

// storage returns the index of a tensor's storage, the tensor's offset in it, and the storage's
// number of elements, or of bytes if it is untyped.
func (s *saver) storage(t *torch.Tensor, untyped bool) (index int, offset, count int64, err error) {
	memory := bridge.StorageOf(s.operation, t)
	dtype := t.DType()
	if storageNames[dtype] == "" && !untyped {
		return 0, 0, 0, fmt.Errorf("a tensor of %s cannot be saved: torch.save has no form for it", dtype)
	}
	if untyped {
		dtype = torch.NoDType // distinguishes it from a typed storage of uint8
	}
	offset, count = memory.Offset, memory.Bytes
	if !untyped {
		count /= dtype.ItemSize()
	}
	key := savedStorage{memory.Identity, dtype}
	if index, ok := s.known[key]; ok {
		return index, offset, count, nil
	}
	if untyped {
		dtype = torch.Uint8
	}
	whole, err := over(s.operation, t, dtype, 0, []int64{count}, []int64{1}, false)
	if err != nil {
		return 0, 0, 0, err
	}
	if t.Device() != torch.CPU {
		defer whole.Close()
		whole = whole.To(torch.CPU)
	}
	index = len(s.storages)
	s.storages = append(s.storages, whole)
	s.known[key] = index
	return index, offset, count, nil
}
