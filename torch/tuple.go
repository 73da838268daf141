package torch

// A Tuple is a Python tuple, as opposed to a list ([]any).
type Tuple []any

// A NamedTuple is a TorchScript NamedTuple: a tuple whose elements have names.
type NamedTuple []NamedValue

// A NamedValue is an element of a [NamedTuple].
type NamedValue struct {
	Name  string
	Value any
}

// Get returns the element with the given name, or nil if there is none.
func (t NamedTuple) Get(name string) any {
	for _, field := range t {
		if field.Name == name {
			return field.Value
		}
	}
	return nil
}
