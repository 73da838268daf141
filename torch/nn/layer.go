package nn

import "github.com/clipvqgan/clipvqgan/torch"

// A Layer computes a tensor from a tensor.
type Layer interface {
	Forward(x *torch.Tensor) *torch.Tensor
}

// Sequential runs layers one after another. Their names are 0, 1, ...
type Sequential []Layer

// Forward passes x through all layers. Without layers it returns x.
func (s Sequential) Forward(x *torch.Tensor) *torch.Tensor {
	y := x
	for i, layer := range s {
		require(layer != nil, "Sequential", "layer %d is nil", i)
		next := layer.Forward(y)
		if y != x && y != next {
			y.Close() // the graph keeps what gradients need
		}
		y = next
	}
	return y
}

// Func is a function as a layer without parameters.
//
//	nn.Func(func(x *torch.Tensor) *torch.Tensor { return x.MeanDim([]int64{2, 3}, false) })
type Func func(x *torch.Tensor) *torch.Tensor

// Forward calls the function.
func (f Func) Forward(x *torch.Tensor) *torch.Tensor {
	require(f != nil, "Func", "the function is nil")
	return f(x)
}

// Identity is a layer that returns its input.
type Identity struct{}

// Forward returns x itself.
func (Identity) Forward(x *torch.Tensor) *torch.Tensor { return x }

// Flatten merges all dimensions but the first: [N, ...] becomes [N, D].
type Flatten struct{}

// Forward returns x [N, ...] as [N, D].
func (Flatten) Forward(x *torch.Tensor) *torch.Tensor { return x.Flatten(1, -1) }

// Unflatten splits one dimension into several.
type Unflatten struct {
	Dim   int64
	Sizes []int64 // one of them may be -1, to be inferred
}

// Forward returns x with dimension Dim split into Sizes.
func (u Unflatten) Forward(x *torch.Tensor) *torch.Tensor { return x.Unflatten(u.Dim, u.Sizes) }
