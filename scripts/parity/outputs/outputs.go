// Package outputs has what the programs of the parity tests share: they open a checkpoint, and write
// what it computes from given inputs.
package outputs

import (
	"fmt"
	"os"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// Inputs are the tensors and texts in a safetensors file.
type Inputs struct {
	Tensors  map[string]*torch.Tensor
	Metadata map[string]string
	// DType is that of the metadata, to compute in.
	DType torch.DType
}

// Main is the main function of a program with the arguments CHECKPOINT INPUTS.safetensors
// OUTPUTS.safetensors. It ends the program with status 1 on failure.
func Main(name string, compute func(checkpoint string, inputs *Inputs) ([]torch.NamedTensor, error)) {
	if len(os.Args) != 4 {
		fmt.Fprintf(os.Stderr, "use: %s CHECKPOINT INPUTS.safetensors OUTPUTS.safetensors\n", name)
		os.Exit(1)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], compute); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(checkpoint, from, to string, compute func(checkpoint string, inputs *Inputs) ([]torch.NamedTensor, error)) error {
	list, metadata, err := safetensors.Load(from)
	if err != nil {
		return err
	}
	inputs := &Inputs{Tensors: map[string]*torch.Tensor{}, Metadata: metadata}
	if inputs.DType, err = torch.ParseDType(metadata["dtype"]); err != nil {
		return err
	}
	for _, each := range list {
		inputs.Tensors[each.Name] = each.Tensor
	}
	computed, err := compute(checkpoint, inputs)
	if err != nil {
		return err
	}
	return safetensors.Save(to, computed, nil)
}

// Backward computes the gradient of a tensor's sum, weighted by the input weights.
func (i *Inputs) Backward(result *torch.Tensor) error {
	return torch.Try(func() error {
		result.Mul(i.Tensors["weights"]).Sum().Backward()
		return nil
	})
}
