// Package architecture makes TorchScript modules of known networks from named tensors: those of a
// checkpoint, or fresh ones. The networks' methods are TorchScript source text; what their modules
// hold is described in Go, as a constructor does it in Python.
package architecture

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
	"github.com/clipvqgan/clipvqgan/torch/nn"
)

//go:embed layers.py
var layersText string

// Layers is the source of the classes that the methods of [Node] use.
var Layers = jit.Source{Name: "architecture/layers.py", Text: layersText}

// An Initial writes the initial values of a parameter.
type Initial func(t *torch.Tensor)

// Weights are where the tensors of a network come from.
type Weights interface {
	// Tensor returns the tensor with the dotted name, which has the shape. It returns nil if there
	// is none, and tells why at the end. Fresh weights have the initial values.
	Tensor(name string, shape torch.Shape, initial Initial) *torch.Tensor
}

// Build makes the module of a network that parts describes, with methods from the sources, unless the
// weights lack something.
func Build(weights interface {
	Weights
	Check() error
}, parts func(Weights) *jit.Parts, sources ...jit.Source) (module *jit.Module, err error) {
	err = torch.Try(func() error {
		described := parts(weights)
		if err := weights.Check(); err != nil {
			return err
		}
		var err error
		module, err = jit.Make(described, sources...)
		return err
	})
	return module, err
}

// Unknown is the error for an architecture that is none of the known ones.
func Unknown(name string, known []string) error {
	return fmt.Errorf("there is no architecture %q; known are %s: %w", name, strings.Join(known, ", "), torch.ErrInvalid)
}

// A Node is a module that is being described. Its methods add to it.
type Node struct {
	parts   *jit.Parts
	prefix  string
	weights Weights
}

// New returns a node for the root of a network.
func New(class string, weights Weights) *Node {
	return &Node{parts: &jit.Parts{Class: class}, weights: weights}
}

// Parts returns the description.
func (n *Node) Parts() *jit.Parts { return n.parts }

// Child adds a submodule; class is "" for a list of modules.
func (n *Node) Child(name, class string) *Node {
	child := &Node{parts: &jit.Parts{Class: class}, prefix: n.prefix + name + ".", weights: n.weights}
	n.parts.Children = append(n.parts.Children, jit.Child{Name: name, Parts: child.parts})
	return child
}

// Item adds a submodule to a list of modules.
func (n *Node) Item(class string) *Node {
	return n.Child(fmt.Sprint(len(n.parts.Children)), class)
}

// Set adds an attribute.
func (n *Node) Set(name string, value any) *Node {
	n.parts.Attributes = append(n.parts.Attributes, jit.NamedAttribute{Name: name, Value: value})
	return n
}

// Parameter adds a parameter.
func (n *Node) Parameter(name string, initial Initial, shape ...int64) *Node {
	n.parts.Parameters = append(n.parts.Parameters, torch.NamedTensor{
		Name: name, Tensor: n.weights.Tensor(n.prefix+name, shape, initial)})
	return n
}

// Buffer adds a tensor that is not trained.
func (n *Node) Buffer(name string, initial Initial, shape ...int64) *Node {
	n.parts.Buffers = append(n.parts.Buffers, torch.NamedTensor{
		Name: name, Tensor: n.weights.Tensor(n.prefix+name, shape, initial)})
	return n
}

// Ones writes ones.
func Ones(t *torch.Tensor) { nn.ConstantInPlace(t, 1) }

// Zeros writes zeros.
func Zeros(t *torch.Tensor) { nn.ConstantInPlace(t, 0) }

// Normal gives normally distributed values with mean 0.
func Normal(std float64) Initial {
	return func(t *torch.Tensor) { nn.NormalInPlace(t, 0, std, nil) }
}

// Constant gives one value.
func Constant(value float64) Initial {
	return func(t *torch.Tensor) { nn.ConstantInPlace(t, value) }
}

// Uniform gives uniformly distributed values from -bound to bound.
func Uniform(bound float64) Initial {
	return func(t *torch.Tensor) { nn.UniformInPlace(t, -bound, bound, nil) }
}
