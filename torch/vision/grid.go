package vision

import (
	"cmp"

	"github.com/clipvqgan/clipvqgan/torch"
)

// GridOptions are the options of [MakeGrid]. The zero value is torchvision's default.
type GridOptions struct {
	// Columns is the number of images in a row of the grid. 0 means 8.
	Columns int64
	// Padding is the number of pixels between and around images. nil means 2.
	Padding *int64
	// PadValue is the value of the padding.
	PadValue float64
	// Normalize maps Range linearly to [0, 1] and clamps other values.
	Normalize bool
	// Range is the minimum and maximum for Normalize. nil means those of the images.
	Range *[2]float64
	// Each takes the minimum and maximum of each image instead of all, if Range is nil.
	Each bool
}

// MakeGrid arranges images [N, C, H, W] in a grid [C, H', W'], row by row, with padding between
// them, as torchvision.utils.make_grid does. Images with one channel become images with three. A
// single image, [C, H, W] or [H, W], is only converted to three channels. No gradients are
// recorded. It panics with a [*torch.Error] for other shapes.
func MakeGrid(pictures *torch.Tensor, options GridOptions) (grid *torch.Tensor) {
	torch.Scope(func(scope *torch.TensorScope) {
		torch.NoGrad(func() { grid = scope.Keep(makeGrid(pictures, options)) })
	})
	return grid
}

func makeGrid(pictures *torch.Tensor, o GridOptions) *torch.Tensor {
	const operation = "MakeGrid"
	given := pictures.Shape()
	if dimensions := len(given); dimensions < 2 || dimensions > 4 {
		panic(failed(operation, "the pictures are %v, wanted [N, C, H, W], [C, H, W] or [H, W]", given))
	}
	if pictures.NumElements() == 0 {
		panic(failed(operation, "the pictures are %v: there is nothing in them", given))
	}
	columns, padding := cmp.Or(o.Columns, 8), int64(2)
	if o.Padding != nil {
		padding = *o.Padding
	}
	if columns < 0 || padding < 0 {
		panic(failed(operation, "there are %d columns and a padding of %d, wanted none below 0", columns, padding))
	}
	for range 4 - len(given) {
		pictures = pictures.Unsqueeze(0)
	}
	if pictures.Size(1) == 1 {
		pictures = torch.Cat([]*torch.Tensor{pictures, pictures, pictures}, 1)
	}
	if o.Normalize {
		pictures = normalized(pictures, o)
	}
	count := pictures.Size(0)
	if count == 1 {
		return pictures.SqueezeDim(0).Clone()
	}
	columns = min(columns, count)
	rows := (count + columns - 1) / columns
	height, width := pictures.Size(2)+padding, pictures.Size(3)+padding
	shape := []int64{pictures.Size(1), height*rows + padding, width*columns + padding}
	grid := torch.Full(shape, o.PadValue, pictures.DType(), pictures.Device())
	for i := range count {
		top, left := i/columns*height+padding, i%columns*width+padding
		grid.SetAt(pictures.At(i), torch.All,
			torch.Range(top, top+height-padding), torch.Range(left, left+width-padding))
	}
	return grid
}

// normalized returns the images with values in [0, 1].
func normalized(pictures *torch.Tensor, o GridOptions) *torch.Tensor {
	if !o.Each {
		return scaled(pictures, o)
	}
	each := make([]*torch.Tensor, pictures.Size(0))
	for i := range each {
		each[i] = scaled(pictures.At(i), o)
	}
	return torch.Stack(each, 0)
}

func scaled(t *torch.Tensor, o GridOptions) *torch.Tensor {
	var low, high float64
	if o.Range != nil {
		low, high = o.Range[0], o.Range[1]
	} else {
		low, high = t.Min().Item(), t.Max().Item()
	}
	return t.Clamp(low, high).SubScalar(low).DivScalar(max(high-low, 1e-5))
}
