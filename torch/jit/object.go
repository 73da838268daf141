package jit

// An Object is an object of a class that was scripted in Python (torch.jit.script), as a method of a
// module returns it or takes it. It stays in TorchScript: its attributes can be read and set, its methods
// called, and it is an argument of other methods. What was said of a [Module]'s use by several
// goroutines holds for it too.
type Object struct {
	class string
	// module is how libtorch holds it: a module is an object whose class is one.
	module *Module
}

// Class returns the class's name with its Python module, such as "shapes.Pair"; without one, as
// "Pair", for a class of the program that saved it.
func (o *Object) Class() string {
	if o == nil {
		return ""
	}
	return o.class
}

// String returns the class.
func (o *Object) String() string {
	if o == nil {
		return "object(nil)"
	}
	return "<object of " + o.class + ">"
}

// Attributes returns the names and types of the object's attributes.
func (o *Object) Attributes() ([]NamedType, error) { return o.self().Attributes() }

// Attribute returns an attribute by its name, in the form of a result of [Module.Call]. The error is of
// kind [torch.ErrModel] if there is none.
func (o *Object) Attribute(name string) (any, error) { return o.self().Attribute(name) }

// SetAttribute sets an attribute to a value of the type that it has.
func (o *Object) SetAttribute(name string, value any) error {
	return o.self().SetAttribute(name, value)
}

// Methods returns the signatures of the object's methods.
func (o *Object) Methods() ([]Method, error) { return o.self().Methods() }

// Call calls a method, as [Module.Call] does.
func (o *Object) Call(method string, arguments ...any) (any, error) {
	return o.self().Call(method, arguments...)
}

// Close frees the object. Closing it again does nothing.
func (o *Object) Close() { o.self().Close() }

// noObject stands for a nil object: using it is an error.
var noObject = &Module{isObject: true}

// self returns the object's module.
func (o *Object) self() *Module {
	if o == nil || o.module == nil {
		return noObject
	}
	return o.module
}
