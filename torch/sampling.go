package torch

// An InterpolateMode is how [Tensor.Interpolate] finds values between pixels.
type InterpolateMode int

// The modes of [Tensor.Interpolate].
const (
	// InterpolateNearest takes the pixel at the position rounded down, as PyTorch's "nearest".
	InterpolateNearest InterpolateMode = iota
	// InterpolateNearestExact takes the nearest pixel, as Pillow does; for [N, C, H, W].
	InterpolateNearestExact
	// InterpolateLinear is for [N, C, L].
	InterpolateLinear
	// InterpolateBilinear is for [N, C, H, W].
	InterpolateBilinear
	// InterpolateBicubic is for [N, C, H, W], with a = -0.75, and -0.5 with Antialias.
	InterpolateBicubic
	// InterpolateTrilinear is for [N, C, D, H, W].
	InterpolateTrilinear
)

// InterpolateOptions are the options of [Tensor.Interpolate]. The zero value is PyTorch's default.
type InterpolateOptions struct {
	Mode         InterpolateMode
	AlignCorners bool // the corner pixels' centres, not their corners, stay in place
	Antialias    bool // widen the filter where the image shrinks, for bilinear and bicubic
}

// Interpolate returns the images t [N, C, ...] resized to size, which has one number for each
// spatial dimension (height, width). It is torch.nn.functional.interpolate(size=...).
func (t *Tensor) Interpolate(size []int64, options InterpolateOptions) *Tensor {
	type kind struct {
		mode       InterpolateMode
		dimensions int
		antialias  bool
	}
	align := options.AlignCorners
	switch (kind{options.Mode, len(size), options.Antialias}) {
	case kind{InterpolateNearest, 1, false}:
		return t.upsampleNearest1d(size)
	case kind{InterpolateNearest, 2, false}:
		return t.upsampleNearest2d(size)
	case kind{InterpolateNearest, 3, false}:
		return t.upsampleNearest3d(size)
	case kind{InterpolateNearestExact, 2, false}:
		return t.upsampleNearestExact2d(size)
	case kind{InterpolateLinear, 1, false}:
		return t.upsampleLinear1d(size, align)
	case kind{InterpolateBilinear, 2, false}:
		return t.upsampleBilinear2d(size, align)
	case kind{InterpolateBilinear, 2, true}:
		return t.upsampleBilinear2dAntialias(size, align)
	case kind{InterpolateBicubic, 2, false}:
		return t.upsampleBicubic2d(size, align)
	case kind{InterpolateBicubic, 2, true}:
		return t.upsampleBicubic2dAntialias(size, align)
	case kind{InterpolateTrilinear, 3, false}:
		return t.upsampleTrilinear3d(size, align)
	default:
		panic(invalid("Interpolate", "no mode %d for %d spatial dimensions with Antialias %t",
			options.Mode, len(size), options.Antialias))
	}
}

// A GridMode is how [Tensor.GridSample] finds values between pixels.
type GridMode int64

// The modes of [Tensor.GridSample].
const (
	GridBilinear GridMode = iota
	GridNearest
	GridBicubic
)

// A GridPadding is what [Tensor.GridSample] finds outside the image.
type GridPadding int64

// The paddings of [Tensor.GridSample].
const (
	GridZeros GridPadding = iota
	GridBorder
	GridReflection
)

// GridSampleOptions are the options of [Tensor.GridSample]. The zero value is PyTorch's default.
type GridSampleOptions struct {
	Mode         GridMode
	Padding      GridPadding
	AlignCorners bool // -1 and 1 are the corner pixels' centres, not their corners
}

// GridSample returns the images t [N, C, H, W] sampled at the positions grid [N, h, w, 2], which
// are x and y in [-1, 1]: [N, C, h, w]. Volumes [N, C, D, H, W] take grids [N, d, h, w, 3].
func (t *Tensor) GridSample(grid *Tensor, options GridSampleOptions) *Tensor {
	return t.gridSampler(grid, int64(options.Mode), int64(options.Padding), options.AlignCorners)
}

// A PadMode is what [Tensor.Pad] puts around a tensor.
type PadMode int

// The modes of [Tensor.Pad].
const (
	PadConstant  PadMode = iota // a value
	PadReflect                  // the elements mirrored at the edge, without the edge itself
	PadReplicate                // the edge
	PadCircular                 // the elements from the other end
)

// Pad returns t with elements put around it: padding is the number before and after the last
// dimension, then before and after the one before it, and so on. value counts with PadConstant
// alone; negative numbers cut.
func (t *Tensor) Pad(padding []int64, mode PadMode, value float64) *Tensor {
	switch mode {
	case PadConstant:
		return t.pad(padding, "constant", value)
	case PadReflect:
		return t.padWithin(padding, "reflect")
	case PadReplicate:
		return t.padWithin(padding, "replicate")
	case PadCircular:
		return t.padWithin(padding, "circular")
	default:
		panic(invalid("Pad", "there is no mode %d", mode))
	}
}
