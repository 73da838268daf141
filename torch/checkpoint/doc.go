// Package checkpoint reads and writes the files of Python's torch.save: tensors, state dicts, and
// whatever else a checkpoint holds.
//
//	value, err := checkpoint.Load("model.pt")
//	tensors, err := value.(*torch.Dict).Tensors()
//
// No code of a file is run. What torch.jit.save wrote is a TorchScript module, for jit.Load;
// packages torch/safetensors and torch/numpy read the formats of their names.
package checkpoint
