package torch

// An Object is an object of a Python class that has no counterpart in Go, as a file of torch.save
// describes it. Nothing of it was run: a class here is a name. Package torch/checkpoint reads objects;
// they cannot be saved.
type Object struct {
	// Class is the class, or the function that would make the object, as "argparse.Namespace".
	Class string
	// Arguments are what the class or function would be called with, and Named those by name.
	Arguments Tuple
	Named     *Dict
	// State is what would be set on the object, mostly a [*Dict] of its attributes; nil: nothing.
	State any
	// Items are the elements of an object that is a list too, and Pairs those of one that is a dict.
	Items []any
	Pairs *Dict
	// Problem says why there is no more: what of the object cannot be read, or which kind of tensor it is
	// that libtorch would need more for. Empty: nothing is missing.
	Problem string
}

// Attribute is an attribute by its name, where the state is a dict of attributes; else nil.
func (o *Object) Attribute(name string) any {
	if o == nil {
		return nil
	}
	if attributes, ok := o.State.(*Dict); ok {
		return attributes.Get(name)
	}
	return nil
}

// parts are all that the object holds.
func (o *Object) parts() []any {
	return []any{o.Arguments, o.Named, o.State, o.Items, o.Pairs}
}
