package nn

import "github.com/clipvqgan/clipvqgan/torch"

// A Layer makes one tensor of another.
type Layer interface {
	Forward(x *torch.Tensor) *torch.Tensor
}

// Sequential is layers one after another; their names are 0, 1, ...
type Sequential []Layer

// Forward returns what the last layer makes of what the ones before made of x. Without layers it is x.
func (s Sequential) Forward(x *torch.Tensor) *torch.Tensor {
	y := x
	for _, layer := range s {
		next := layer.Forward(y)
		if y != x && y != next {
			y.Close() // what gradients need of it stays
		}
		y = next
	}
	return y
}

// Func is a layer without parameters.
//
//	nn.Func(func(x *torch.Tensor) *torch.Tensor { return x.MeanDim([]int64{2, 3}, false) })
type Func func(x *torch.Tensor) *torch.Tensor

// Forward calls the function.
func (f Func) Forward(x *torch.Tensor) *torch.Tensor { return f(x) }

// Identity hands back what it gets.
type Identity struct{}

// Forward returns x itself.
func (Identity) Forward(x *torch.Tensor) *torch.Tensor { return x }

// Flatten makes one dimension of all but the first: [N, ...] becomes [N, D].
type Flatten struct{}

// Forward returns x [N, ...] as [N, D].
func (Flatten) Forward(x *torch.Tensor) *torch.Tensor { return x.Flatten(1, -1) }

// Unflatten splits one dimension into several.
type Unflatten struct {
	Dim   int64
	Sizes []int64 // one of them may be -1: what is left
}

// Forward returns x with the dimension split.
func (u Unflatten) Forward(x *torch.Tensor) *torch.Tensor { return x.Unflatten(u.Dim, u.Sizes) }
