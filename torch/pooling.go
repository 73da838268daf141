package torch

import "github.com/clipvqgan/clipvqgan/torch/internal/words"

// MaxPoolOptions are the options of max pooling. The zero value is PyTorch's default. A slice has
// one number for each spatial dimension, or one for all of them.
type MaxPoolOptions struct {
	Stride   []int64 // nil means the kernel's size
	Padding  []int64 // on both sides; nil means 0
	Dilation []int64 // nil means 1
	CeilMode bool    // include windows that reach past the end
}

func (o MaxPoolOptions) withDefaults() MaxPoolOptions {
	o.Padding = listOr(o.Padding, listOfZero)
	o.Dilation = listOr(o.Dilation, listOfOne)
	return o
}

// MaxPool1d returns the maximum of each window of t [N, C, L].
func (t *Tensor) MaxPool1d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool1d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool2d returns the maximum of each window of t [N, C, H, W].
func (t *Tensor) MaxPool2d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool2d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool3d returns the maximum of each window of t [N, C, D, H, W].
func (t *Tensor) MaxPool3d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool3d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool2dWithIndices is [Tensor.MaxPool2d] that also returns the index of each maximum in the
// flattened plane H*W.
func (t *Tensor) MaxPool2dWithIndices(kernel []int64, options MaxPoolOptions) (values, indices *Tensor) {
	o := options.withDefaults()
	return t.maxPool2dWithIndices(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool1dWithIndices is [Tensor.MaxPool1d] that also returns the index of each maximum in L.
func (t *Tensor) MaxPool1dWithIndices(kernel []int64, options MaxPoolOptions) (values, indices *Tensor) {
	o := options.withDefaults()
	return t.maxPool1dWithIndices(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool3dWithIndices is [Tensor.MaxPool3d] that also returns the index of each maximum in the
// flattened volume D*H*W.
func (t *Tensor) MaxPool3dWithIndices(kernel []int64, options MaxPoolOptions) (values, indices *Tensor) {
	o := options.withDefaults()
	return t.maxPool3dWithIndices(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxUnpool1d returns zeros [N, C, size...], where size is [length], with t's elements at the
// indices from [Tensor.MaxPool1dWithIndices].
func (t *Tensor) MaxUnpool1d(indices *Tensor, size []int64) *Tensor {
	hasNumbers("MaxUnpool1d", 1, size)
	plane, at := t.Unsqueeze(-1), indices.Unsqueeze(-1)
	defer plane.Close()
	defer at.Close()
	unpooled := plane.MaxUnpool2d(at, []int64{size[0], 1})
	defer unpooled.Close()
	return unpooled.SqueezeDim(-1)
}

// hasNumbers panics if a slice does not have one number for each spatial dimension, which libtorch
// 2.7 does not check.
func hasNumbers(operation string, dimensions int, lists ...[]int64) {
	for _, list := range lists {
		if len(list) != dimensions {
			panic(invalid(operation, "%s wanted, got %v", words.Count(dimensions, "number"), list))
		}
	}
}

// MaxUnpool2d returns zeros [N, C, size...], where size is [height, width], with t's elements at
// the indices from [Tensor.MaxPool2dWithIndices].
func (t *Tensor) MaxUnpool2d(indices *Tensor, size []int64) *Tensor {
	hasNumbers("MaxUnpool2d", 2, size)
	return t.maxUnpool2d(indices, size)
}

// MaxUnpool3d returns zeros [N, C, size...] (depth, height, width) with t's elements at the indices
// from [Tensor.MaxPool3dWithIndices], which must have had this stride and padding.
func (t *Tensor) MaxUnpool3d(indices *Tensor, size, stride, padding []int64) *Tensor {
	hasNumbers("MaxUnpool3d", 3, size, stride, padding)
	return t.maxUnpool3d(indices, size, stride, padding)
}

// AvgPoolOptions are the options of average pooling. The zero value is PyTorch's default. A slice
// has one number for each spatial dimension, or one for all of them.
type AvgPoolOptions struct {
	Stride         []int64 // nil means the kernel's size
	Padding        []int64 // zeros on both sides; nil means 0
	CeilMode       bool    // include windows that reach past the end
	ExcludePadding bool    // divide by the number of elements that are not padding
}

// AvgPool1d returns the mean of each window of t [N, C, L].
func (t *Tensor) AvgPool1d(kernel []int64, options AvgPoolOptions) *Tensor {
	padding := listOr(options.Padding, listOfZero)
	return t.avgPool1d(kernel, options.Stride, padding, options.CeilMode, !options.ExcludePadding)
}

// AvgPool2d returns the mean of each window of t [N, C, H, W].
func (t *Tensor) AvgPool2d(kernel []int64, options AvgPoolOptions) *Tensor {
	padding := listOr(options.Padding, listOfZero)
	return t.avgPool2d(kernel, options.Stride, padding, options.CeilMode, !options.ExcludePadding)
}

// AvgPool3d returns the mean of each window of t [N, C, D, H, W].
func (t *Tensor) AvgPool3d(kernel []int64, options AvgPoolOptions) *Tensor {
	padding := listOr(options.Padding, listOfZero)
	return t.avgPool3d(kernel, options.Stride, padding, options.CeilMode, !options.ExcludePadding)
}

// LPPoolOptions are the options of power-average pooling. The zero value is PyTorch's default.
type LPPoolOptions struct {
	Stride   []int64 // one number for each spatial dimension, or one for all; nil means the kernel's size
	CeilMode bool    // include windows that reach past the end
}

// LPPool1d returns the p-norm of each window of t [N, C, L].
func (t *Tensor) LPPool1d(p float64, kernel []int64, options LPPoolOptions) *Tensor {
	return t.lpPool((*Tensor).AvgPool1d, 1, p, kernel, options)
}

// LPPool2d returns the p-norm of each window of t [N, C, H, W].
func (t *Tensor) LPPool2d(p float64, kernel []int64, options LPPoolOptions) *Tensor {
	return t.lpPool((*Tensor).AvgPool2d, 2, p, kernel, options)
}

// LPPool3d returns the p-norm of each window of t [N, C, D, H, W].
func (t *Tensor) LPPool3d(p float64, kernel []int64, options LPPoolOptions) *Tensor {
	return t.lpPool((*Tensor).AvgPool3d, 3, p, kernel, options)
}

// lpPool computes sums as means times the window's size, as PyTorch does: windows that reach past
// the end count as full.
func (t *Tensor) lpPool(mean func(*Tensor, []int64, AvgPoolOptions) *Tensor, dimensions int,
	p float64, kernel []int64, o LPPoolOptions) *Tensor {
	window := 1.0
	for i := range dimensions {
		if len(kernel) == 1 {
			window *= float64(kernel[0])
		} else if i < len(kernel) {
			window *= float64(kernel[i])
		}
	}
	powers := t.PowScalar(p)
	defer powers.Close()
	means := mean(powers, kernel, AvgPoolOptions{Stride: o.Stride, CeilMode: o.CeilMode})
	defer means.Close()
	sums := means.MulScalar(window)
	defer sums.Close()
	return sums.PowScalar(1 / p)
}
