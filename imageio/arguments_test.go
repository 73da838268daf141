package imageio

import (
	"bytes"
	"errors"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestUnusableArguments: each is an error of its kind, and no panic of Go's.
func TestUnusableArguments(t *testing.T) {
	p := noise(7, 5)
	loaded, err := StoredImage(p)
	assert.NoError(t, err)
	read := func(options Options) func() error {
		return func() error { _, err := Load("testdata/README.md", options); return err }
	}
	for name, test := range map[string]struct {
		kind error
		says string
		use  func() error
	}{
		"no filter":          {ErrArgument, "there is no filter 99", func() error { _, err := Resize(p, 3, 3, 99); return err }},
		"negative filter":    {ErrArgument, "there is no filter -1", func() error { _, err := FitSquare(p, 3, -1); return err }},
		"filter of a Stored": {ErrArgument, "there is no filter 99", func() error { _, err := loaded.FitSquare(3, 99); return err }},
		"zero Stored":        {ErrArgument, "was not loaded", func() error { _, err := new(Stored).FitSquare(3, Bicubic); return err }},
		"nil Stored":         {ErrArgument, "was not loaded", func() error { _, err := (*Stored)(nil).SquashSquare(3, Bicubic); return err }},
		"no reader":          {ErrArgument, "the reader is nil", func() error { _, err := Decode(nil, Options{}); return err }},
		"MaxPixels":          {ErrArgument, "MaxPixels is -1, wanted 0 or more", read(Options{MaxPixels: -1})},
		"MaxBytes":           {ErrArgument, "MaxBytes is -2, wanted 0 or more", read(Options{MaxBytes: -2})},
		"AtLeast":            {ErrArgument, "AtLeast.Y is -3, wanted 0 or more", read(Options{AtLeast: image.Pt(0, -3)})},
		"stream": {ErrArgument, "MaxPixels is -1", func() error {
			_, err := DecodeStored(bytes.NewReader(nil), Options{MaxPixels: -1})
			return err
		}},
		"no picture": {ErrSize, "the picture is empty", func() error { _, err := ToCHW(nil, [3]float32{}, [3]float32{}); return err }},
		"inconsistent picture": {ErrSize, "1 bytes are no 2x2", func() error {
			_, err := AppendCHW(nil, &RGB{Pix: []uint8{1}, Width: 2, Height: 2}, [3]float32{}, [3]float32{})
			return err
		}},
	} {
		err := test.use()
		assert.ErrorIs(t, err, test.kind, name)
		assert.ErrorContains(t, err, test.says, name)
		assert.ErrorContains(t, err, "imageio: ", name)
	}
	for _, size := range [][2]int{{-1, 5}, {5, -1}, {1 << 40, 1 << 40}} {
		func() {
			defer func() {
				err, _ := recover().(error)
				assert.True(t, errors.Is(err, ErrSize), "%v", err)
			}()
			NewRGB(size[0], size[1])
		}()
	}
	assert.Empty(t, NewRGB(0, 5).Pix)
}

// TestEachFormOfOtherFormats is named, in each of the forms that programs write.
func TestEachFormOfOtherFormats(t *testing.T) {
	for start, title := range map[string]string{
		"\x0a\x02\x01\x01": "PCX", "\x0a\x05\x01\x08": "PCX", "\x0a\x00\x01\x01": "PCX",
		"\x28\x00\x00\x00\x17\x00\x00\x00\x0e\x00\x00\x00\x01\x00\x18\x00": "DIB, a BMP without its file header,",
		"Image type: L image\r\n": "IFUNC IM",
	} {
		_, err := Decode(bytes.NewReader([]byte(start+"and more bytes of it")), Options{})
		assert.ErrorIs(t, err, ErrUnknownFormat)
		assert.ErrorContains(t, err, title+" is not read")
	}
}
