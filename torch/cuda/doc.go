// Package cuda has what only GPUs have: which there are and how their memory is used, streams and events,
// and graphs of captured work. Its names are those of Python's torch.cuda.
//
// Tensors come to a GPU without it, by the option [torch.CUDA] and by [torch.Tensor.To]. On a machine
// without an NVIDIA GPU the package builds and runs; what needs one is an error of kind
// [torch.ErrDevice].
package cuda
