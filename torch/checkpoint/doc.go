// Package checkpoint reads and writes the files of Python's torch.save and torch.load: tensors,
// state dicts, and checkpoints that contain them.
//
//	value, err := checkpoint.Load("model.pt")
//	tensors, err := value.(*torch.Dict).Tensors()
//
// Reading a file never runs code from it. Files of torch.jit.save are TorchScript modules; package
// torch/jit loads them. Packages torch/safetensors and torch/numpy read other formats of tensors.
package checkpoint
