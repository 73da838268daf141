// Package nn provides the layers of PyTorch's torch.nn, with its names, initial values and state
// dicts.
//
// A layer is a pointer to a struct with a Forward method. A network is any Go struct with layers in
// its fields:
//
//	type network struct {
//		Conv1     *nn.Conv2d
//		Blocks    []*block
//		Head      *nn.Linear `nn:"classifier"`
//	}
//
//	func (n *network) Forward(x *torch.Tensor) *torch.Tensor { ... }
//
// [Sequential] runs layers one after another. [Parameters], [StateDict], [LoadStateDict], [To],
// [Train] and [Eval] take a pointer to any such struct, or a slice or map of them, and find the
// tensors in it by reflection.
//
// # Names
//
// Parameters have PyTorch's names, so that state dicts can be exchanged with PyTorch. A parameter's
// name consists of the names of the fields that lead to it, joined with dots: conv1.weight,
// blocks.0.norm.bias. A field is named by its tag, nn:"name", or else by its Go name in snake case:
// Conv1 is conv1, OutProj is out_proj. Items of a slice or array are named by their index. Items of
// a map, which must have string keys, are named by their key and sorted by it. Fields of an
// embedded struct without a tag belong to the outer struct. Fields with the tag nn:"-" are skipped.
//
// A *torch.Tensor is a parameter. The tag nn:"name,buffer" makes it a buffer, which is part of the
// state dict but is not a parameter. nn:"name,buffer,transient" also leaves it out of the state
// dict. The name in a tag may be empty. Nil fields and fields of other types, such as numbers and
// functions, are ignored.
//
// Reflection cannot set unexported fields. An unexported field that could hold a tensor is an error
// of kind [torch.ErrInvalid], unless its tag is nn:"-".
//
// # Training and evaluation
//
// [Dropout] and [BatchNorm2d] behave differently in training and in evaluation. As in PyTorch,
// layers start in training mode. [Eval] and [Train] set the mode of a whole network. A struct of
// your own that embeds [Mode] takes part.
//
// # Memory
//
// Make networks outside of a [torch.Scope], which would close their tensors, and call them inside
// of one. [Close] closes the tensors of a network.
//
// # Errors
//
// Constructors and Forward methods panic with a [*torch.Error] if numbers or shapes do not fit, as
// tensor operations do. [torch.Try] turns the panic into an error.
package nn
