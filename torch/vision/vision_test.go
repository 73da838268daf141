package vision_test

import (
	"compress/gzip"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio"
	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/vision"
)

// A number is one that JSON may have as text, as "inf".
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	value, err := strconv.ParseFloat(text, 64)
	*n = number(value)
	return err
}

type encoded struct {
	DType string
	Shape []int64
	Data  []number
}

func (e encoded) floats() []float64 {
	values := make([]float64, len(e.Data))
	for i, value := range e.Data {
		values[i] = float64(value)
	}
	return values
}

func (e encoded) tensor(t *testing.T, device torch.Device) *torch.Tensor {
	dtype, err := torch.ParseDType(e.DType)
	require.NoError(t, err)
	return torch.FromSlice(e.floats(), e.Shape).To(dtype, device)
}

// isEqual compares a tensor with a reference, exactly. A GPU divides by a number by multiplying with
// its inverse, which may round the last bit otherwise: below 1, at most 2^-23.
func isEqual(t *testing.T, want encoded, got *torch.Tensor, what ...any) {
	t.Helper()
	if got.Device().IsCUDA() && got.DType().IsFloatingPoint() {
		assert.Equal(t, want.DType, got.DType().String(), what...)
		assert.Equal(t, want.Shape, got.Shape(), what...)
		assert.InDeltaSlice(t, want.floats(), torch.ToSlice[float64](got.To(torch.Float64)), 0x1p-23, what...)
		return
	}
	assert.Equal(t, want.DType, got.DType().String(), what...)
	assert.Equal(t, want.Shape, got.Shape(), what...)
	assert.Equal(t, want.floats(), torch.ToSlice[float64](got.To(torch.Float64)), what...)
}

type reference struct {
	Pictures []struct {
		Mode                string
		Pixels              []int
		Floats, Bytes, Gray encoded
	}
	Saved []struct {
		encoded
		Bytes encoded
	}
	Grids []struct {
		Tensor, Grid encoded
		Options      struct {
			Nrow      int64
			Padding   *int64
			PadValue  float64     `json:"pad_value"`
			Normalize bool        `json:"normalize"`
			Range     *[2]float64 `json:"value_range"`
			Each      bool        `json:"scale_each"`
		}
	}
}

func readReference(t *testing.T) (r reference) {
	file, err := os.Open("testdata/vision.json.gz")
	require.NoError(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(unpacked).Decode(&r))
	return r
}

// picture is pixels of a mode of Pillow's as one of Go's types.
func picture(mode string, pixels []int, width, height int) image.Image {
	bytes := make([]uint8, len(pixels))
	for i, sample := range pixels {
		bytes[i] = uint8(sample)
	}
	bounds := image.Rect(0, 0, width, height)
	switch mode {
	case "L":
		return &image.Gray{Pix: bytes, Stride: width, Rect: bounds}
	case "RGB":
		return &imageio.RGB{Pix: bytes, Width: width, Height: height}
	}
	return &image.NRGBA{Pix: bytes, Stride: 4 * width, Rect: bounds}
}

func fromImage(t *testing.T, img image.Image, options vision.Options) *torch.Tensor {
	t.Helper()
	tensor, err := vision.FromImage(img, options)
	require.NoError(t, err)
	return tensor
}

func TestPicturesAsTorchvision(t *testing.T) {
	channels := map[string]vision.Channels{"RGB": vision.RGB, "RGBA": vision.RGBA, "L": vision.Gray}
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, c := range readReference(t).Pictures {
			img := picture(c.Mode, c.Pixels, int(c.Floats.Shape[2]), int(c.Floats.Shape[1]))
			options := vision.Options{Channels: channels[c.Mode], Device: device}
			floats := fromImage(t, img, options)
			assert.Equal(t, device, floats.Device())
			isEqual(t, c.Floats, floats, c.Mode)
			options.Bytes = true
			bytes := fromImage(t, img, options)
			isEqual(t, c.Bytes, bytes, c.Mode)
			if c.Mode == "RGB" {
				options.Channels = vision.Gray
				isEqual(t, c.Gray, fromImage(t, img, options), "gray")
			}

			for _, tensor := range []*torch.Tensor{floats, bytes} { // and back
				back, err := vision.ToImage(tensor)
				require.NoError(t, err)
				options := vision.Options{Channels: channels[c.Mode], Bytes: true}
				isEqual(t, c.Bytes, fromImage(t, back, options), "%s as %T", c.Mode, back)
			}
		}
	})
}

func TestToImageRoundsAsSaveImage(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, c := range readReference(t).Saved {
			img, err := vision.ToImage(c.tensor(t, device))
			require.NoError(t, err)
			options := vision.Options{Bytes: true}
			if c.Shape[0] == 1 {
				options.Channels = vision.Gray
			}
			isEqual(t, c.Bytes, fromImage(t, img, options))
		}
	})
}

func TestGridsAsTorchvision(t *testing.T) {
	testkit.OnEachDevice(t, func(t *testing.T, device torch.Device) {
		for _, c := range readReference(t).Grids {
			options := vision.GridOptions{Columns: c.Options.Nrow, PadValue: c.Options.PadValue,
				Normalize: c.Options.Normalize, Each: c.Options.Each}
			options.Padding, options.Range = c.Options.Padding, c.Options.Range
			grid := vision.MakeGrid(c.Tensor.tensor(t, device), options)
			assert.Equal(t, device, grid.Device())
			isEqual(t, c.Grid, grid, "%+v", c.Options)
		}
	})
}

// colors are pixels with every kind of alpha.
func colors() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(-3, 5, 6, 12))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 37)
	}
	for i := 3; i < len(img.Pix); i += 12 {
		img.Pix[i] = 255
	}
	img.Pix[7] = 0
	return img
}

// generic hides an image's type, so that only its At is used.
type generic struct{ image.Image }

// Each type of image, whole and a part of it, gives what its pixels give one by one.
func TestEveryTypeOfImage(t *testing.T) {
	source := colors()
	bounds := source.Bounds()
	opaque := image.NewRGBA(bounds)
	draw.Draw(opaque, bounds, image.White, image.Point{}, draw.Src)
	draw.Draw(opaque, bounds, source, bounds.Min, draw.Over)
	painted := func(img draw.Image) image.Image {
		draw.Draw(img, bounds, source, bounds.Min, draw.Src)
		return img
	}
	ycbcr := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio444)
	for i := range ycbcr.Y {
		ycbcr.Y[i], ycbcr.Cb[i], ycbcr.Cr[i] = uint8(i*11), uint8(i*7), uint8(i*3)
	}
	for _, img := range []image.Image{
		source, opaque, painted(image.NewRGBA(bounds)), painted(image.NewRGBA64(bounds)), painted(image.NewNRGBA64(bounds)),
		painted(image.NewGray(bounds)), painted(image.NewGray16(bounds)), painted(image.NewCMYK(bounds)),
		painted(image.NewPaletted(bounds, color.Palette{color.Black, color.White, color.NRGBA{200, 10, 20, 100}})), ycbcr,
	} {
		part := img.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(-1, 6, 4, 11))
		for _, img := range []image.Image{img, part} {
			size := []int64{4, int64(img.Bounds().Dy()), int64(img.Bounds().Dx())}
			tensor := fromImage(t, img, vision.Options{Channels: vision.RGBA, Bytes: true})
			require.Equal(t, size, tensor.Shape(), "%T", img)
			byOne := fromImage(t, generic{img}, vision.Options{Channels: vision.RGBA, Bytes: true})
			if straight, ok := img.(*image.NRGBA); ok { // whose colors At's premultiplied ones lose
				var pixels []uint8
				for y := straight.Rect.Min.Y; y < straight.Rect.Max.Y; y++ {
					for x := straight.Rect.Min.X; x < straight.Rect.Max.X; x++ {
						c := straight.NRGBAAt(x, y)
						pixels = append(pixels, c.R, c.G, c.B, c.A)
					}
				}
				byOne = torch.FromSlice(pixels, torch.Shape{size[1], size[2], 4}).Permute([]int64{2, 0, 1})
			}
			// JPEG's and Pillow's own arithmetic differs from the standard library's by one level.
			tolerance := 0.0
			switch img.(type) {
			case *image.YCbCr, *image.CMYK:
				tolerance = 1
			}
			far := tensor.To(torch.Int16).Sub(byOne.To(torch.Int16)).Abs().Max().Item()
			assert.LessOrEqual(t, far, tolerance, "%T %v", img, img.Bounds())

			for _, channels := range []vision.Channels{vision.RGB, vision.Gray} {
				options := vision.Options{Channels: channels, Bytes: true, Background: color.NRGBA{10, 200, 30, 255}}
				whole := fromImage(t, img, options).To(torch.Int16)
				far := whole.Sub(fromImage(t, generic{img}, options).To(torch.Int16)).Abs().Max().Item()
				assert.LessOrEqual(t, far, 1.0, "%T %v", img, img.Bounds())
			}
		}
	}
}

func TestTransparentPartsLieOverTheBackground(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	img.SetNRGBA(0, 0, color.NRGBA{R: 255, A: 51}) // a fifth
	for _, c := range []struct {
		options vision.Options
		want    []float32
	}{
		{vision.Options{}, []float32{1, 0.8, 0.8}},
		{vision.Options{Background: color.Black}, []float32{0.2, 0, 0}},
		{vision.Options{Channels: vision.RGBA}, []float32{1, 0, 0, 0.2}},
	} {
		assert.InDeltaSlice(t, c.want, torch.ToSlice[float32](fromImage(t, img, c.options)), 1e-6)
	}
}

func TestSixteenBits(t *testing.T) {
	bounds := image.Rect(2, 3, 4, 4)
	gray := image.NewGray16(bounds)
	gray.SetGray16(2, 3, color.Gray16{Y: 0x1234})
	gray.SetGray16(3, 3, color.Gray16{Y: 0xffff})
	for _, c := range []struct {
		options vision.Options
		want    []float32
	}{
		{vision.Options{Channels: vision.Gray}, []float32{float32(0x12) / 255, 1}},
		{vision.Options{Channels: vision.Gray, Deep: true}, []float32{float32(0x1234) / 65535, 1}},
		{vision.Options{Deep: true}, []float32{float32(0x1234) / 65535, 1, float32(0x1234) / 65535, 1, float32(0x1234) / 65535, 1}},
	} {
		assert.Equal(t, c.want, torch.ToSlice[float32](fromImage(t, gray, c.options)))
	}

	picture := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	picture.SetNRGBA64(0, 0, color.NRGBA64{R: 0xffff, G: 0x8000, B: 1, A: 0x3333}) // a fifth
	deep := vision.Options{Channels: vision.RGBA, Deep: true}
	assert.Equal(t, []float32{1, float32(0x8000) / 65535, 1.0 / 65535, 0.2}, torch.ToSlice[float32](fromImage(t, picture, deep)))
	over := vision.Options{Background: color.Black, Deep: true}
	assert.InDeltaSlice(t, []float32{0.2, 0.1, 0}, torch.ToSlice[float32](fromImage(t, picture, over)), 1e-5)

	// A picture of 8 bits has no more of them.
	same := colors()
	assert.True(t, fromImage(t, same, vision.Options{Deep: true}).Equal(fromImage(t, same, vision.Options{})))
}

func TestToImageTakesEveryLayout(t *testing.T) {
	x := torch.Arange(0, 24, 1).View(torch.Shape{2, 3, 4}).DivScalar(255)
	for _, tensor := range []*torch.Tensor{
		x.At(1), x.At(torch.Range(1, 2)), x.At(1).To(torch.Float64), x.At(1).SetRequiresGrad(false),
		x.At(1).T().Contiguous().T(), x.At(1).MulScalar(255).Round().To(torch.Uint8),
	} {
		img, err := vision.ToImage(tensor)
		require.NoError(t, err)
		require.IsType(t, &image.Gray{}, img)
		assert.Equal(t, []uint8{12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}, img.(*image.Gray).Pix)
		assert.Equal(t, image.Rect(0, 0, 4, 3), img.Bounds())
	}
	img, err := vision.ToImage(torch.FromSlice([]float32{float32(math.NaN()), 0.5}, torch.Shape{1, 2}))
	require.NoError(t, err)
	assert.Equal(t, []uint8{0, 128}, img.(*image.Gray).Pix)
}

func TestWhatIsNoPicture(t *testing.T) {
	for _, img := range []image.Image{nil, image.NewRGBA(image.Rectangle{}), image.NewGray(image.Rect(0, 0, 0, 5))} {
		_, err := vision.FromImage(img, vision.Options{})
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	for _, options := range []vision.Options{{Channels: 3}, {Channels: -1}, {Deep: true, Bytes: true}} {
		_, err := vision.FromImage(colors(), options)
		assert.ErrorIs(t, err, torch.ErrInvalid)
	}
	closed := torch.Zeros(torch.Shape{1, 2, 2})
	closed.Close()
	for _, tensor := range []*torch.Tensor{
		nil, torch.Zeros(nil), torch.Zeros(torch.Shape{3}), torch.Zeros(torch.Shape{2, 4, 4}), torch.Zeros(torch.Shape{5, 4, 4}),
		torch.Zeros(torch.Shape{1, 3, 4, 4}), torch.Zeros(torch.Shape{3, 0, 4}), torch.Zeros(torch.Shape{3, 2, 2}, torch.Int64),
		torch.Zeros(torch.Shape{3, 2, 2}, torch.Complex64),
	} {
		_, err := vision.ToImage(tensor)
		assert.ErrorIs(t, err, torch.ErrInvalid, "%+v", tensor)
	}
	_, err := vision.ToImage(closed)
	assert.ErrorIs(t, err, torch.ErrClosed)

	for _, options := range []vision.GridOptions{{Columns: -1}, {Padding: new(int64(-1))}} {
		assert.Error(t, torch.Try(func() error { vision.MakeGrid(torch.Zeros(torch.Shape{2, 3, 4, 4}), options); return nil }))
	}
	for _, shape := range [][]int64{{}, {3}, {0, 3, 4, 4}, {1, 1, 1, 1, 1}} {
		err := torch.Try(func() error { vision.MakeGrid(torch.Zeros(shape), vision.GridOptions{}); return nil })
		assert.ErrorIs(t, err, torch.ErrInvalid, "%v", shape)
	}
}
