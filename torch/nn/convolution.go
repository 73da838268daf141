package nn

import (
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
)

// ConvOptions are the options of [NewConv1d] and [NewConv2d]. The zero value is PyTorch's default.
// A slice has one number for each spatial dimension, or one for all of them.
type ConvOptions struct {
	Stride   []int64 // nil means 1
	Padding  []int64 // on both sides; nil means 0
	Dilation []int64 // nil means 1
	Groups   int64   // 0 means 1
	NoBias   bool
	// PadSame pads so that the output has the size of the input, as PyTorch's padding="same". It
	// takes the place of Padding and requires a stride of 1.
	PadSame bool
	// PadMode is what the input is padded with, zeros by default.
	PadMode torch.PadMode
}

// A convolution holds the options of a convolution.
type convolution struct {
	options torch.ConvOptions
	// around is the padding applied before the convolution, in the order of [torch.Tensor.Pad], for
	// modes other than zeros.
	around []int64
	mode   torch.PadMode
	// padding and same are those of the constructor.
	padding []int64
	same    bool
}

func newConvolution(operation string, in, out int64, kernel []int64, dimensions int, o ConvOptions,
	how []torch.Option) (c convolution, weight, bias *torch.Tensor) {
	f := newFactory(operation, how)
	kernel = perDimension(operation, "kernel", kernel, dimensions, 1)
	require(o.Groups >= 0, operation, "the options have %d Groups, wanted 1 or more, or 0 for 1", o.Groups)
	groups := max(o.Groups, 1)
	checkChannels(operation, in, out, groups)
	c = convolution{mode: o.PadMode, options: torch.ConvOptions{
		Stride:   perDimension(operation, "stride", o.Stride, dimensions, 1),
		Padding:  perDimension(operation, "padding", o.Padding, dimensions, 0),
		Dilation: perDimension(operation, "dilation", o.Dilation, dimensions, 1),
		Groups:   groups, PadSame: o.PadSame,
	}}
	if o.PadSame {
		require(o.Padding == nil, operation, "both Padding and PadSame were given")
		require(!slices.ContainsFunc(c.options.Stride, func(s int64) bool { return s != 1 }), operation,
			"PadSame is for stride 1, not %v", c.options.Stride)
	}
	c.padding, c.same = c.options.Padding, o.PadSame
	if o.PadMode != torch.PadConstant {
		for i := dimensions - 1; i >= 0; i-- { // from the last dimension to the first
			before, after := c.options.Padding[i], c.options.Padding[i]
			if o.PadSame {
				total := c.options.Dilation[i] * (kernel[i] - 1)
				before, after = total/2, total-total/2
			}
			c.around = append(c.around, before, after)
		}
		c.options.Padding, c.options.PadSame = nil, false
	}
	weight = f.parameter(append([]int64{out, in / groups}, kernel...)...)
	if !o.NoBias {
		bias = f.parameter(out)
	}
	f.resetWeightAndBias(weight, bias)
	return c, weight, bias
}

func checkChannels(operation string, in, out, groups int64) {
	require(in > 0 && out > 0, operation, "%d input and %d output channels", in, out)
	require(in%groups == 0 && out%groups == 0, operation,
		"%d input and %d output channels do not divide into %d groups", in, out, groups)
}

// padded returns x padded in the layer's mode, and a function that frees it.
func (c *convolution) padded(x *torch.Tensor) (padded *torch.Tensor, free func()) {
	if c.around == nil {
		return x, func() {}
	}
	padded = x.Pad(c.around, c.mode, 0)
	return padded, padded.Close
}

// Conv1d is a convolution (cross-correlation) of sequences.
type Conv1d struct {
	Weight *torch.Tensor // [out, in/groups, kernel]
	Bias   *torch.Tensor // [out], or nil

	convolution convolution
}

// NewConv1d returns a layer with in input and out output channels. Weight and bias are initialized
// uniformly in [-b, b), where b = 1/sqrt(in/groups * kernel).
func NewConv1d(in, out int64, kernel []int64, options ConvOptions, how ...torch.Option) *Conv1d {
	settings, weight, bias := newConvolution("NewConv1d", in, out, kernel, 1, options, how)
	return &Conv1d{weight, bias, settings}
}

// Forward returns the convolution of x [N, in, L] or [in, L]: [N, out, L'] or [out, L'], where L' =
// (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down.
func (c *Conv1d) Forward(x *torch.Tensor) *torch.Tensor {
	padded, free := c.convolution.padded(x)
	defer free()
	return padded.Conv1d(c.Weight, c.Bias, c.convolution.options)
}

// Conv2d is a convolution (cross-correlation) of images.
type Conv2d struct {
	Weight *torch.Tensor // [out, in/groups, kernel height, kernel width]
	Bias   *torch.Tensor // [out], or nil

	convolution convolution
}

// NewConv2d returns a layer with in input and out output channels. Weight and bias are initialized
// uniformly in [-b, b), where b = 1/sqrt(in/groups * kernel height * kernel width).
//
//	nn.NewConv2d(3, 16, []int64{3}, nn.ConvOptions{Padding: []int64{1}})
func NewConv2d(in, out int64, kernel []int64, options ConvOptions, how ...torch.Option) *Conv2d {
	settings, weight, bias := newConvolution("NewConv2d", in, out, kernel, 2, options, how)
	return &Conv2d{weight, bias, settings}
}

// Forward returns the convolution of x [N, in, H, W] or [in, H, W]: [N, out, H', W'] or [out, H',
// W'], with sizes as in [Conv1d.Forward].
func (c *Conv2d) Forward(x *torch.Tensor) *torch.Tensor {
	padded, free := c.convolution.padded(x)
	defer free()
	return padded.Conv2d(c.Weight, c.Bias, c.convolution.options)
}

// ConvTransposeOptions are the options of [NewConvTranspose2d]. The zero value is PyTorch's
// default. A slice has one number for each spatial dimension, or one for all of them.
type ConvTransposeOptions struct {
	Stride        []int64 // nil means 1
	Padding       []int64 // removed from both sides of the output; nil means 0
	OutputPadding []int64 // added to one side of the output; nil means 0
	Dilation      []int64 // nil means 1
	Groups        int64   // 0 means 1
	NoBias        bool
}

// ConvTranspose2d is a transposed convolution of images, the gradient of [Conv2d] with respect to
// its input.
type ConvTranspose2d struct {
	Weight *torch.Tensor // [in, out/groups, kernel height, kernel width]
	Bias   *torch.Tensor // [out], or nil

	options torch.ConvTransposeOptions
}

// NewConvTranspose2d returns a layer with in input and out output channels. Weight and bias are
// initialized uniformly in [-b, b), where b = 1/sqrt(out/groups * kernel height * kernel width).
func NewConvTranspose2d(in, out int64, kernel []int64, options ConvTransposeOptions, how ...torch.Option) *ConvTranspose2d {
	const operation = "NewConvTranspose2d"
	f := newFactory(operation, how)
	kernel = perDimension(operation, "kernel", kernel, 2, 1)
	require(options.Groups >= 0, operation, "the options have %d Groups, wanted 1 or more, or 0 for 1", options.Groups)
	groups := max(options.Groups, 1)
	checkChannels(operation, in, out, groups)
	c := &ConvTranspose2d{Weight: f.parameter(append([]int64{in, out / groups}, kernel...)...)}
	c.options.Stride = perDimension(operation, "stride", options.Stride, 2, 1)
	c.options.Padding = perDimension(operation, "padding", options.Padding, 2, 0)
	c.options.Dilation = perDimension(operation, "dilation", options.Dilation, 2, 1)
	c.options.OutputPadding = perDimension(operation, "output padding", options.OutputPadding, 2, 0)
	c.options.Groups = groups
	if !options.NoBias {
		c.Bias = f.parameter(out)
	}
	f.resetWeightAndBias(c.Weight, c.Bias)
	return c
}

// Forward returns the transposed convolution of x [N, in, H, W] or [in, H, W]: [N, out, H', W'] or
// [out, H', W'], where H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output padding +
// 1.
func (c *ConvTranspose2d) Forward(x *torch.Tensor) *torch.Tensor {
	return x.ConvTranspose2d(c.Weight, c.Bias, c.options)
}
