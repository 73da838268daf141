// Package jit loads, runs, changes and saves TorchScript modules: code and weights in one archive, as
// Python's torch.jit.save writes it.
//
//	module, err := jit.Load("vit.pt", torch.CUDA(0))
//	...
//	y, err := module.Forward(x)
//
// Gradients flow through a module's methods as through any operation. Modules share memory with the
// tensors and modules that are read from them.
package jit
