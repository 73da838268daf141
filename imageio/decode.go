package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

// Options say how an image is decoded. The zero value is valid.
type Options struct {
	// Background is the color behind transparent pixels. nil means white.
	Background color.Color
	// MaxPixels is the largest allowed width times height, which is checked before decoding. 0
	// means [DefaultMaxPixels].
	MaxPixels int64
	// MaxBytes is the largest allowed size of the encoded image. 0 means [DefaultMaxBytes], or
	// [DefaultMaxStreamBytes] for a stream whose length is not known.
	MaxBytes int64
	// IgnoreOrientation returns the image as it is stored. Otherwise it is turned upright according
	// to its EXIF data.
	IgnoreOrientation bool
	// AtLeast allows the decoder to reduce a large image to a half, a quarter or an eighth while
	// decoding, which is much faster, as long as the result is at least AtLeast.X wide and
	// AtLeast.Y high; 0 means no bound for that side. The pixels are those of Pillow's
	// Image.draft("RGB", size). It applies to JPEG decoded by libjpeg-turbo (see [Decoders]); other
	// images are not reduced. With the zero value none is.
	AtLeast image.Point
}

func (o Options) maxPixels() int64 {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return DefaultMaxPixels
}

func (o Options) maxBytes(known bool) int64 {
	switch {
	case o.MaxBytes > 0:
		return o.MaxBytes
	case known:
		return DefaultMaxBytes
	}
	return DefaultMaxStreamBytes
}

// Load reads an image file; of an animation, the first frame. Errors contain the path, and wrap
// [ErrUnknownFormat], [ErrCorrupt], [ErrTooManyPixels], [ErrTooManyBytes], [ErrArgument] or an error
// of package os.
func Load(path string, options Options) (*RGB, error) {
	var p *RGB
	err := withFile(path, func(r io.Reader) (err error) {
		p, err = decode(r, options)
		return err
	})
	return p, err
}

// Decode is [Load] from a stream.
func Decode(r io.Reader, options Options) (*RGB, error) {
	p, err := decode(r, options)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return p, nil
}

func decode(r io.Reader, options Options) (*RGB, error) {
	d, err := decodeStored(r, options, false)
	if err != nil {
		return nil, err
	}
	p := d.rgb(newBackdrop(options.Background))
	if !options.IgnoreOrientation {
		p = orient(p, d.orientation)
	}
	return p, nil
}

// withFile opens an image file for read, and adds the path to its error.
func withFile(path string, read func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("imageio: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("imageio: %w", err)
	}
	if info.IsDir() {
		return fmt.Errorf("imageio: %s is a folder, not a picture", path)
	}
	if err := read(file); err != nil {
		return fmt.Errorf("imageio: %s: %w", path, err)
	}
	return nil
}

// rgb converts to RGB without turning the image.
func (d *Stored) rgb(over backdrop) *RGB {
	p := d.frameRGB(over)
	if d.frame.fills(p.Width, p.Height) {
		return p
	}
	whole := NewRGB(d.frame.canvas.X, d.frame.canvas.Y)
	for i := range whole.Pix {
		whole.Pix[i] = over[i%3]
	}
	for y := range p.Height {
		copy(whole.Pix[3*((d.frame.at.Y+y)*whole.Width+d.frame.at.X):], p.Pix[3*y*p.Width:3*(y+1)*p.Width])
	}
	return whole
}

func (d *Stored) frameRGB(over backdrop) *RGB {
	if d.format == "webp" {
		switch img := d.image.(type) {
		case *image.YCbCr:
			return fromWebP(img, nil, 0, over)
		case *image.NYCbCrA:
			return fromWebP(&img.YCbCr, img.A, img.AStride, over)
		}
	}
	return fromImage(d.image, color.NRGBA{over[0], over[1], over[2], 255})
}

// decodeStored decodes an image, and refuses one with more pixels than allowed before decoding it.
// keepColors keeps the colors of transparent pixels, for callers that drop the alpha.
func decodeStored(r io.Reader, options Options, keepColors bool) (*Stored, error) {
	if err := checkReader(r); err != nil {
		return nil, err
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	start := make([]byte, longestStart)
	n, err := io.ReadFull(r, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	start = start[:n]
	if len(start) == 0 {
		return nil, fmt.Errorf("%w: there is no data", ErrUnknownFormat)
	}
	format := formatOf(start)
	if format == nil {
		return nil, unknownFormat(start)
	}
	data, err := readRest(start, r, options)
	if err != nil {
		return nil, err
	}
	d, err := decodeFormat(format, data, options, keepColors)
	if err == nil || errors.Is(err, ErrTooManyPixels) {
		return d, err
	}
	for _, early := range []error{io.EOF, io.ErrUnexpectedEOF, cpicture.ErrTruncated} {
		if errors.Is(err, early) {
			return nil, fmt.Errorf("%w: the %s data ends too early", ErrCorrupt, format.title)
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// readRest reads what follows start, into memory of the right size if the size is known.
func readRest(start []byte, r io.Reader, options Options) ([]byte, error) {
	const most = 64 << 20 // a file may claim to be larger than memory
	size, known := sizeOf(r, start)
	limit := options.maxBytes(known)
	if size > limit {
		return nil, fmt.Errorf("%w: %d, and the limit is %d", ErrTooManyBytes, size, limit)
	}
	var data bytes.Buffer
	data.Grow(int(min(size, most)) + bytes.MinRead)
	data.Write(start)
	if _, err := data.ReadFrom(io.LimitReader(r, max(0, limit+1-int64(len(start))))); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%w: the limit for a stream is %d", ErrTooManyBytes, limit)
	}
	return data.Bytes(), nil
}

// sizeOf returns the number of bytes of a source from which start was read, if that is known.
func sizeOf(r io.Reader, start []byte) (size int64, known bool) {
	switch r := r.(type) {
	case *os.File:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size(), true
		}
	case interface{ Len() int }:
		return int64(r.Len()) + int64(len(start)), true
	}
	return 0, false
}

// decodeFormat is decodeStored for data of a known format. Its errors do not wrap ErrCorrupt yet.
func decodeFormat(format *format, data []byte, options Options, keepColors bool) (*Stored, error) {
	if keepColors && format.name == "gif" {
		data = withoutGIFTransparency(data)
	}
	if format.name == "png" {
		data = withPNGEnd(data)
	}
	if format.name == "webp" && uint64(len(data)) < 8+uint64(binary.LittleEndian.Uint32(data[4:])) {
		return nil, io.ErrUnexpectedEOF
	}
	orientation := orientationOf(format.name, data)
	first, data := firstFrame(format.name, data)
	var header image.Point
	if err := guard(func() (err error) {
		header, err = format.size(data)
		return err
	}); err != nil {
		return nil, err
	}
	if header.X <= 0 || header.Y <= 0 {
		return nil, fmt.Errorf("its size is %dx%d", header.X, header.Y)
	}
	for _, size := range []image.Point{header, first.canvas} {
		if limit := options.maxPixels(); int64(size.X) > limit || int64(size.Y) > limit || int64(size.X)*int64(size.Y) > limit {
			return nil, fmt.Errorf("%w: %dx%d, and the limit is %d", ErrTooManyPixels, size.X, size.Y, limit)
		}
	}

	d := &Stored{format: format.name, frame: first, orientation: orientation, atLeast: options.AtLeast}
	if sideways := orientation >= 5; sideways && !keepColors && !options.IgnoreOrientation {
		d.atLeast = image.Pt(options.AtLeast.Y, options.AtLeast.X)
	}
	if err := guard(func() error {
		if err := format.decode(data, d); err != nil {
			return err
		}
		if format.name == "tiff" && keepColors {
			// TIFF's orientation is not EXIF: Pillow turns the image when it opens it.
			d.image, d.orientation = orientImage(d.image, orientation), 1
		}
		return nil
	}); err != nil {
		return nil, err
	}
	bounds := d.image.Bounds()
	if bounds.Empty() {
		return nil, errors.New("it has no pixels")
	}
	if format.name == "gif" {
		d.frame = frame{canvas: header, at: bounds.Min}
	}
	placed := image.Rectangle{Min: d.frame.at, Max: d.frame.at.Add(bounds.Size())}
	if c := d.frame.canvas; c != (image.Point{}) && !placed.In(image.Rectangle{Max: c}) {
		return nil, errors.New("its frame is not within its canvas")
	}
	return d, nil
}

// guard turns a decoder's panic into an error.
func guard(decode func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the decoder failed: %v", reason)
		}
	}()
	return decode()
}
