package torch

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
)

// A Dict is a Python dict: values by key, in the order in which the keys came. State dicts are made
// of it: package torch/checkpoint reads and writes it, and a [Module]'s methods take it. The zero value is an
// empty dict.
//
// Keys are text, whole numbers (an int becomes an int64), float64, bool, nil and a [Tuple] of
// these; as in Python, 1, 1.0 and true are the same key. Values are those that torch/checkpoint reads. A Dict may be
// read from many goroutines at once, as long as nobody writes to it.
type Dict struct {
	// Ordered says that Python sees a collections.OrderedDict, as a module's state dict is.
	Ordered bool
	// Attributes are what was set on the dict itself: a module's state dict has "_metadata", the
	// versions of its layers. nil where there are none. Only an ordered dict's are written.
	Attributes *Dict

	entries []dictEntry
	places  map[any]int
}

type dictEntry struct{ key, value any }

// A Set is a Python set: its elements, in the file's order.
type Set []any

// NewDict is a dict of key, value, key, value and so on. It panics with an [*Error] where a key has
// no value, or is of a kind that no dict has.
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

// A NamedTensor is a parameter or buffer with its dotted name.
type NamedTensor struct {
	Name   string
	Tensor *Tensor
}

// StateDict is an ordered dict of tensors by their names, as a module's parameters.
func StateDict(tensors []NamedTensor) *Dict {
	d := &Dict{Ordered: true}
	for _, named := range tensors {
		d.Set(named.Name, named.Tensor)
	}
	return d
}

// Len is the number of keys.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.entries)
}

// Set gives a key a value: a new key comes last, a known one keeps its place. It panics with an
// [*Error] where the key is of a kind that no dict has.
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

// Lookup is a key's value, and whether there is one.
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

// Get is a key's value, or nil where there is none.
func (d *Dict) Get(key any) any {
	value, _ := d.Lookup(key)
	return value
}

// Delete removes a key, if it is there.
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

// All ranges over the keys and their values, in order.
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

// Tensors is the tensors of a dict that has names and tensors alone, as a module's state dict, in
// order.
func (d *Dict) Tensors() ([]NamedTensor, error) {
	const operation = "Tensors"
	tensors := make([]NamedTensor, 0, d.Len())
	for key, value := range d.All() {
		name, ok := key.(string)
		if !ok {
			return nil, invalid(operation, "the key %v is a %T, not a name", key, key)
		}
		tensor, ok := value.(*Tensor)
		if object, is := value.(*Object); is && object != nil && object.Problem != "" {
			return nil, invalid(operation, "%q is no tensor: %s", name, object.Problem)
		}
		if !ok || tensor == nil {
			return nil, invalid(operation, "%q is a %T, not a tensor", name, value)
		}
		tensors = append(tensors, NamedTensor{name, tensor})
	}
	return tensors, nil
}

// Close closes all tensors in the dict, at whatever depth.
func (d *Dict) Close() {
	if d == nil {
		return
	}
	for _, value := range d.All() {
		closeTensors(value)
	}
	d.Attributes.Close()
}

func closeTensors(value any) {
	switch v := value.(type) {
	case *Tensor:
		v.Close()
	case *Dict:
		v.Close()
	case []*Tensor:
		closeAll(v)
	case NamedTuple:
		for _, field := range v {
			closeTensors(field.Value)
		}
	case Tuple:
		closeTensors([]any(v))
	case Set:
		closeTensors([]any(v))
	case []any:
		for _, item := range v {
			closeTensors(item)
		}
	case *Object:
		if v != nil {
			for _, part := range v.parts() {
				closeTensors(part)
			}
		}
	}
}

// dictKey is a key as it is kept, and what stands for it in the index: one thing for all that
// Python takes for equal, that Go can compare.
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
	return nil, nil, fmt.Errorf("a %T cannot be a dict's key", key)
}

// largestTupleKey is how many elements a tuple that is a key may have, those of tuples in it
// included: a tuple from a file may hold another many times over.
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
