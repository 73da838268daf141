package torch

// MaxPoolOptions are the options of the maximum poolings. The zero value is PyTorch's default. A
// list has one number for each spatial dimension, or one for all of them.
type MaxPoolOptions struct {
	Stride   []int64 // nil: the kernel's size
	Padding  []int64 // on both sides; nil: 0
	Dilation []int64 // nil: 1
	CeilMode bool    // also windows that reach over the end
}

func (o MaxPoolOptions) withDefaults() MaxPoolOptions {
	o.Padding = listOr(o.Padding, listOfZero)
	o.Dilation = listOr(o.Dilation, listOfOne)
	return o
}

// MaxPool1d returns the largest elements in windows of t [N, C, L].
func (t *Tensor) MaxPool1d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool1d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool2d returns the largest elements in windows of t [N, C, H, W].
func (t *Tensor) MaxPool2d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool2d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool3d returns the largest elements in windows of t [N, C, D, H, W].
func (t *Tensor) MaxPool3d(kernel []int64, options MaxPoolOptions) *Tensor {
	o := options.withDefaults()
	return t.maxPool3d(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// MaxPool2dWithIndices is MaxPool2d that also returns where the elements stand in the flat plane.
func (t *Tensor) MaxPool2dWithIndices(kernel []int64, options MaxPoolOptions) (values, indices *Tensor) {
	o := options.withDefaults()
	return t.maxPool2dWithIndices(kernel, o.Stride, o.Padding, o.Dilation, o.CeilMode)
}

// AvgPoolOptions are the options of the average poolings. The zero value is PyTorch's default. A
// list has one number for each spatial dimension, or one for all of them.
type AvgPoolOptions struct {
	Stride         []int64 // nil: the kernel's size
	Padding        []int64 // zeros on both sides; nil: 0
	CeilMode       bool    // also windows that reach over the end
	ExcludePadding bool    // divide by the number of elements that are no padding
}

// AvgPool1d returns the means of windows of t [N, C, L].
func (t *Tensor) AvgPool1d(kernel []int64, o AvgPoolOptions) *Tensor {
	padding := listOr(o.Padding, listOfZero)
	return t.avgPool1d(kernel, o.Stride, padding, o.CeilMode, !o.ExcludePadding)
}

// AvgPool2d returns the means of windows of t [N, C, H, W].
func (t *Tensor) AvgPool2d(kernel []int64, o AvgPoolOptions) *Tensor {
	padding := listOr(o.Padding, listOfZero)
	return t.avgPool2d(kernel, o.Stride, padding, o.CeilMode, !o.ExcludePadding)
}

// AvgPool3d returns the means of windows of t [N, C, D, H, W].
func (t *Tensor) AvgPool3d(kernel []int64, o AvgPoolOptions) *Tensor {
	padding := listOr(o.Padding, listOfZero)
	return t.avgPool3d(kernel, o.Stride, padding, o.CeilMode, !o.ExcludePadding)
}
