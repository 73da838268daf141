package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A Method is the signature of a module's method.
type Method struct {
	Name      string
	Arguments []Argument
	// Results are the types of the results, mostly one.
	Results []string
}

// An Argument is an argument of a [Method].
type Argument struct {
	Name string
	// Type is the type in Python's notation, such as "Optional[Tensor]".
	Type string
	// HasDefault says that the argument may be omitted, and is then Default.
	HasDefault bool
	Default    any
}

// String returns the signature in Python's notation: "forward(x: Tensor, scale: float = 1) ->
// Tensor".
func (m Method) String() string {
	arguments := make([]string, len(m.Arguments))
	for i, argument := range m.Arguments {
		arguments[i] = argument.String()
	}
	return m.Name + "(" + strings.Join(arguments, ", ") + ") -> " + strings.Join(m.Results, ", ")
}

// String returns the argument in Python's notation: "scale: float = 1".
func (a Argument) String() string {
	text := a.Name + ": " + a.Type
	switch value := a.Default.(type) {
	case nil:
		if a.HasDefault {
			text += " = None"
		}
	case string:
		text += fmt.Sprintf(" = %q", value)
	default:
		text += fmt.Sprintf(" = %v", value)
	}
	return text
}

// HasMethod reports whether the module has a method with the given name.
func (m *Module) HasMethod(method string) bool {
	self, err := m.enter("HasMethod")
	if err != nil {
		return false
	}
	defer m.leave()
	name, freeName := cText(method)
	defer freeName()
	return C.ctorch_module_has_method(self, name) != 0
}

// Methods returns the signatures of all of the module's methods, including those that it uses
// internally.
func (m *Module) Methods() ([]Method, error) {
	value, err := m.get("Methods", func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_methods(self)
	})
	if err != nil {
		return nil, err
	}
	var methods []Method
	for _, each := range value.([]any) {
		parts := each.(torch.Tuple)
		method := Method{Name: parts[0].(string), Results: parts[2].([]string)}
		for _, each := range parts[1].([]any) {
			argument := each.(torch.Tuple)
			method.Arguments = append(method.Arguments, Argument{
				Name: argument[0].(string), Type: argument[1].(string),
				HasDefault: argument[2].(bool), Default: argument[3],
			})
		}
		methods = append(methods, method)
	}
	return methods, nil
}

// A NamedModule is a submodule and its dotted name.
type NamedModule struct {
	Name   string
	Module *Module
}

// NamedParameters returns the parameters of the module and its submodules, in the order of the
// code. They share the module's memory.
func (m *Module) NamedParameters() ([]torch.NamedTensor, error) {
	return m.tensors("NamedParameters", C.CTORCH_PARAMETERS)
}

// NamedBuffers returns the buffers of the module and its submodules: tensors that are not trained,
// such as running means. They share the module's memory.
func (m *Module) NamedBuffers() ([]torch.NamedTensor, error) {
	return m.tensors("NamedBuffers", C.CTORCH_BUFFERS)
}

// Parameters returns the tensors of [Module.NamedParameters], for example for an optimizer.
func (m *Module) Parameters() ([]*torch.Tensor, error) {
	named, err := m.tensors("Parameters", C.CTORCH_PARAMETERS)
	return withoutNames(named), err
}

// Buffers returns the tensors of [Module.NamedBuffers].
func (m *Module) Buffers() ([]*torch.Tensor, error) {
	named, err := m.tensors("Buffers", C.CTORCH_BUFFERS)
	return withoutNames(named), err
}

func withoutNames(named []torch.NamedTensor) []*torch.Tensor {
	var tensors []*torch.Tensor
	for _, each := range named {
		tensors = append(tensors, each.Tensor)
	}
	return tensors
}

// NamedModules returns the module itself, with the name "", and all submodules, each before its own
// submodules. They share the module's weights, and stay valid when it is closed.
func (m *Module) NamedModules() ([]NamedModule, error) {
	return m.modules("NamedModules", C.CTORCH_MODULES)
}

// NamedChildren returns the modules that are attributes of m itself. They share its weights, and
// stay valid when it is closed.
func (m *Module) NamedChildren() ([]NamedModule, error) {
	return m.modules("NamedChildren", C.CTORCH_CHILDREN)
}

func (m *Module) tensors(operation string, which C.int32_t) ([]torch.NamedTensor, error) {
	var named []torch.NamedTensor
	err := m.members(operation, which, func(name string, value any) {
		named = append(named, torch.NamedTensor{Name: name, Tensor: value.(*torch.Tensor)})
	})
	return named, err
}

func (m *Module) modules(operation string, which C.int32_t) ([]NamedModule, error) {
	var named []NamedModule
	err := m.members(operation, which, func(name string, value any) {
		named = append(named, NamedModule{name, value.(*Module)})
	})
	return named, err
}

func (m *Module) members(operation string, which C.int32_t, add func(name string, value any)) error {
	value, err := m.get(operation, func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_members(self, which)
	})
	if err != nil {
		return err
	}
	for _, each := range value.([]any) {
		pair := each.(torch.Tuple)
		add(pair[0].(string), pair[1])
	}
	return nil
}

// A NamedType is an attribute's name, and its type in Python's notation.
type NamedType struct {
	Name string
	Type string
}

// Attributes returns the names and types of the module's attributes that are neither tensors nor
// modules, and of the constants in its code.
func (m *Module) Attributes() ([]NamedType, error) {
	var named []NamedType
	err := m.members("Attributes", C.CTORCH_ATTRIBUTES, func(name string, value any) {
		named = append(named, NamedType{name, value.(string)})
	})
	return named, err
}

// Attribute returns an attribute, parameter, buffer, submodule or constant by its dotted name, such
// as "visual.conv1.weight". Its Go type is that of results of [Module.Call]; a tensor or module
// shares memory with m. The error is of kind [torch.ErrModel] if there is none with the name.
func (m *Module) Attribute(name string) (any, error) {
	text, freeText := cText(name)
	defer freeText()
	return m.get("Attribute", func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_attribute(self, text)
	})
}

// SetAttribute sets an attribute, parameter, buffer or submodule, by its dotted name, to a value of
// the same type. Setting a constant is an error of kind [torch.ErrInvalid].
func (m *Module) SetAttribute(name string, value any) error {
	const operation = "SetAttribute"
	values := valueArena{operation: operation}
	defer values.free()
	list, err := values.list([]any{value})
	if err != nil {
		return err
	}
	text, freeText := cText(name)
	defer freeText()
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_set_attribute(self, text, list)
	})
}
