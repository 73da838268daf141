package jit

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"strings"
)

// String returns the module with its submodules, as Python prints it:
//
//	RecursiveScriptModule(
//	  original_name=Sequential
//	  (0): RecursiveScriptModule(original_name=Linear)
//	  (1): RecursiveScriptModule(original_name=ReLU)
//	)
func (m *Module) String() string {
	const name = "RecursiveScriptModule"
	if m == nil {
		return name + "(nil)"
	}
	class, err := m.get("String", func(self *C.ctorch_module) C.ctorch_value_result { return C.ctorch_module_class(self) })
	if err != nil {
		return name + "(closed)"
	}
	parts := strings.Split(class.(string), ".")
	original := "original_name=" + parts[len(parts)-1]
	children, err := m.NamedChildren()
	if err != nil || len(children) == 0 {
		return name + "(" + original + ")"
	}
	var text strings.Builder
	text.WriteString(name + "(\n  " + original + "\n")
	for _, child := range children {
		fmt.Fprintf(&text, "  (%s): %s\n", child.Name, strings.ReplaceAll(child.Module.String(), "\n", "\n  "))
		child.Module.Close()
	}
	text.WriteString(")")
	return text.String()
}
