// Package jit loads, runs, changes and saves TorchScript modules: code and weights in one archive,
// as written by Python's torch.jit.save.
//
//	module, err := jit.Load("vit.pt", torch.CUDA(0))
//	...
//	y, err := module.Forward(x)
//
// Gradients flow through a module's methods as through any operation. Tensors and modules that are
// read from a module share its memory.
package jit
