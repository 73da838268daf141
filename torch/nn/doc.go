// Package nn has the layers of PyTorch's torch.nn: with its names, its initial values and its state
// dicts.
//
// A layer is a pointer to a struct with a Forward method, and a network is any Go struct that has
// layers in its fields:
//
//	type network struct {
//		Conv1     *nn.Conv2d
//		Blocks    []*block
//		Head      *nn.Linear `nn:"classifier"`
//	}
//
//	func (n *network) Forward(x *torch.Tensor) *torch.Tensor { ... }
//
// [Sequential] is layers one after another. [Parameters], [StateDict], [LoadStateDict], [To], [Train]
// and [Eval] take a pointer to any such struct, or a slice or map of them, and find the tensors in it.
//
// # Names
//
// Parameters have PyTorch's names, so that state dicts go from PyTorch and to it. A name is the
// fields' on the way, joined with dots: conv1.weight, blocks.0.norm.bias. A field's name is that of
// its tag nn:"name", or else its Go name in PyTorch's form: Conv1 is conv1, OutProj is out_proj. An
// item of a slice or array is named after its index, one of a map, whose keys are strings, after its
// key; a map's items come in the order of their keys. The fields of an embedded struct without a tag
// are those of the struct around it. A field with the tag nn:"-" is left out.
//
// A *torch.Tensor is a parameter. The tag nn:"name,buffer" makes it a buffer: in the state dict, but
// not among the parameters; nn:"name,buffer,transient" leaves it out of the state dict too. The name may
// be empty. Nil fields do not count. Fields of other types (numbers, functions) are no part of this.
//
// Reflection cannot set unexported fields: one that could hold a tensor is an error of kind
// [torch.ErrInvalid], unless its tag is nn:"-".
//
// # Training and evaluation
//
// [Dropout] and [BatchNorm2d] do something else in training than after it. Layers are in training
// mode when they are made, as in PyTorch; [Eval] and [Train] change the mode of a whole network. A
// struct that embeds [Mode] has the mode too.
//
// # Memory
//
// Make networks outside of a [torch.Scope], which would close their tensors at its end, and call them
// inside of one. [Close] closes what a network has.
//
// # Errors
//
// Constructors and Forward methods panic with a [*torch.Error] where numbers or shapes do not fit, as
// tensor algebra does: [torch.Try] turns that into an error.
package nn
