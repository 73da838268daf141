package nn

import "github.com/clipvqgan/clipvqgan/torch"

// LayerNorm normalizes over the last dimensions (Ba et al. 2016).
type LayerNorm struct {
	Weight *torch.Tensor // of the normalized shape, or nil
	Bias   *torch.Tensor // of the normalized shape, or nil
	Eps    float64       // added to the variance

	shape torch.Shape
}

// LayerNormOptions are the options of [NewLayerNorm]. The zero value is PyTorch's default.
type LayerNormOptions struct {
	Eps      *float64 // nil means 1e-5
	NoAffine bool     // no weight and no bias
	NoBias   bool     // a weight but no bias
}

// NewLayerNorm returns a layer that normalizes over the last dimensions, of the given shape. Its
// weight is initialized to 1, its bias to 0.
func NewLayerNorm(shape torch.Shape, options LayerNormOptions, how ...torch.Option) *LayerNorm {
	f := newFactory("NewLayerNorm", how)
	require(len(shape) > 0, "NewLayerNorm", "the shape has no dimension")
	layer := &LayerNorm{Eps: orDefault(options.Eps, 1e-5), shape: append(torch.Shape{}, shape...)}
	if !options.NoAffine {
		layer.Weight = f.ones(shape...)
		if !options.NoBias {
			layer.Bias = f.parameter(shape...)
		}
	}
	return layer
}

// Forward returns (x - mean) / sqrt(variance + Eps) * weight + bias for x [..., shape].
func (l *LayerNorm) Forward(x *torch.Tensor) *torch.Tensor {
	return x.LayerNorm(l.shape, l.Weight, l.Bias, l.Eps)
}

// GroupNorm normalizes each sample over groups of its channels (Wu and He 2018).
type GroupNorm struct {
	Weight *torch.Tensor // [channels], or nil
	Bias   *torch.Tensor // [channels], or nil
	Eps    float64       // added to the variance

	groups, channels int64
}

// GroupNormOptions are the options of [NewGroupNorm]. The zero value is PyTorch's default.
type GroupNormOptions struct {
	Eps      *float64 // nil means 1e-5
	NoAffine bool     // no weight and no bias
}

// NewGroupNorm returns a layer for the given number of channels, which must be divisible by groups.
// Its weight is initialized to 1, its bias to 0.
func NewGroupNorm(groups, channels int64, options GroupNormOptions, how ...torch.Option) *GroupNorm {
	const operation = "NewGroupNorm"
	require(groups > 0 && channels > 0 && channels%groups == 0, operation,
		"%d channels do not divide into %d groups", channels, groups)
	f := newFactory(operation, how)
	layer := &GroupNorm{Eps: orDefault(options.Eps, 1e-5), groups: groups, channels: channels}
	if !options.NoAffine {
		layer.Weight, layer.Bias = f.ones(channels), f.parameter(channels)
	}
	return layer
}

// Forward returns x [N, channels, ...] normalized over each group of channels, times weight plus
// bias.
func (g *GroupNorm) Forward(x *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	require(len(shape) >= 2 && shape[1] == g.channels, "GroupNorm.Forward",
		"a tensor [N, %d, ...] is wanted, got %v", g.channels, shape)
	return x.GroupNorm(g.groups, g.Weight, g.Bias, g.Eps)
}
