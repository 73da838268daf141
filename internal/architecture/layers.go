package architecture

import "math"

// linearInitial is PyTorch's for the weights and biases of linear layers and convolutions.
func linearInitial(inputs int64) Initial { return Uniform(1 / math.Sqrt(float64(inputs))) }

// A Layer says how a layer differs from the default: it has a bias, and PyTorch's initial weights.
type Layer struct {
	NoBias bool
	// Weight and Bias are other initial values.
	Weight, Bias Initial
}

func (l Layer) initials(inputs int64) (weight, bias Initial) {
	weight, bias = linearInitial(inputs), linearInitial(inputs)
	if l.Weight != nil {
		weight = l.Weight
	}
	if l.Bias != nil {
		bias = l.Bias
	}
	return weight, bias
}

// Linear adds a linear layer.
func (n *Node) Linear(name string, in, out int64, layer Layer) {
	weight, bias := layer.initials(in)
	child := n.Child(name, "Linear").Parameter("weight", weight, out, in)
	if !layer.NoBias {
		child.Parameter("bias", bias, out)
	}
}

// Embedding adds a table of vectors.
func (n *Node) Embedding(name string, count, size int64, initial Initial) {
	n.Child(name, "Embedding").Parameter("weight", initial, count, size)
}

// A Conv describes a convolution with a square kernel.
type Conv struct {
	Layer
	In, Out, Kernel int64
	Stride          int64 // 0 means 1
	Padding         int64
	Groups          int64 // 0 means 1
}

// Conv2d adds a convolution.
func (n *Node) Conv2d(name string, c Conv) {
	stride, groups := max(c.Stride, 1), max(c.Groups, 1)
	inputs := c.In / groups
	weight, bias := c.initials(inputs * c.Kernel * c.Kernel)
	child := n.Child(name, "Conv2d").Parameter("weight", weight, c.Out, inputs, c.Kernel, c.Kernel)
	if !c.NoBias {
		child.Parameter("bias", bias, c.Out)
	}
	child.Set("stride", []int64{stride, stride}).Set("padding", []int64{c.Padding, c.Padding}).Set("groups", groups)
}

// LayerNorm adds a layer normalization over the last dimension.
func (n *Node) LayerNorm(name string, width int64, eps float64) {
	n.Child(name, "LayerNorm").Parameter("weight", Ones, width).Parameter("bias", Zeros, width).Set("eps", eps)
}

// GroupNorm adds a group normalization.
func (n *Node) GroupNorm(name string, groups, channels int64, eps float64) {
	n.Child(name, "GroupNorm").Parameter("weight", Ones, channels).Parameter("bias", Zeros, channels).
		Set("groups", groups).Set("eps", eps)
}

// BatchNorm2d adds a batch normalization of images; weight is the initial value of its weights.
func (n *Node) BatchNorm2d(name string, channels int64, weight Initial) {
	n.Child(name, "BatchNorm2d").Parameter("weight", weight, channels).Parameter("bias", Zeros, channels).
		Buffer("running_mean", Zeros, channels).Buffer("running_var", Ones, channels).
		Buffer("num_batches_tracked", Zeros).Set("eps", 1e-5)
}

// Plain adds a module without parts of its own, such as an activation.
func (n *Node) Plain(name, class string) { n.Child(name, class) }
