// Package cuda is Python's torch.cuda: properties and memory of GPUs, streams, events, and graphs
// of captured work.
//
// Tensors can be used on a GPU without this package, with the option [torch.CUDA] and
// [torch.Tensor.To]. The package also builds on machines without an NVIDIA GPU; functions that need
// one then return errors of kind [torch.ErrDevice].
package cuda
