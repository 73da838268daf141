package nn

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

var (
	tensorType = reflect.TypeFor[*torch.Tensor]()
	layerType  = reflect.TypeFor[Layer]()
)

// A tensorPlace is a tensor in a network.
type tensorPlace struct {
	name      string
	tensor    *torch.Tensor
	set       func(*torch.Tensor)
	buffer    bool
	transient bool // not part of the state dict
}

// A modulePlace is a struct, slice or map in a network.
type modulePlace struct {
	name  string
	value any // a pointer to the struct; or a slice or map
}

// contents are all tensors and modules of a network, in PyTorch's order: a module before its parts,
// and its own tensors, parameters first, before those of its parts.
type contents struct {
	operation string
	tensors   []tensorPlace
	modules   []modulePlace
	// structs are pointers to all structs, including embedded ones.
	structs []any
	// around are the pointers, slices and maps that contain the current value.
	around []any
}

func collect(operation string, module any) *contents {
	c := &contents{operation: operation}
	value := reflect.ValueOf(module)
	require(value.IsValid(), operation, "the module is nil")
	kind := value.Kind()
	inside := value.Type()
	for inside.Kind() == reflect.Pointer {
		inside = inside.Elem()
	}
	switch inside.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map, reflect.Interface, reflect.Func:
	default:
		panic(invalid(operation, "%s is no module: give a pointer to a struct, a slice or a map of layers and tensors", words.Type(module)))
	}
	require(kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map || !holdsTensors(value.Type(), nil),
		operation, "%s cannot be changed: give a pointer to it", words.Type(module))
	require(kind != reflect.Pointer || !value.IsNil(), operation, "the module is a nil %T", module)
	c.walk("", value)
	return c
}

// field says how a struct's field, or an item of a slice or map, is named and used.
type field struct {
	name              string
	value             reflect.Value
	set               func(reflect.Value)
	buffer, transient bool
}

// walk adds the module in value, which has the given name.
func (c *contents) walk(name string, value reflect.Value) {
	for value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return
		}
		if value.Kind() == reflect.Pointer {
			require(!slices.Contains(c.around, value.Interface()), c.operation, "%s holds itself", shown(name))
			c.around = append(c.around, value.Interface())
			defer func() { c.around = c.around[:len(c.around)-1] }()
		}
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.Struct:
		if !value.CanAddr() {
			require(!holdsTensors(value.Type(), nil), c.operation,
				"%s is %s that cannot be changed: use a pointer to it", shown(name), words.WithArticle(value.Type().String()))
			c.modules = append(c.modules, modulePlace{name, value.Interface()})
			return
		}
		c.modules = append(c.modules, modulePlace{name, value.Addr().Interface()})
		c.structs = append(c.structs, value.Addr().Interface())
		c.gather(name, c.fields(value, nil))
	case reflect.Slice, reflect.Array:
		if !holdsTensors(value.Type(), nil) {
			return
		}
		c.modules = append(c.modules, modulePlace{name, value.Interface()})
		var items []field
		for i := range value.Len() {
			items = append(items, field{name: strconv.Itoa(i), value: value.Index(i), set: value.Index(i).Set})
		}
		c.gather(name, items)
	case reflect.Map:
		if !holdsTensors(value.Type(), nil) {
			return
		}
		require(value.Type().Key().Kind() == reflect.String, c.operation, "%s is %s, whose keys are not strings",
			shown(name), words.WithArticle(value.Type().String()))
		c.modules = append(c.modules, modulePlace{name, value.Interface()})
		keys := map[string]reflect.Value{}
		for _, key := range value.MapKeys() {
			keys[key.String()] = key
		}
		var items []field
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			items = append(items, field{name: key, value: value.MapIndex(keys[key]),
				set: func(item reflect.Value) { value.SetMapIndex(keys[key], item) }})
		}
		c.gather(name, items)
	}
}

// gather adds a module's own parameters, then its own buffers, then its parts.
func (c *contents) gather(name string, fields []field) {
	for _, buffers := range []bool{false, true} {
		for _, f := range fields {
			if f.value.Type() != tensorType || f.buffer != buffers || f.value.IsNil() {
				continue
			}
			c.tensors = append(c.tensors, tensorPlace{joined(name, f.name), f.value.Interface().(*torch.Tensor),
				func(t *torch.Tensor) { f.set(reflect.ValueOf(t)) }, f.buffer, f.transient})
		}
	}
	for _, f := range fields {
		if f.value.Type() != tensorType {
			c.walk(joined(name, f.name), f.value)
		}
	}
}

// fields returns the fields of a struct, including embedded ones, that can hold tensors or parts.
func (c *contents) fields(value reflect.Value, found []field) []field {
	for i := range value.NumField() {
		described := value.Type().Field(i)
		tag, tagged := described.Tag.Lookup("nn")
		if tag == "-" || !mayHoldModules(described.Type) {
			continue
		}
		options := strings.Split(tag, ",")
		f := field{name: options[0], value: value.Field(i), set: value.Field(i).Set}
		for _, option := range options[1:] {
			switch option {
			case "buffer":
				f.buffer = true
			case "transient":
				f.transient = true
			default:
				panic(invalid(c.operation, "field %s of %s: there is no option %q of the tag nn",
					described.Name, value.Type(), option))
			}
		}
		require(!strings.Contains(f.name, "."), c.operation, "field %s of %s: the name %q has a dot",
			described.Name, value.Type(), f.name)
		if described.Anonymous && !tagged {
			if inner := reflect.Indirect(f.value); inner.IsValid() && inner.Kind() == reflect.Struct {
				if inner.CanAddr() && inner.CanInterface() {
					c.structs = append(c.structs, inner.Addr().Interface())
				}
				found = c.fields(inner, found)
				continue
			}
		}
		if !described.IsExported() {
			require(!holdsTensors(described.Type, nil), c.operation,
				`field %s of %s is not exported, so that its tensors cannot be reached: `+
					`export it, or leave it or what holds it out with the tag nn:"-"`,
				described.Name, value.Type())
			continue
		}
		if f.name == "" {
			f.name = snakeCase(described.Name)
		}
		for _, other := range found {
			require(other.name != f.name, c.operation, "%s has the name %q twice", value.Type(), f.name)
		}
		found = append(found, f)
	}
	return found
}

// mayHoldModules reports whether fields of a type are visited: those that can hold tensors, and
// other structs, which may have a mode.
func mayHoldModules(t reflect.Type) bool {
	for range 8 { // a type may contain itself
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			if t == tensorType {
				return true
			}
			t = t.Elem()
		case reflect.Struct:
			return t != tensorType.Elem()
		case reflect.Interface:
			return true
		default:
			return false
		}
	}
	return false
}

// holdsTensors reports whether values of the type can hold a tensor, by the type alone.
func holdsTensors(t reflect.Type, seen []reflect.Type) bool {
	if t == tensorType {
		return true
	}
	if slices.Contains(seen, t) {
		return false
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsTensors(t.Elem(), seen)
	case reflect.Interface:
		return t.Implements(layerType) || t.NumMethod() == 0
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("nn") != "-" && holdsTensors(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

func joined(name, part string) string {
	if name == "" {
		return part
	}
	return name + "." + part
}

func shown(name string) string {
	if name == "" {
		return "the module"
	}
	return strconv.Quote(name)
}

// snakeCase converts a Go name to Python's form: OutProj to out_proj, FC1 to fc1, MLPHead to
// mlp_head.
func snakeCase(name string) string {
	letters := []rune(name)
	var text strings.Builder
	for i, letter := range letters {
		if unicode.IsUpper(letter) && i > 0 {
			endsWord := i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if !unicode.IsUpper(letters[i-1]) || endsWord {
				text.WriteByte('_')
			}
		}
		text.WriteRune(unicode.ToLower(letter))
	}
	return text.String()
}
