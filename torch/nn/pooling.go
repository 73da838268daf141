package nn

import "github.com/clipvqgan/clipvqgan/torch"

// MaxPool2d is max pooling of images.
type MaxPool2d struct {
	Kernel  []int64 // height and width, or one number for both
	Options torch.MaxPoolOptions
}

// Forward returns the maximum of each window of x [N, C, H, W].
func (p MaxPool2d) Forward(x *torch.Tensor) *torch.Tensor { return x.MaxPool2d(p.Kernel, p.Options) }

// AvgPool2d is average pooling of images.
type AvgPool2d struct {
	Kernel  []int64 // height and width, or one number for both
	Options torch.AvgPoolOptions
}

// Forward returns the mean of each window of x [N, C, H, W].
func (p AvgPool2d) Forward(x *torch.Tensor) *torch.Tensor { return x.AvgPool2d(p.Kernel, p.Options) }

// AdaptiveAvgPool2d is average pooling to a given output size.
type AdaptiveAvgPool2d struct {
	Size []int64 // height and width, or one number for both
}

// Forward returns the means of windows that divide x [N, C, H, W] into Size windows.
func (p AdaptiveAvgPool2d) Forward(x *torch.Tensor) *torch.Tensor {
	return x.AdaptiveAvgPool2d(perDimension("AdaptiveAvgPool2d.Forward", "size", p.Size, 2, 1))
}

// Upsample resizes images, sequences or volumes; see [torch.Tensor.Interpolate].
type Upsample struct {
	Size    []int64 // nil if the options have a ScaleFactor
	Options torch.InterpolateOptions
}

// Forward returns x [N, C, ...] resized.
func (u Upsample) Forward(x *torch.Tensor) *torch.Tensor { return x.Interpolate(u.Size, u.Options) }
