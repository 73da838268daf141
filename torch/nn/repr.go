package nn

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Format returns a description of a network with its layers, as Python's print does:
//
//	network(
//	  (conv1): Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1))
//	  (blocks): ModuleList(
//	    (0-2): 3 x Linear(in_features=16, out_features=16, bias=True)
//	  )
//	)
//
// Layers of this package have it as their method String. For a type of your own:
//
//	func (n *network) String() string { return nn.Format(n) }
func Format(module any) string {
	value := reflect.ValueOf(module)
	if own := inner(value); own.IsValid() && own.Type().PkgPath() == reflect.TypeFor[Linear]().PkgPath() {
		return text(value, nil)
	}
	return container(value, nil)
}

// inner returns the value behind interfaces and pointers; not valid if one of them is nil.
func inner(value reflect.Value) reflect.Value {
	for value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	return value
}

// text describes a module by its own method String, or as a container. around has the pointers that
// contain it.
func text(value reflect.Value, around []any) string {
	for ; value.Kind() == reflect.Interface || value.Kind() == reflect.Pointer; value = value.Elem() {
		if value.IsNil() {
			return "None"
		}
		if own, ok := value.Interface().(fmt.Stringer); ok && value.Kind() == reflect.Pointer {
			return own.String()
		}
		if value.Kind() == reflect.Pointer {
			if slices.Contains(around, value.Interface()) {
				return "..."
			}
			around = append(slices.Clip(around), value.Interface())
		}
	}
	for _, form := range forms(value) {
		if own, ok := form.(fmt.Stringer); ok {
			return own.String()
		}
	}
	return container(value, around)
}

// forms returns a value, and its address if it has one, whose methods may be more.
func forms(value reflect.Value) []any {
	if value.CanAddr() {
		return []any{value.Interface(), value.Addr().Interface()}
	}
	return []any{value.Interface()}
}

// A part is a module in another one, and its description.
type part struct{ name, text string }

// container describes a struct, slice or map by its parts.
func container(value reflect.Value, around []any) string {
	value = inner(value)
	if !value.IsValid() {
		return "None"
	}
	var parts []part
	name := value.Type().Name()
	switch value.Kind() {
	case reflect.Struct:
		if name == "" {
			name = "Module"
		}
		for _, f := range (&contents{operation: "Format"}).fields(value, nil) {
			if isModule(f.value) {
				parts = append(parts, part{f.name, text(f.value, around)})
			}
		}
	case reflect.Slice, reflect.Array:
		if name == "" {
			name = "ModuleList"
		}
		for i := range value.Len() {
			if item := value.Index(i); isModule(item) {
				parts = append(parts, part{strconv.Itoa(i), text(item, around)})
			}
		}
		parts = withoutRepeats(parts)
	case reflect.Map:
		if name == "" {
			name = "ModuleDict"
		}
		items := map[string]part{}
		for _, key := range value.MapKeys() {
			if item := value.MapIndex(key); isModule(item) {
				name := fmt.Sprint(key)
				items[name] = part{name, text(item, around)}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(items)) {
			parts = append(parts, items[key])
		}
	default:
		return name + "()"
	}
	return joinParts(name, parts)
}

// joinParts writes a module with its parts below it.
func joinParts(name string, parts []part) string {
	if len(parts) == 0 {
		return name + "()"
	}
	var out strings.Builder
	out.WriteString(name + "(\n")
	for _, p := range parts {
		out.WriteString("  (" + p.name + "): " + strings.ReplaceAll(p.text, "\n", "\n  ") + "\n")
	}
	out.WriteString(")")
	return out.String()
}

// withoutRepeats writes equal items that follow each other as one: (0-2): 3 x Linear(...).
func withoutRepeats(parts []part) []part {
	var all []part
	for start := 0; start < len(parts); {
		end := start + 1
		for end < len(parts) && parts[end].text == parts[start].text {
			end++
		}
		one := parts[start]
		if count := end - start; count > 1 {
			one = part{one.name + "-" + parts[end-1].name, fmt.Sprintf("%d x %s", count, one.text)}
		}
		all = append(all, one)
		start = end
	}
	return all
}

// isModule reports whether a field holds a module: a layer, or a struct, slice or map with tensors.
func isModule(value reflect.Value) bool {
	own := inner(value)
	if !own.IsValid() || own.Type() == tensorType.Elem() {
		return false
	}
	if (own.Kind() == reflect.Slice || own.Kind() == reflect.Map) && own.IsNil() {
		return false
	}
	isLayer := own.Type().Implements(layerType) || reflect.PointerTo(own.Type()).Implements(layerType)
	return isLayer || holdsTensors(own.Type(), nil)
}

// call writes a layer as a call: Linear(in_features=3, out_features=2, bias=True).
func call(name string, arguments ...string) string {
	return name + "(" + strings.Join(arguments, ", ") + ")"
}

// argument writes an argument in Python's notation.
func argument[T any](name string, value T) string { return name + "=" + python(value) }

func python(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		digits := strconv.FormatFloat(v, 'g', -1, 64)
		if strings.ContainsAny(digits, ".eIN") {
			return strings.ToLower(digits)
		}
		return digits + ".0"
	case []int64:
		return tuple(v)
	}
	return fmt.Sprint(value)
}

// tuple writes a list as Python's tuple: (3, 3) or (3,).
func tuple(list []int64) string {
	digits := make([]string, len(list))
	for i, number := range list {
		digits[i] = strconv.FormatInt(number, 10)
	}
	if len(list) == 1 {
		return "(" + digits[0] + ",)"
	}
	return "(" + strings.Join(digits, ", ") + ")"
}

// oneOrTuple writes a list of one number as the number.
func oneOrTuple(list []int64) string {
	if len(list) == 1 {
		return strconv.FormatInt(list[0], 10)
	}
	return tuple(list)
}

// shapeOf returns the shape of a tensor, or nil if it is nil or closed.
func shapeOf(t *torch.Tensor) (shape torch.Shape) {
	_ = torch.Try(func() error {
		if t != nil {
			shape = t.Shape()
		}
		return nil
	})
	return shape
}

// sizeOf returns a size of a tensor, times a factor, as text: "?" if the tensor is nil or closed.
func sizeOf(t *torch.Tensor, dim int, factor int64) string {
	shape := shapeOf(t)
	if dim >= len(shape) {
		return "?"
	}
	return strconv.FormatInt(factor*shape[dim], 10)
}
