package torch

// An Object describes an object of a Python class that has no counterpart in Go, as in a file of
// torch.save. No code of the class was run. Package torch/checkpoint reads objects; they cannot be
// saved.
type Object struct {
	// Class is the name of the class, or of the function that would make the object, such as
	// "argparse.Namespace".
	Class string
	// Arguments are the arguments of the class or function, and Named its keyword arguments.
	Arguments Tuple
	Named     *Dict
	// State is the state that would be set on the object, mostly a [*Dict] of its attributes, or
	// nil.
	State any
	// Items are the elements of an object that is also a list, and Pairs those of one that is also
	// a dict.
	Items []any
	Pairs *Dict
	// Problem says why the description is incomplete: what could not be read, or what kind of
	// tensor it is that libtorch does not support. It is "" if nothing is missing.
	Problem string
}

// Attribute returns an attribute by name if the state is a dict of attributes, and else nil.
func (o *Object) Attribute(name string) any {
	if o == nil {
		return nil
	}
	if attributes, ok := o.State.(*Dict); ok {
		return attributes.Get(name)
	}
	return nil
}

// parts returns all values that the object contains.
func (o *Object) parts() []any {
	return []any{o.Arguments, o.Named, o.State, o.Items, o.Pairs}
}
