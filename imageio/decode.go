package imageio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Options say how a picture is decoded. The zero value is valid.
type Options struct {
	// Background is the color under transparent parts; nil is white.
	Background color.Color
	// MaxPixels is the limit on width times height, which is checked before the pixels are decoded;
	// 0 means [DefaultMaxPixels].
	MaxPixels int64
	// IgnoreOrientation leaves the picture as it is stored. Else it is turned as its EXIF data says.
	IgnoreOrientation bool
}

func (o Options) maxPixels() int64 {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return DefaultMaxPixels
}

// Load reads a picture file; of an animation, its first picture. Errors name the path, and wrap
// [ErrUnknownFormat], [ErrCorrupt], [ErrTooManyPixels] or an error of package os.
func Load(path string, opts Options) (*RGB, error) {
	var p *RGB
	err := withFile(path, func(r io.Reader) (err error) {
		p, err = decode(r, opts)
		return err
	})
	return p, err
}

// Decode is [Load] from a stream.
func Decode(r io.Reader, opts Options) (*RGB, error) {
	p, err := decode(r, opts)
	if err != nil {
		return nil, fmt.Errorf("imageio: %w", err)
	}
	return p, nil
}

func decode(r io.Reader, opts Options) (*RGB, error) {
	d, err := decodeStored(r, opts.maxPixels(), false)
	if err != nil {
		return nil, err
	}
	p := d.rgb(newBackdrop(opts.Background))
	if !opts.IgnoreOrientation {
		p = orient(p, d.orientation)
	}
	return p, nil
}

// withFile opens a picture file for read, and puts the path into its error.
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

// pngHeader is what of a PNG's header the decoded picture does not show.
type pngHeader struct{ depth, colorType uint8 }

// The color types of PNG.
const (
	pngGray      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGrayAlpha = 4
)

// rgb converts to RGB, not turned.
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
	return FromImage(d.image, color.NRGBA{over[0], over[1], over[2], 255})
}

// format is a picture format.
type format struct {
	name, title  string
	magic        string // "?" stands for any byte
	decodeConfig func(io.Reader) (image.Config, error)
	decode       func(io.Reader) (image.Image, error)
}

var formats = []format{
	{"png", "PNG", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"jpeg", "JPEG", "\xff\xd8", jpeg.DecodeConfig, jpeg.Decode},
	{"gif", "GIF", "GIF8", gif.DecodeConfig, gif.Decode},
	{"webp", "WebP", "RIFF????WEBP", webp.DecodeConfig, webp.Decode},
	{"bmp", "BMP", "BM", bmp.DecodeConfig, bmp.Decode},
	{"tiff", "TIFF", "II*\x00", tiff.DecodeConfig, tiff.Decode},
	{"tiff", "TIFF", "MM\x00*", tiff.DecodeConfig, tiff.Decode},
}

// formatOf tells the format by the first bytes; nil if it is none.
func formatOf(start []byte) *format {
next:
	for i := range formats {
		magic := formats[i].magic
		if len(start) < len(magic) {
			continue
		}
		for j := range len(magic) {
			if magic[j] != '?' && magic[j] != start[j] {
				continue next
			}
		}
		return &formats[i]
	}
	return nil
}

// decodeStored reads a picture, and refuses one with more pixels than the limit
// before it decodes it. Colors of transparent parts matter to whoever leaves
// the alpha out: with keepColors they are there.
func decodeStored(r io.Reader, maxPixels int64, keepColors bool) (*Stored, error) {
	const longestMagic = 12
	buffered := bufio.NewReader(r)
	start, err := buffered.Peek(longestMagic)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(start) == 0 {
		return nil, fmt.Errorf("%w: there is no data", ErrUnknownFormat)
	}
	format := formatOf(start)
	if format == nil {
		return nil, ErrUnknownFormat
	}
	data, err := io.ReadAll(buffered)
	if err != nil {
		return nil, err
	}
	corrupt := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: the %s data ends too early", ErrCorrupt, format.title)
		}
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}

	if keepColors && format.name == "gif" {
		data = withoutGIFTransparency(data)
	}
	if format.name == "webp" && uint64(len(data)) < 8+uint64(binary.LittleEndian.Uint32(data[4:])) {
		return nil, corrupt(io.ErrUnexpectedEOF)
	}
	orientation := orientationOf(format.name, data)
	first, data := firstFrame(format.name, data)
	var config image.Config
	if err := guard(func() (err error) {
		config, err = format.decodeConfig(bytes.NewReader(data))
		return err
	}); err != nil {
		return nil, corrupt(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, fmt.Errorf("%w: its size is %dx%d", ErrCorrupt, config.Width, config.Height)
	}
	for _, size := range []image.Point{{config.Width, config.Height}, first.canvas} {
		if int64(size.X)*int64(size.Y) > maxPixels {
			return nil, fmt.Errorf("%w: %dx%d, and the limit is %d", ErrTooManyPixels, size.X, size.Y, maxPixels)
		}
	}

	d := &Stored{format: format.name, frame: first, orientation: orientation}
	if format.name == "png" {
		// The header has just been read, so it is there.
		d.png = pngHeader{depth: data[24], colorType: data[25]}
	}
	if err := guard(func() (err error) {
		d.image, err = format.decode(bytes.NewReader(data))
		return err
	}); err != nil {
		return nil, corrupt(err)
	}
	bounds := d.image.Bounds()
	if bounds.Empty() {
		return nil, fmt.Errorf("%w: it has no pixels", ErrCorrupt)
	}
	if format.name == "gif" {
		d.frame = frame{canvas: image.Pt(config.Width, config.Height), at: bounds.Min}
	}
	placed := image.Rectangle{Min: d.frame.at, Max: d.frame.at.Add(bounds.Size())}
	if c := d.frame.canvas; c != (image.Point{}) && !placed.In(image.Rectangle{Max: c}) {
		return nil, fmt.Errorf("%w: its frame is not within its canvas", ErrCorrupt)
	}
	return d, nil
}

// guard turns a decoder's panic over strange data into an error.
func guard(decode func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the decoder failed: %v", reason)
		}
	}()
	return decode()
}
