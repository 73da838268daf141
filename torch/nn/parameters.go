package nn

import (
	"iter"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// Modules iterates over module and every layer, slice and map in it, with their names. Each comes
// before its parts; module itself comes first, with the name "". Structs are passed as pointers.
func Modules(module any) iter.Seq2[string, any] {
	parts := collect("Modules", module).modules
	return func(yield func(string, any) bool) {
		for _, part := range parts {
			if !yield(part.name, part.value) {
				return
			}
		}
	}
}

// NamedParameters returns the parameters in module with their names. A tensor that occurs twice is
// listed once, under its first name.
func NamedParameters(module any) []torch.NamedTensor {
	return named("NamedParameters", module, false)
}

// NamedBuffers returns the buffers in module with their names: tensors that are not parameters,
// such as running statistics.
func NamedBuffers(module any) []torch.NamedTensor { return named("NamedBuffers", module, true) }

func named(operation string, module any, buffers bool) []torch.NamedTensor {
	var tensors []torch.NamedTensor
	seen := map[*torch.Tensor]bool{}
	for _, place := range collect(operation, module).tensors {
		if place.buffer == buffers && !seen[place.tensor] {
			seen[place.tensor] = true
			tensors = append(tensors, torch.NamedTensor{Name: place.name, Tensor: place.tensor})
		}
	}
	return tensors
}

// Parameters returns the parameters in module, each once, for example for an optimizer.
func Parameters(module any) []*torch.Tensor {
	var tensors []*torch.Tensor
	for _, parameter := range named("Parameters", module, false) {
		tensors = append(tensors, parameter.Tensor)
	}
	return tensors
}

// NumParameters returns the total number of elements of the parameters in module.
func NumParameters(module any) int64 {
	count := int64(0)
	for _, parameter := range Parameters(module) {
		count += parameter.NumElements()
	}
	return count
}

// SetRequiresGrad sets whether the parameters in module require gradients. They do by default;
// SetRequiresGrad(part, false) freezes part of a network.
func SetRequiresGrad(module any, on bool) {
	for _, parameter := range named("SetRequiresGrad", module, false) {
		parameter.Tensor.SetRequiresGrad(on)
	}
}

// ZeroGrad removes the gradients of the parameters in module.
func ZeroGrad(module any) {
	for _, parameter := range named("ZeroGrad", module, false) {
		parameter.Tensor.SetGrad(nil)
	}
}

// To moves the tensors in module to a [torch.Device], converts its floating-point tensors to a
// [torch.DType], or both. Tensors that change are replaced by new ones without gradients, so make
// optimizers afterwards.
//
//	nn.To(network, torch.CUDA(0), torch.BFloat16)
func To(module any, where ...torch.Option) {
	const operation = "To"
	moved := map[*torch.Tensor]*torch.Tensor{}
	for _, place := range collect(operation, module).tensors {
		after, done := moved[place.tensor]
		if !done {
			after = movedTo(operation, place.tensor, where)
			moved[place.tensor] = after
		}
		if after != place.tensor {
			place.set(after)
		}
	}
}

func movedTo(operation string, tensor *torch.Tensor, where []torch.Option) *torch.Tensor {
	dtype, device := tensor.DType(), tensor.Device()
	for _, option := range where {
		switch o := option.(type) {
		case torch.DType:
			require(o.IsFloatingPoint(), operation, "%v is no floating-point type", o)
			if dtype.IsFloatingPoint() {
				dtype = o
			}
		case torch.Device:
			device = o
		default:
			panic(invalid(operation, "%s is neither a dtype nor a device", words.Type(option)))
		}
	}
	if dtype == tensor.DType() && device == tensor.Device() {
		return tensor
	}
	var after *torch.Tensor
	torch.NoGrad(func() { after = tensor.To(dtype, device) })
	return after.SetRequiresGrad(tensor.RequiresGrad())
}

// Close closes all tensors in module.
func Close(module any) {
	for _, place := range collect("Close", module).tensors {
		place.tensor.Close()
	}
}
