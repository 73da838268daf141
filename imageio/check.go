package imageio

import (
	"fmt"
	"image"
	"io"
)

// CheckImage returns an error for an image that no function of this package takes: [ErrSize] for nil
// or an empty one, or [ErrTooManyPixels] for one beyond [DefaultMaxPixels] without pixels in memory,
// such as an [image.Uniform].
func CheckImage(img image.Image) error {
	if err := checkPicture(img); err != nil {
		return fmt.Errorf("imageio: %w", err)
	}
	return nil
}

// checkPicture returns an error for an image that is nil, empty or too large. Images that compute
// their pixels may be of any size: [image.Uniform] has 4e18 pixels.
func checkPicture(img image.Image) error {
	if img == nil {
		return errNoPicture
	}
	if p, ok := img.(*RGB); ok {
		return p.check()
	}
	var size image.Point
	if err := guard(func() error { size = img.Bounds().Size(); return nil }); err != nil {
		return fmt.Errorf("%w: a %T without a value is no picture", ErrSize, img)
	}
	switch {
	case size.X <= 0 || size.Y <= 0:
		return errNoPicture
	case hasPixels(img):
		return nil
	case int64(size.X) > DefaultMaxPixels/int64(size.Y):
		return fmt.Errorf("%w: a %T of %dx%d, and the limit is %d; crop it first", ErrTooManyPixels, img, size.X, size.Y, DefaultMaxPixels)
	}
	return nil
}

var errNoPicture = fmt.Errorf("%w: the picture is empty", ErrSize)

// hasPixels reports whether the image is of a type that has its pixels in memory.
func hasPixels(img image.Image) bool {
	switch img.(type) {
	case *image.NRGBA, *image.RGBA, *image.NRGBA64, *image.RGBA64, *image.Gray, *image.Gray16, *image.Alpha, *image.Alpha16,
		*image.CMYK, *image.Paletted, *image.YCbCr, *image.NYCbCrA:
		return true
	}
	return false
}

// converted checks an image and returns what convert makes of it. Panics in the image's methods
// become errors.
func converted[T any](img image.Image, convert func() T) (result T, err error) {
	if err := CheckImage(img); err != nil {
		return result, err
	}
	if err := guard(func() error { result = convert(); return nil }); err != nil {
		return result, fmt.Errorf("imageio: %w: %w", ErrCorrupt, err)
	}
	return result, nil
}

// check returns an error for a filter that is none of the constants.
func (f Filter) check() error {
	if _, known := filterNames[f]; !known {
		return fmt.Errorf("imageio: %w: there is no filter %d", ErrArgument, int(f))
	}
	return nil
}

// check returns an error for a limit that is negative.
func (o Options) check() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"MaxPixels", o.MaxPixels}, {"MaxBytes", o.MaxBytes}, {"AtLeast.X", int64(o.AtLeast.X)}, {"AtLeast.Y", int64(o.AtLeast.Y)},
	} {
		if limit.value < 0 {
			return fmt.Errorf("%w: %s is %d, wanted 0 or more", ErrArgument, limit.name, limit.value)
		}
	}
	return nil
}

func checkWriter(w io.Writer) error {
	if w == nil {
		return fmt.Errorf("%w: the writer is nil", ErrOutputPath)
	}
	return nil
}

func checkReader(r io.Reader) error {
	if r == nil {
		return fmt.Errorf("%w: the reader is nil", ErrArgument)
	}
	return nil
}
