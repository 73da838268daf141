package nn

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"

	"github.com/clipvqgan/clipvqgan/torch"
)

// The layers as Python prints them.

// String returns the layer as Python prints it.
func (ReLU) String() string { return "ReLU()" }

// String returns the layer as Python prints it.
func (ReLU6) String() string { return "ReLU6()" }

// String returns the layer as Python prints it.
func (l LeakyReLU) String() string {
	return call("LeakyReLU", argument("negative_slope", orDefault(l.NegativeSlope, 0.01)))
}

// String returns the layer as Python prints it.
func (p *PReLU) String() string { return call("PReLU", "num_parameters="+sizeOf(p.Weight, 0, 1)) }

// String returns the layer as Python prints it.
func (e ELU) String() string { return call("ELU", argument("alpha", orDefault(e.Alpha, 1))) }

// String returns the layer as Python prints it.
func (SELU) String() string { return "SELU()" }

// String returns the layer as Python prints it.
func (g GELU) String() string {
	if g.Tanh {
		return "GELU(approximate='tanh')"
	}
	return "GELU(approximate='none')"
}

// String returns the layer as Python prints it.
func (SiLU) String() string { return "SiLU()" }

// String returns the layer as Python prints it.
func (Mish) String() string { return "Mish()" }

// String returns the layer as Python prints it.
func (Tanh) String() string { return "Tanh()" }

// String returns the layer as Python prints it.
func (Sigmoid) String() string { return "Sigmoid()" }

// String returns the layer as Python prints it.
func (LogSigmoid) String() string { return "LogSigmoid()" }

// String returns the layer as Python prints it.
func (Hardsigmoid) String() string { return "Hardsigmoid()" }

// String returns the layer as Python prints it.
func (Hardswish) String() string { return "Hardswish()" }

// String returns the layer as Python prints it.
func (s Softplus) String() string {
	return call("Softplus", argument("beta", cmp.Or(s.Beta, 1)), argument("threshold", orDefault(s.Threshold, 20)))
}

// String returns the layer as Python prints it.
func (g GLU) String() string { return call("GLU", argument("dim", g.dim())) }

// String returns the layer as Python prints it.
func (s Softmax) String() string { return call("Softmax", "dim="+dimText(s.Dim)) }

// String returns the layer as Python prints it.
func (s LogSoftmax) String() string { return call("LogSoftmax", "dim="+dimText(s.Dim)) }

func dimText(dim *int64) string {
	if dim == nil {
		return "None"
	}
	return strconv.FormatInt(*dim, 10)
}

// String returns the layers as Python prints them.
func (s Sequential) String() string {
	parts := make([]part, len(s))
	for i, layer := range s {
		parts[i] = part{strconv.Itoa(i), "None"}
		if layer != nil {
			parts[i].text = text(reflect.ValueOf(layer), nil)
		}
	}
	return joinParts("Sequential", parts)
}

// String returns "Func()".
func (Func) String() string { return "Func()" }

// String returns the layer as Python prints it.
func (Identity) String() string { return "Identity()" }

// String returns the layer as Python prints it.
func (Flatten) String() string { return "Flatten(start_dim=1, end_dim=-1)" }

// String returns the layer as Python prints it.
func (u Unflatten) String() string {
	return call("Unflatten", argument("dim", u.Dim), argument("unflattened_size", u.Sizes))
}

// String returns the layer as Python prints it.
func (l *Linear) String() string {
	return call("Linear", "in_features="+sizeOf(l.Weight, 1, 1), "out_features="+sizeOf(l.Weight, 0, 1),
		argument("bias", l.Bias != nil))
}

// String returns the layer as Python prints it.
func (c *Conv1d) String() string { return c.convolution.describe("Conv1d", c.Weight, c.Bias) }

// String returns the layer as Python prints it.
func (c *Conv2d) String() string { return c.convolution.describe("Conv2d", c.Weight, c.Bias) }

// String returns the layer as Python prints it.
func (c *ConvTranspose2d) String() string {
	o := c.options
	arguments := []string{sizeOf(c.Weight, 0, 1), sizeOf(c.Weight, 1, max(o.Groups, 1)), "kernel_size=" + kernelOf(c.Weight),
		argument("stride", o.Stride)}
	arguments = append(arguments, unless(0, "padding", o.Padding)...)
	arguments = append(arguments, unless(1, "dilation", o.Dilation)...)
	arguments = append(arguments, unless(0, "output_padding", o.OutputPadding)...)
	return call("ConvTranspose2d", append(arguments, groupsAndBias(o.Groups, c.Bias)...)...)
}

// describe writes the layer with the given name.
func (c *convolution) describe(name string, weight, bias *torch.Tensor) string {
	o := c.options
	arguments := []string{sizeOf(weight, 1, max(o.Groups, 1)), sizeOf(weight, 0, 1), "kernel_size=" + kernelOf(weight),
		argument("stride", o.Stride)}
	if c.same {
		arguments = append(arguments, "padding=same")
	} else {
		arguments = append(arguments, unless(0, "padding", c.padding)...)
	}
	arguments = append(arguments, unless(1, "dilation", o.Dilation)...)
	arguments = append(arguments, groupsAndBias(o.Groups, bias)...)
	if c.mode != torch.PadConstant {
		modes := map[torch.PadMode]string{torch.PadReflect: "reflect", torch.PadReplicate: "replicate", torch.PadCircular: "circular"}
		arguments = append(arguments, "padding_mode="+modes[c.mode])
	}
	return call(name, arguments...)
}

// kernelOf returns the size of the kernel in a convolution's weight.
func kernelOf(weight *torch.Tensor) string {
	shape := shapeOf(weight)
	if len(shape) < 2 {
		return "?"
	}
	return tuple(shape[2:])
}

// unless returns an argument, or none if all its numbers are the default.
func unless(usual int64, name string, list []int64) []string {
	if !slices.ContainsFunc(list, func(number int64) bool { return number != usual }) {
		return nil
	}
	return []string{argument(name, list)}
}

func groupsAndBias(groups int64, bias *torch.Tensor) (arguments []string) {
	if groups > 1 {
		arguments = append(arguments, argument("groups", groups))
	}
	if bias == nil {
		arguments = append(arguments, "bias=False")
	}
	return arguments
}

// String returns the layer as Python prints it.
func (e *Embedding) String() string {
	arguments := []string{sizeOf(e.Weight, 0, 1), sizeOf(e.Weight, 1, 1)}
	if e.options.PaddingIndex != nil {
		arguments = append(arguments, argument("padding_idx", e.padding))
	}
	if e.options.MaxNorm > 0 {
		arguments = append(arguments, argument("max_norm", e.options.MaxNorm))
	}
	if norm := orDefault(e.options.NormType, 2); norm != 2 {
		arguments = append(arguments, argument("norm_type", norm))
	}
	return call("Embedding", arguments...)
}

// String returns the layer as Python prints it.
func (l *LayerNorm) String() string {
	return call("LayerNorm", tuple(l.shape), argument("eps", l.Eps), argument("elementwise_affine", l.Weight != nil), argument("bias", l.Bias != nil))
}

// String returns the layer as Python prints it.
func (g *GroupNorm) String() string {
	return call("GroupNorm", python(g.groups), python(g.channels), argument("eps", g.Eps), argument("affine", g.Weight != nil), argument("bias", g.Bias != nil))
}

// String returns the layer as Python prints it.
func (b *BatchNorm) String() string { return b.describe("BatchNorm") }

// String returns the layer as Python prints it.
func (b *BatchNorm1d) String() string { return b.describe("BatchNorm1d") }

// String returns the layer as Python prints it.
func (b *BatchNorm2d) String() string { return b.describe("BatchNorm2d") }

func (b *BatchNorm) describe(name string) string {
	momentum := python(b.Momentum)
	if b.cumulative {
		momentum = "None"
	}
	return call(name, python(b.channels), argument("eps", b.Eps), "momentum="+momentum, argument("affine", b.Weight != nil),
		argument("bias", b.Bias != nil), argument("track_running_stats", b.RunningMean != nil))
}

// String returns the layer as Python prints it.
func (d *Dropout) String() string { return call("Dropout", argument("p", d.P), "inplace=False") }

// String returns the layer as Python prints it.
func (d *Dropout2d) String() string { return call("Dropout2d", argument("p", d.P), "inplace=False") }

// String returns the layer as Python prints it.
func (p MaxPool2d) String() string {
	o := p.Options
	return call("MaxPool2d", "kernel_size="+oneOrTuple(p.Kernel), "stride="+oneOrTuple(listOr(o.Stride, p.Kernel...)),
		"padding="+oneOrTuple(listOr(o.Padding, 0)), "dilation="+oneOrTuple(listOr(o.Dilation, 1)), argument("ceil_mode", o.CeilMode))
}

// String returns the layer as Python prints it.
func (p AvgPool2d) String() string {
	return call("AvgPool2d", "kernel_size="+oneOrTuple(p.Kernel), "stride="+oneOrTuple(listOr(p.Options.Stride, p.Kernel...)),
		"padding="+oneOrTuple(listOr(p.Options.Padding, 0)))
}

// listOr returns a list, or others if it is nil.
func listOr(list []int64, others ...int64) []int64 {
	if list == nil {
		return others
	}
	return list
}

// String returns the layer as Python prints it.
func (p AdaptiveAvgPool2d) String() string {
	return call("AdaptiveAvgPool2d", "output_size="+oneOrTuple(p.Size))
}

// String returns the layer as Python prints it.
func (u Upsample) String() string {
	size := "size=" + oneOrTuple(u.Size)
	if factors := u.Options.ScaleFactor; len(factors) == 1 {
		size = argument("scale_factor", factors[0])
	} else if len(factors) > 1 {
		size = "scale_factor=("
		for i, factor := range factors {
			if i > 0 {
				size += ", "
			}
			size += python(factor)
		}
		size += ")"
	}
	modes := map[torch.InterpolateMode]string{
		torch.InterpolateNearest: "nearest", torch.InterpolateNearestExact: "nearest-exact", torch.InterpolateLinear: "linear",
		torch.InterpolateBilinear: "bilinear", torch.InterpolateBicubic: "bicubic", torch.InterpolateTrilinear: "trilinear",
		torch.InterpolateArea: "area",
	}
	return call("Upsample", size, "mode='"+modes[u.Options.Mode]+"'")
}

// String returns the layer with its output projection.
func (a *MultiheadAttention) String() string {
	var parts []part
	if a.OutProj != nil {
		parts = append(parts, part{"out_proj", a.OutProj.String()})
	}
	return joinParts("MultiheadAttention", parts)
}
