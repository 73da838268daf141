package torch

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Dict is a Python dict, which keeps the order in which its keys were added. State dicts are
// Dicts: package torch/checkpoint reads and writes them, and methods of TorchScript modules take
// them. The zero value is an empty dict.
//
// Keys may be a string, an integer (int becomes int64), float64, bool, nil, or a [Tuple] of these.
// As in Python, 1, 1.0 and true are the same key. Values are those that torch/checkpoint reads. A
// Dict may be read from many goroutines at once, as long as none writes to it.
type Dict struct {
	// Ordered makes it a collections.OrderedDict in Python, as a module's state dict is.
	Ordered bool
	// Attributes are attributes set on the dict object itself, or nil. A module's state dict has
	// "_metadata", the versions of its layers. They are written only for an ordered dict.
	Attributes *Dict

	entries []dictEntry
	places  map[any]int
}

type dictEntry struct{ key, value any }

// A Set is a Python set, with its elements in the order of the file.
type Set []any

// NewDict returns a dict of the given keys and values, which alternate. It panics with an [*Error]
// if a key has no value or is of a type that no dict has.
//
//	torch.NewDict("lr", 0.1, "params", []any{0, 1})
func NewDict(pairs ...any) *Dict {
	if len(pairs)%2 != 0 {
		panic(invalid("NewDict", "the last key has no value"))
	}
	d := &Dict{}
	for i := 0; i < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// A NamedTensor is a parameter or buffer and its dotted name.
type NamedTensor struct {
	Name   string
	Tensor *Tensor
}

// StateDictOptions are the options of loading a state dict into layers or a module. The zero value
// is PyTorch's default, strict.
type StateDictOptions struct {
	// Partial ignores tensors that are only in the state dict or only in the module, as PyTorch's
	// strict=False. Shapes must fit in any case.
	Partial bool
}

// A StateDictReport lists the names that are only in the module or only in the state dict.
type StateDictReport struct {
	Missing    []string // only in the module
	Unexpected []string // only in the state dict
}

// StateDict returns an ordered dict of the tensors by name.
func StateDict(tensors []NamedTensor) *Dict {
	d := &Dict{Ordered: true}
	for _, named := range tensors {
		d.Set(named.Name, named.Tensor)
	}
	return d
}

// Len returns the number of keys.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.entries)
}

// Set sets the value of a key. A new key is added at the end; an existing one keeps its place. It
// panics with an [*Error] if the key is of a type that no dict has.
func (d *Dict) Set(key, value any) {
	if err := d.set(key, value); err != nil {
		panic(&Error{"Set", ErrInvalid, err.Error()})
	}
}

func (d *Dict) set(key, value any) error {
	key, place, err := dictKey(key)
	if err != nil {
		return err
	}
	if at, ok := d.places[place]; ok {
		d.entries[at].value = value
		return nil
	}
	if d.places == nil {
		d.places = map[any]int{}
	}
	d.places[place] = len(d.entries)
	d.entries = append(d.entries, dictEntry{key, value})
	return nil
}

// Lookup returns the value of a key, and whether the key exists.
func (d *Dict) Lookup(key any) (any, bool) {
	if d == nil {
		return nil, false
	}
	_, place, err := dictKey(key)
	if err != nil {
		return nil, false
	}
	at, ok := d.places[place]
	if !ok {
		return nil, false
	}
	return d.entries[at].value, true
}

// Get returns the value of a key, or nil if the key does not exist.
func (d *Dict) Get(key any) any {
	value, _ := d.Lookup(key)
	return value
}

// Delete removes a key if it exists.
func (d *Dict) Delete(key any) {
	if d == nil {
		return
	}
	_, place, err := dictKey(key)
	if err != nil {
		return
	}
	at, ok := d.places[place]
	if !ok {
		return
	}
	delete(d.places, place)
	d.entries = slices.Delete(d.entries, at, at+1)
	for place, index := range d.places {
		if index > at {
			d.places[place] = index - 1
		}
	}
}

// All iterates over the keys and values, in order.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if d == nil {
			return
		}
		for _, entry := range d.entries {
			if !yield(entry.key, entry.value) {
				return
			}
		}
	}
}

// Tensors returns the tensors of a state dict, in order. The error is of kind [ErrInvalid] if a key
// is not a string or a value is not a tensor.
func (d *Dict) Tensors() ([]NamedTensor, error) {
	const operation = "Tensors"
	tensors := make([]NamedTensor, 0, d.Len())
	for key, value := range d.All() {
		name, ok := key.(string)
		if !ok {
			return nil, invalid(operation, "the key %v is %s, not a name", key, words.Type(key))
		}
		tensor, ok := value.(*Tensor)
		if object, is := value.(*Object); is && object != nil && object.Problem != "" {
			return nil, invalid(operation, "%q is no tensor: %s", name, object.Problem)
		}
		if !ok || tensor == nil {
			return nil, invalid(operation, "%q is %s, not a tensor", name, words.Type(value))
		}
		tensors = append(tensors, NamedTensor{name, tensor})
	}
	return tensors, nil
}

// Close closes all tensors in the dict, including those in nested dicts, tuples and lists, which may
// contain themselves.
func (d *Dict) Close() { closeTensors(d, map[any]bool{}) }

// closeTensors closes the tensors in a value; seen are the containers that were visited.
func closeTensors(value any, seen map[any]bool) {
	switch v := value.(type) {
	case *Tensor:
		v.Close()
	case *Dict:
		if v == nil || seen[v] {
			return
		}
		seen[v] = true
		for _, item := range v.All() {
			closeTensors(item, seen)
		}
		closeTensors(v.Attributes, seen)
	case []*Tensor:
		closeAll(v)
	case NamedTuple:
		for _, field := range v {
			closeTensors(field.Value, seen)
		}
	case Tuple:
		closeTensors([]any(v), seen)
	case Set:
		closeTensors([]any(v), seen)
	case []any:
		if len(v) == 0 || seen[&v[0]] {
			return
		}
		seen[&v[0]] = true
		for _, item := range v {
			closeTensors(item, seen)
		}
	case *Object:
		if v == nil || seen[v] {
			return
		}
		seen[v] = true
		for _, part := range v.parts() {
			closeTensors(part, seen)
		}
	}
}

// dictKey returns the key as it is stored, and a comparable value for the index that is the same
// for all keys that Python takes as equal.
func dictKey(key any) (kept, place any, err error) {
	switch k := key.(type) {
	case nil, string:
		return k, k, nil
	case int:
		return int64(k), int64(k), nil
	case int64:
		return k, k, nil
	case bool:
		if k {
			return k, int64(1), nil
		}
		return k, int64(0), nil
	case float64:
		if math.IsNaN(k) {
			break
		}
		if whole := int64(k); float64(whole) == k && math.Abs(k) < 1<<62 {
			return k, whole, nil
		}
		return k, k, nil
	case *Object: // an enum's member, for one
		return k, k, nil
	case Tuple:
		left := largestTupleKey
		text, err := tupleKey(k, &left)
		return k, text, err
	}
	return nil, nil, fmt.Errorf("%s cannot be a dict's key", words.Type(key))
}

// largestTupleKey limits how many elements a tuple that is a key may have, nested ones included: a
// tuple from a file may hold another one many times.
const largestTupleKey = 1000

type tuplePlace string

func tupleKey(tuple Tuple, left *int) (tuplePlace, error) {
	text := []byte("(")
	for _, item := range tuple {
		if *left--; *left < 0 {
			return "", fmt.Errorf("a tuple of more than %d elements cannot be a dict's key", largestTupleKey)
		}
		if inner, ok := item.(Tuple); ok {
			part, err := tupleKey(inner, left)
			if err != nil {
				return "", err
			}
			text = append(text, part...)
			continue
		}
		_, place, err := dictKey(item)
		if err != nil {
			return "", err
		}
		if name, ok := place.(string); ok {
			text = strconv.AppendQuote(text, name)
		} else {
			text = fmt.Append(text, place)
		}
		text = append(text, ',')
	}
	return tuplePlace(append(text, ')')), nil
}
