package vision

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Channels are the channels of an image tensor.
type Channels int

const (
	// RGB is red, green and blue; transparent images are composited over the background.
	RGB Channels = iota
	// RGBA is red, green, blue and alpha; colors are not multiplied by alpha.
	RGBA
	// Gray is one channel, with Pillow's weights; transparent images are composited over the
	// background.
	Gray
)

// Options are the options of [FromImage]. The zero value gives the result of torchvision's ToTensor
// for an RGB image.
type Options struct {
	Channels Channels
	// Background is the color behind transparent pixels, for [RGB] and [Gray]. nil means white.
	Background color.Color
	// Bytes makes a uint8 tensor with values 0 to 255, as torchvision's PILToTensor, instead of
	// float32 with values 0 to 1.
	Bytes bool
	// Deep uses all 16 bits of an *image.Gray16, *image.RGBA64 or *image.NRGBA64, divided by 65535.
	// Otherwise the high 8 bits of each sample are used, divided by 255.
	Deep bool
	// Device is the device of the tensor.
	Device torch.Device
}

// FromImage converts an image to a tensor [3, height, width], or [4, ...] or [1, ...] for other
// Channels: float32 from 0 to 1 (the byte divided by 255), or uint8. The chroma of a JPEG is
// interpolated as libjpeg does. The error is of kind [torch.ErrInvalid] if img is nil or
// empty, or if Deep and Bytes are both set.
func FromImage(img image.Image, options Options) (tensor *torch.Tensor, err error) {
	const operation = "FromImage"
	if err := imageio.CheckImage(img); err != nil {
		return nil, failed(operation, "%v", err)
	}
	switch {
	case options.Deep && options.Bytes:
		return nil, failed(operation, "Deep has 16 bits, which Bytes cannot hold; choose one")
	case options.Channels < RGB || options.Channels > Gray:
		return nil, failed(operation, "the channels are %d, wanted RGB, RGBA or Gray", options.Channels)
	}
	err = torch.Try(func() (err error) {
		torch.Scope(func(scope *torch.TensorScope) {
			torch.NoGrad(func() {
				var made *torch.Tensor
				if made, err = fromImage(img, options); err == nil {
					tensor = scope.Keep(made)
				}
			})
		})
		return err
	})
	return tensor, err
}

func fromImage(img image.Image, options Options) (*torch.Tensor, error) {
	height, width := int64(img.Bounds().Dy()), int64(img.Bounds().Dx())
	if options.Deep {
		if samples := deepSamples(img, options); samples != nil {
			shape := []int64{height, width, int64(len(samples)) / (height * width)}
			return torch.FromSlice(samples, shape, options.Device).Permute([]int64{2, 0, 1}).Contiguous(), nil
		}
	}
	samples, err := bytesOf(img, options)
	if err != nil {
		return nil, failed("FromImage", "%v", err)
	}
	// Convert on the device, from bytes.
	shape := []int64{height, width, int64(len(samples)) / (height * width)}
	bytes := torch.FromSlice(samples, shape, options.Device).Permute([]int64{2, 0, 1}).Contiguous()
	if options.Bytes {
		return bytes, nil
	}
	return bytes.To(torch.Float32).DivScalar(255), nil
}

// bytesOf returns the samples of an image in the channels of the options.
func bytesOf(img image.Image, options Options) ([]uint8, error) {
	switch options.Channels {
	case RGBA:
		converted, err := imageio.ToNRGBA(img)
		if err != nil {
			return nil, err
		}
		return converted.Pix, nil
	case Gray:
		converted, err := imageio.ToGray(img, options.Background)
		if err != nil {
			return nil, err
		}
		return converted.Pix, nil
	}
	converted, err := imageio.FromImage(img, options.Background)
	if err != nil {
		return nil, err
	}
	return converted.Pix, nil
}

// ToImage converts a tensor on any device to an image: [3, height, width] to an *image.RGBA, [4,
// height, width] to an *image.NRGBA, and [1, height, width] or [height, width] to an *image.Gray.
// Real numbers are multiplied by 255, rounded to the nearest integer and clamped to [0, 255], as in
// torchvision's save_image (its to_pil_image truncates instead); NaN becomes 0. The elements of a
// uint8 tensor are used as they are. The error is of kind [torch.ErrInvalid] for other shapes and
// dtypes. Use [MakeGrid] for several images.
func ToImage(tensor *torch.Tensor) (picture image.Image, err error) {
	const operation = "ToImage"
	err = torch.Try(func() (err error) {
		torch.Scope(func(*torch.TensorScope) {
			torch.NoGrad(func() { picture, err = toImage(operation, tensor) })
		})
		return err
	})
	return picture, err
}

func toImage(operation string, tensor *torch.Tensor) (image.Image, error) {
	shape, dtype := tensor.Shape(), tensor.DType()
	if len(shape) == 2 {
		tensor = tensor.Unsqueeze(0)
	}
	if len(shape) != 2 && (len(shape) != 3 || (shape[0] != 1 && shape[0] != 3 && shape[0] != 4)) {
		return nil, failed(operation, "the tensor is %v, wanted [H, W], [1, H, W], [3, H, W] or [4, H, W]; MakeGrid puts a batch into one picture", shape)
	}
	if tensor.NumElements() == 0 {
		return nil, failed(operation, "the tensor is %v: the picture is empty", shape)
	}
	switch {
	case dtype.IsFloatingPoint():
		tensor = tensor.To(torch.Float32).NaNToNum(0, math.Inf(1), math.Inf(-1)).MulScalar(255).AddScalar(0.5).Clamp(0, 255).To(torch.Uint8)
	case dtype != torch.Uint8:
		return nil, failed(operation, "the elements are %s, wanted uint8 or real numbers", dtype)
	}
	height, width := int(tensor.Size(1)), int(tensor.Size(2))
	bounds := image.Rect(0, 0, width, height)
	if tensor.Size(0) == 3 {
		opaque := tensor.At(torch.Range(0, 1)).FullLike(255)
		tensor = torch.Cat([]*torch.Tensor{tensor, opaque}, 0)
	}
	channels := int(tensor.Size(0))
	samples := torch.ToSlice[uint8](tensor.Permute([]int64{1, 2, 0}))
	switch {
	case channels == 1:
		return &image.Gray{Pix: samples, Stride: width, Rect: bounds}, nil
	case len(shape) == 3 && shape[0] == 3:
		return &image.RGBA{Pix: samples, Stride: 4 * width, Rect: bounds}, nil
	}
	return &image.NRGBA{Pix: samples, Stride: 4 * width, Rect: bounds}, nil
}

func failed(operation, format string, arguments ...any) error {
	return &torch.Error{Operation: "vision." + operation, Kind: torch.ErrInvalid, Message: fmt.Sprintf(format, arguments...)}
}
