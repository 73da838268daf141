package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// A Source is TorchScript source text: classes with methods, and functions, in the subset of Python
// that TorchScript knows. Operators are torch.name, dtypes torch.float32; there is no torch.nn. A class has no
// constructor and declares no attributes: [Parts] say what its modules hold.
//
//	def quick_gelu(x):
//	    return x * torch.sigmoid(1.702 * x)
//
//	class Block:
//	    def forward(self, x: Tensor) -> Tensor:
//	        return x + self.c_proj(quick_gelu(self.c_fc(x)))
//
//	class Transformer:
//	    def forward(self, x: Tensor) -> Tensor:
//	        for block in self.blocks:
//	            x = block(x)
//	        return x
//
// As in Python, calling a module calls its method forward. A loop over a module and a constant index
// are over its children, in their order; TorchScript unrolls the loop. Several loop variables stand in
// parentheses: for (i, block) in enumerate(self.blocks). hasattr(self, "bias") is decided when the
// method is compiled.
type Source struct {
	// Name is the name of the source in errors and in the debug records of saved modules, such as
	// "clip/transformer.py". It also gives the classes their qualified names, here
	// "__torch__.clip.transformer.Block".
	Name string
	Text string
}

// Parts are what a module is made of.
type Parts struct {
	// Class is the name of a class in the source; a module without methods has none.
	Class string
	// Parameters and Buffers are the module's own tensors, which it shares.
	Parameters, Buffers []torch.NamedTensor
	Attributes          []NamedAttribute
	Children            []Child
}

// A NamedAttribute is an attribute that is neither a parameter nor a buffer nor a module.
type NamedAttribute struct {
	Name string
	// Value has one of the types that [Module.Call] takes.
	Value any
	// Type is the type in Python's notation, such as "List[int]" or "Optional[Tensor]". If it is
	// empty, the type is that of the value.
	Type string
}

// A Child is a submodule: Parts that are made with the module, or a Module that exists.
type Child struct {
	Name   string
	Parts  *Parts
	Module *Module
}

// Make makes a module, in evaluation mode, with methods compiled from source texts, whose functions
// are known to all classes. It can be used like a loaded module; Python's torch.jit.load opens what [Module.Save] writes. Modules of one
// class that hold attributes of the same names and types share their compiled methods.
//
// The error is of kind [torch.ErrModel] for a mistake in the source, and then names its file and
// line; it is of kind [torch.ErrInvalid] for parts that make no module.
func Make(parts *Parts, sources ...Source) (*Module, error) {
	const operation = "Make"
	if err := bridge.CheckDevice(operation, torch.CPU); err != nil {
		return nil, err
	}
	for _, source := range sources {
		if err := checkNesting(operation, source); err != nil {
			return nil, err
		}
	}
	tuple, err := partsValue(operation, parts, "", 0)
	if err != nil {
		return nil, err
	}
	values := valueArena{operation: operation}
	defer values.free()
	value, err := values.list([]any{tuple})
	if err != nil {
		return nil, err
	}
	list, free := cSources(sources)
	defer free()
	result := C.ctorch_module_make(list, C.int64_t(len(sources)), value)
	if err := takeError(operation, result.error); err != nil {
		return nil, sourceError(err)
	}
	module := newModule(result.module)
	if err := module.Eval(); err != nil {
		module.Close()
		return nil, err
	}
	return module, nil
}

// checkNesting returns an error if brackets or signs are nested deeper than libtorch's parser, which
// recurses, can bear.
func checkNesting(operation string, source Source) error {
	depth, signs, line := 0, 0, 1
	for _, c := range source.Text {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			depth, signs = depth+1, 0
		case ')', ']', '}':
			depth, signs = max(depth-1, 0), 0
		case '-', '+', '~':
			signs++
		case ' ', '\t':
		default:
			signs = 0
		}
		if depth > deepest || signs > deepest {
			return modelError(operation, fmt.Sprintf("%s:%d: brackets or signs are nested more than %d deep", source.Name, line, deepest))
		}
	}
	return nil
}

// cSources copies sources to C's memory; the function that it returns frees the copy.
func cSources(sources []Source) (*C.ctorch_source, func()) {
	size := C.size_t(len(sources)+1) * C.size_t(unsafe.Sizeof(C.ctorch_source{}))
	memory := (*C.ctorch_source)(C.calloc(1, size))
	copies := unsafe.Slice(memory, len(sources))
	for i, source := range sources {
		copies[i].file = C.CString(source.Name)
		copies[i].prefix = C.CString(qualifiedName(source.Name))
		copies[i].text = C.CString(source.Text)
	}
	return memory, func() {
		for _, source := range copies {
			C.free(unsafe.Pointer(source.file))
			C.free(unsafe.Pointer(source.prefix))
			C.free(unsafe.Pointer(source.text))
		}
		C.free(unsafe.Pointer(memory))
	}
}

// partsValue returns parts as the tuple that ctorch_module_make takes.
func partsValue(operation string, parts *Parts, where string, depth int) (torch.Tuple, error) {
	if parts == nil {
		return nil, invalid(operation, "%s has no parts", describePlace(where))
	}
	if depth > deepest/4 {
		return nil, invalid(operation, "modules are nested more than %d deep", deepest/4)
	}
	seen := map[string]bool{"training": true}
	check := func(name string) error {
		if name == "" || strings.ContainsRune(name, '.') {
			return invalid(operation, "%s has a part named %q: a name is not empty and has no dot", describePlace(where), name)
		}
		if seen[name] {
			return invalid(operation, "%s has two parts named %s", describePlace(where), name)
		}
		seen[name] = true
		return nil
	}
	tensors := func(named []torch.NamedTensor) ([]any, error) {
		list := []any{}
		for _, each := range named {
			if err := check(each.Name); err != nil {
				return nil, err
			}
			if each.Tensor == nil {
				return nil, invalid(operation, "%s%s is nil", where, each.Name)
			}
			list = append(list, torch.Tuple{each.Name, each.Tensor})
		}
		return list, nil
	}
	parameters, err := tensors(parts.Parameters)
	if err != nil {
		return nil, err
	}
	buffers, err := tensors(parts.Buffers)
	if err != nil {
		return nil, err
	}
	attributes := []any{}
	for _, each := range parts.Attributes {
		if err := check(each.Name); err != nil {
			return nil, err
		}
		attributes = append(attributes, torch.Tuple{each.Name, each.Type, each.Value})
	}
	children := []any{}
	for _, each := range parts.Children {
		if err := check(each.Name); err != nil {
			return nil, err
		}
		child := any(each.Module)
		if each.Module == nil {
			if child, err = partsValue(operation, each.Parts, where+each.Name+".", depth+1); err != nil {
				return nil, err
			}
		}
		children = append(children, torch.Tuple{each.Name, child})
	}
	return torch.Tuple{parts.Class, parameters, buffers, attributes, children}, nil
}

// describePlace names the module whose members' names begin with where.
func describePlace(where string) string {
	if where == "" {
		return "the module"
	}
	return "the module " + strings.TrimSuffix(where, ".")
}

var notIdentifier = regexp.MustCompile(`\W+`)

// qualifiedName returns the package of a source's classes: "__torch__.clip.transformer" for
// "clip/transformer.py".
func qualifiedName(name string) string {
	qualified := "__torch__"
	for part := range strings.SplitSeq(strings.TrimSuffix(name, path.Ext(name)), "/") {
		if part = notIdentifier.ReplaceAllString(part, "_"); part != "" {
			if part[0] >= '0' && part[0] <= '9' {
				part = "_" + part
			}
			qualified += "." + part
		}
	}
	return qualified
}

// libtorch's reports quote the line in question after its place.
var reportPlace = regexp.MustCompile(`(?s)^(.*?):? ?File "([^"]*)", line (\d+)`)

// sourceError puts the place in the source in front of libtorch's reason.
func sourceError(err error) error {
	var failure *torch.Error
	if !errors.As(err, &failure) {
		return err
	}
	if found := reportPlace.FindStringSubmatch(failure.Message); found != nil {
		changed := *failure
		changed.Message = fmt.Sprintf("%s:%s: %s", found[2], found[3], strings.TrimSuffix(strings.TrimSpace(found[1]), ":"))
		return &changed
	}
	return err
}
