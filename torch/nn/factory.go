package nn

import (
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A factory makes the tensors of a layer, float32 on the CPU by default.
type factory struct {
	dtype     torch.DType
	device    torch.Device
	generator *torch.Generator
}

func newFactory(operation string, how []torch.Option) factory {
	f := factory{dtype: torch.Float32}
	for _, option := range how {
		switch o := option.(type) {
		case torch.DType:
			require(o.IsFloatingPoint(), operation, "%v is no floating-point type", o)
			f.dtype = o
		case torch.Device:
			f.device = o
		case *torch.Generator:
			f.generator = o
		default:
			panic(invalid(operation, "%s says nothing of a layer: give a dtype, a device or a generator", words.Type(option)))
		}
	}
	return f
}

// parameter returns a parameter of zeros.
func (f factory) parameter(shape ...int64) *torch.Tensor {
	return torch.Zeros(shape, f.dtype, f.device).SetRequiresGrad(true)
}

func (f factory) ones(shape ...int64) *torch.Tensor {
	return torch.Ones(shape, f.dtype, f.device).SetRequiresGrad(true)
}

// orDefault returns *value, or otherwise if value is nil.
func orDefault(value *float64, otherwise float64) float64 {
	if value == nil {
		return otherwise
	}
	return *value
}

// perDimension returns one number for each spatial dimension, from a list that has them, or one for
// all, or none.
func perDimension(operation, what string, list []int64, dimensions int, otherwise int64) []int64 {
	full := make([]int64, dimensions)
	for i := range full {
		switch len(list) {
		case 0:
			full[i] = otherwise
		case 1:
			full[i] = list[0]
		case dimensions:
			full[i] = list[i]
		default:
			panic(invalid(operation, "%s %v for %d spatial dimensions", what, list, dimensions))
		}
	}
	return full
}
