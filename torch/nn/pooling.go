package nn

import "github.com/clipvqgan/clipvqgan/torch"

// MaxPool2d is the largest elements in windows of pictures.
type MaxPool2d struct {
	Kernel  []int64 // height and width, or one number for both
	Options torch.MaxPoolOptions
}

// Forward takes x [N, C, H, W].
func (p MaxPool2d) Forward(x *torch.Tensor) *torch.Tensor { return x.MaxPool2d(p.Kernel, p.Options) }

// AvgPool2d is the means of windows of pictures.
type AvgPool2d struct {
	Kernel  []int64 // height and width, or one number for both
	Options torch.AvgPoolOptions
}

// Forward takes x [N, C, H, W].
func (p AvgPool2d) Forward(x *torch.Tensor) *torch.Tensor { return x.AvgPool2d(p.Kernel, p.Options) }

// AdaptiveAvgPool2d is the means of as many windows as there are to be elements.
type AdaptiveAvgPool2d struct {
	Size []int64 // height and width, or one number for both
}

// Forward takes x [N, C, H, W].
func (p AdaptiveAvgPool2d) Forward(x *torch.Tensor) *torch.Tensor {
	return x.AdaptiveAvgPool2d(perDimension("AdaptiveAvgPool2d.Forward", "size", p.Size, 2, 1)...)
}

// Upsample makes pictures and sequences larger or smaller.
type Upsample struct {
	Size    []int64 // nil where the options have a ScaleFactor
	Options torch.InterpolateOptions
}

// Forward takes x [N, C, ...].
func (u Upsample) Forward(x *torch.Tensor) *torch.Tensor { return x.Interpolate(u.Size, u.Options) }
