package torch

// ConvOptions are the options of convolutions. The zero value is PyTorch's default. A slice has one
// number for each spatial dimension, or one for all of them.
type ConvOptions struct {
	Stride   []int64 // nil means 1
	Padding  []int64 // zeros on both sides; nil means 0
	Dilation []int64 // nil means 1
	Groups   int64   // 0 means 1

	// PadSame pads so that the output has the size of the input, as PyTorch's padding="same". It
	// takes the place of Padding and requires a stride of 1.
	PadSame bool
}

// ConvTransposeOptions are the options of transposed convolutions. PadSame is not allowed.
type ConvTransposeOptions struct {
	ConvOptions
	OutputPadding []int64 // added to one side of the output; nil means 0
}

// Defaults for slices that are nil.
var (
	listOfZero = []int64{0}
	listOfOne  = []int64{1}
)

func listOr(values, otherwise []int64) []int64 {
	if len(values) == 0 {
		return otherwise
	}
	return values
}

func (o ConvOptions) withDefaults(operation string) ConvOptions {
	if o.Groups < 0 {
		panic(invalid(operation, "the options have %d Groups, wanted 1 or more, or 0 for 1", o.Groups))
	}
	return ConvOptions{
		Stride:   listOr(o.Stride, listOfOne),
		Padding:  listOr(o.Padding, listOfZero),
		Dilation: listOr(o.Dilation, listOfOne),
		Groups:   max(o.Groups, 1),
		PadSame:  o.PadSame,
	}
}

func (o ConvTransposeOptions) withDefaults(operation string) ConvTransposeOptions {
	if o.PadSame {
		panic(invalid(operation, "PadSame is for convolutions that are not transposed"))
	}
	return ConvTransposeOptions{o.ConvOptions.withDefaults(operation), listOr(o.OutputPadding, listOfZero)}
}

// Conv1d returns the convolution (cross-correlation) of t [N, C, L] with weight [out, C/groups, K],
// plus bias [out], which may be nil.
func (t *Tensor) Conv1d(weight, bias *Tensor, options ConvOptions) *Tensor {
	o := options.withDefaults("Conv1d")
	if o.PadSame {
		return t.conv1dSame(weight, bias, o.Stride, o.Dilation, o.Groups)
	}
	return t.conv1d(weight, bias, o.Stride, o.Padding, o.Dilation, o.Groups)
}

// Conv2d returns the convolution (cross-correlation) of t [N, C, H, W] with weight [out, C/groups,
// K, K], plus bias [out], which may be nil.
func (t *Tensor) Conv2d(weight, bias *Tensor, options ConvOptions) *Tensor {
	o := options.withDefaults("Conv2d")
	if o.PadSame {
		return t.conv2dSame(weight, bias, o.Stride, o.Dilation, o.Groups)
	}
	return t.conv2d(weight, bias, o.Stride, o.Padding, o.Dilation, o.Groups)
}

// Conv3d returns the convolution (cross-correlation) of t [N, C, D, H, W] with weight [out,
// C/groups, K, K, K], plus bias [out], which may be nil.
func (t *Tensor) Conv3d(weight, bias *Tensor, options ConvOptions) *Tensor {
	o := options.withDefaults("Conv3d")
	if o.PadSame {
		return t.conv3dSame(weight, bias, o.Stride, o.Dilation, o.Groups)
	}
	return t.conv3d(weight, bias, o.Stride, o.Padding, o.Dilation, o.Groups)
}

// ConvTranspose1d returns the transposed convolution of t [N, C, L] with weight [C, out/groups, K],
// plus bias [out], which may be nil. It is the gradient of Conv1d with respect to its input.
func (t *Tensor) ConvTranspose1d(weight, bias *Tensor, options ConvTransposeOptions) *Tensor {
	o := options.withDefaults("ConvTranspose1d")
	return t.convTranspose1d(weight, bias, o.Stride, o.Padding, o.OutputPadding, o.Groups,
		o.Dilation)
}

// ConvTranspose2d returns the transposed convolution of t [N, C, H, W] with weight [C, out/groups,
// K, K], plus bias [out], which may be nil. It is the gradient of Conv2d with respect to its input.
func (t *Tensor) ConvTranspose2d(weight, bias *Tensor, options ConvTransposeOptions) *Tensor {
	o := options.withDefaults("ConvTranspose2d")
	return t.convTranspose2d(weight, bias, o.Stride, o.Padding, o.OutputPadding, o.Groups,
		o.Dilation)
}

// ConvTranspose3d returns the transposed convolution of t [N, C, D, H, W] with weight [C,
// out/groups, K, K, K], plus bias [out], which may be nil. It is the gradient of Conv3d with
// respect to its input.
func (t *Tensor) ConvTranspose3d(weight, bias *Tensor, options ConvTransposeOptions) *Tensor {
	o := options.withDefaults("ConvTranspose3d")
	return t.convTranspose3d(weight, bias, o.Stride, o.Padding, o.OutputPadding, o.Groups,
		o.Dilation)
}

// Im2ColOptions are the options of [Tensor.Im2Col] and [Tensor.Col2Im]. Each slice has two numbers
// (height, width). The zero value is PyTorch's default.
type Im2ColOptions struct {
	Stride   []int64 // nil means 1, 1
	Padding  []int64 // zeros on all sides; nil means 0, 0
	Dilation []int64 // nil means 1, 1
}

func (o Im2ColOptions) withDefaults() Im2ColOptions {
	return Im2ColOptions{
		Stride:   listOr(o.Stride, []int64{1, 1}),
		Padding:  listOr(o.Padding, []int64{0, 0}),
		Dilation: listOr(o.Dilation, []int64{1, 1}),
	}
}

// Im2Col returns the sliding windows of t [N, C, H, W], each as a column: [N, C*K*K, windows]. It
// is torch.nn.functional.unfold.
func (t *Tensor) Im2Col(kernel []int64, options Im2ColOptions) *Tensor {
	o := options.withDefaults()
	return t.im2col(kernel, o.Dilation, o.Padding, o.Stride)
}

// Col2Im adds the windows t [N, C*K*K, windows] up to images [N, C, H, W] of the given size
// (height, width). It is torch.nn.functional.fold.
func (t *Tensor) Col2Im(size, kernel []int64, options Im2ColOptions) *Tensor {
	o := options.withDefaults()
	return t.col2im(size, kernel, o.Dilation, o.Padding, o.Stride)
}
