package torch

// An InterpolateMode is how [Tensor.Interpolate] computes values between pixels.
type InterpolateMode int

// The modes of [Tensor.Interpolate].
const (
	// InterpolateNearest takes the pixel at the position rounded down, as PyTorch's "nearest".
	InterpolateNearest InterpolateMode = iota
	// InterpolateNearestExact takes the nearest pixel, as Pillow does.
	InterpolateNearestExact
	// InterpolateLinear interpolates linearly, for [N, C, L].
	InterpolateLinear
	// InterpolateBilinear interpolates linearly, for [N, C, H, W].
	InterpolateBilinear
	// InterpolateBicubic uses cubic convolution, for [N, C, H, W], with a = -0.75, or -0.5 with
	// Antialias.
	InterpolateBicubic
	// InterpolateTrilinear interpolates linearly, for [N, C, D, H, W].
	InterpolateTrilinear
	// InterpolateArea takes the mean of the pixels that each output pixel covers.
	InterpolateArea
)

// InterpolateOptions are the options of [Tensor.Interpolate]. The zero value is PyTorch's default.
type InterpolateOptions struct {
	Mode         InterpolateMode
	AlignCorners bool // align the centers of the corner pixels, instead of their corners
	Antialias    bool // widen the filter when shrinking; for bilinear and bicubic

	// ScaleFactor is given in place of a size: the factor for each spatial dimension, or one for
	// all. The resulting sizes are rounded down.
	ScaleFactor []float64
	// RecomputeScaleFactor places pixels by the ratio of the rounded sizes instead of by
	// ScaleFactor itself.
	RecomputeScaleFactor bool
}

// sizeFor returns the size that ScaleFactor gives, and the factors by which pixels are placed; nil
// means by the sizes.
func (o InterpolateOptions) sizeFor(shape []int64) (size []int64, scales [3]*float64) {
	const operation = "Interpolate"
	spatial := len(shape) - 2
	if spatial < 1 || spatial > 3 {
		panic(invalid(operation, "a tensor [N, C, ...] of 3 to 5 dimensions is wanted, got %v", shape))
	}
	if n := len(o.ScaleFactor); n != 1 && n != spatial {
		panic(invalid(operation, "%d scale factors for %d spatial dimensions", n, spatial))
	}
	size = make([]int64, spatial)
	for i := range size {
		factor := o.ScaleFactor[i%len(o.ScaleFactor)]
		size[i] = int64(float64(shape[i+2]) * factor)
		if !o.RecomputeScaleFactor {
			scales[i] = &factor
		}
	}
	return size, scales
}

// Interpolate resizes the images t [N, C, ...] to size, which has one number for each spatial
// dimension (height, width). size is nil if the options have a ScaleFactor. It is
// torch.nn.functional.interpolate.
func (t *Tensor) Interpolate(size []int64, options InterpolateOptions) *Tensor {
	type kind struct {
		mode       InterpolateMode
		dimensions int
		antialias  bool
	}
	var scales [3]*float64
	switch {
	case size != nil && options.ScaleFactor != nil:
		panic(invalid("Interpolate", "both a size and a ScaleFactor were given"))
	case size == nil && options.ScaleFactor == nil:
		panic(invalid("Interpolate", "neither a size nor a ScaleFactor was given"))
	case options.ScaleFactor != nil:
		size, scales = options.sizeFor(t.Shape())
	}
	align, s := options.AlignCorners, scales
	switch (kind{options.Mode, len(size), options.Antialias}) {
	case kind{InterpolateNearest, 1, false}:
		return t.upsampleNearest1d(size, s[0])
	case kind{InterpolateNearest, 2, false}:
		return t.upsampleNearest2d(size, s[0], s[1])
	case kind{InterpolateNearest, 3, false}:
		return t.upsampleNearest3d(size, s[0], s[1], s[2])
	case kind{InterpolateNearestExact, 1, false}:
		return t.upsampleNearestExact1d(size, s[0])
	case kind{InterpolateNearestExact, 2, false}:
		return t.upsampleNearestExact2d(size, s[0], s[1])
	case kind{InterpolateNearestExact, 3, false}:
		return t.upsampleNearestExact3d(size, s[0], s[1], s[2])
	case kind{InterpolateLinear, 1, false}:
		return t.upsampleLinear1d(size, align, s[0])
	case kind{InterpolateBilinear, 2, false}:
		return t.upsampleBilinear2d(size, align, s[0], s[1])
	case kind{InterpolateBilinear, 2, true}:
		return t.upsampleBilinear2dAntialias(size, align, s[0], s[1])
	case kind{InterpolateBicubic, 2, false}:
		return t.upsampleBicubic2d(size, align, s[0], s[1])
	case kind{InterpolateBicubic, 2, true}:
		return t.upsampleBicubic2dAntialias(size, align, s[0], s[1])
	case kind{InterpolateTrilinear, 3, false}:
		return t.upsampleTrilinear3d(size, align, s[0], s[1], s[2])
	case kind{InterpolateArea, 1, false}:
		return t.AdaptiveAvgPool1d(size)
	case kind{InterpolateArea, 2, false}:
		return t.AdaptiveAvgPool2d(size)
	case kind{InterpolateArea, 3, false}:
		return t.AdaptiveAvgPool3d(size)
	default:
		panic(invalid("Interpolate", "no mode %d for %d spatial dimensions with Antialias %t",
			options.Mode, len(size), options.Antialias))
	}
}

// A GridMode is how [Tensor.GridSample] computes values between pixels.
type GridMode int64

// The modes of [Tensor.GridSample].
const (
	GridBilinear GridMode = iota
	GridNearest
	GridBicubic
)

func (m GridMode) number(operation string) int64 {
	return choice[GridMode, int64](operation, "mode", m, 0, 1, 2)
}

// A GridPadding is the value of pixels outside the image in [Tensor.GridSample].
type GridPadding int64

// The paddings of [Tensor.GridSample].
const (
	GridZeros GridPadding = iota
	GridBorder
	GridReflection
)

func (p GridPadding) number(operation string) int64 {
	return choice[GridPadding, int64](operation, "padding", p, 0, 1, 2)
}

// GridSampleOptions are the options of [Tensor.GridSample]. The zero value is PyTorch's default.
type GridSampleOptions struct {
	Mode         GridMode
	Padding      GridPadding
	AlignCorners bool // -1 and 1 mean the centers of the corner pixels, instead of their corners
}

// GridSample samples the images t [N, C, H, W] at the positions grid [N, h, w, 2], which are x and
// y in [-1, 1], and returns [N, C, h, w]. Volumes t [N, C, D, H, W] take a grid [N, d, h, w, 3]. It
// is torch.nn.functional.grid_sample.
func (t *Tensor) GridSample(grid *Tensor, options GridSampleOptions) *Tensor {
	return t.gridSampler(grid, options.Mode, options.Padding, options.AlignCorners)
}

// A PadMode is what [Tensor.Pad] pads with.
type PadMode int

// The modes of [Tensor.Pad].
const (
	PadConstant  PadMode = iota // a constant value
	PadReflect                  // the elements mirrored at the edge, without the edge itself
	PadReplicate                // the element at the edge
	PadCircular                 // the elements from the opposite end
)

func (m PadMode) text(operation string) string {
	return choice(operation, "mode", m, "constant", "reflect", "replicate", "circular")
}

// Pad pads t. padding holds the number of elements before and after the last dimension, then before
// and after the second to last, and so on; negative numbers cut elements off. value is used with
// PadConstant only. It is torch.nn.functional.pad.
func (t *Tensor) Pad(padding []int64, mode PadMode, value float64) *Tensor {
	if mode == PadConstant {
		return t.pad(padding, mode, value)
	}
	return t.padWithin(padding, mode)
}
