package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/imageio/internal/cpicture"
)

func TestLoadErrors(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	jpeg, err := os.ReadFile("testdata/photo_420.jpg")
	require.NoError(t, err)
	missing := filepath.Join(folder, "missing.png")
	text := write("text.jpg", []byte("This is no picture at all."))
	empty := write("empty.png", nil)
	cut := write("cut.jpg", jpeg[:len(jpeg)*2/3])

	tooEarly := "the JPEG data ends too early"
	if cpicture.JPEGLibrary() == "" {
		tooEarly = "invalid JPEG format: short Huffman data"
	}
	for _, test := range []struct {
		path, says string
		is         error
	}{
		{missing, "imageio: open " + missing + ": no such file or directory", fs.ErrNotExist},
		{folder, "imageio: " + folder + " is a folder, not a picture", nil},
		{text, "imageio: " + text + ": not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO)", ErrUnknownFormat},
		{empty, "imageio: " + empty + ": not a picture in a known format (PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, TGA, ICO): there is no data", ErrUnknownFormat},
		{cut, "imageio: " + cut + ": the picture is damaged, cut short or of an unsupported kind: " + tooEarly, ErrCorrupt},
	} {
		_, err := Load(test.path, Options{})
		require.EqualError(t, err, test.says)
		if test.is != nil {
			assert.ErrorIs(t, err, test.is)
		}
		_, err = LoadStored(test.path, Options{})
		require.EqualError(t, err, test.says)
	}
}

// A file of any format that is cut off anywhere is an error, never half a
// picture.
func TestTruncatedFiles(t *testing.T) {
	for _, name := range []string{
		"rgb.png", "palette_4bit.png", "photo_420.jpg", "sharp_progressive.jpg", "cmyk.jpg", "palette.gif", "lossless.webp",
		"lossy.webp", "lossy_alpha.webp", "animation_alpha.webp", "rgb.bmp", "rgb.tif", "lzw.tif",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		for _, part := range []float64{0.05, 0.3, 0.5, 0.8} {
			_, err := Decode(bytes.NewReader(data[:int(part*float64(len(data)))]), Options{})
			require.ErrorIs(t, err, ErrCorrupt, "%s cut at %v", name, part)
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestPixelLimit(t *testing.T) {
	// The header of a PNG that claims 50,000 by 50,000 pixels, and no more.
	header := []byte("IHDR\x00\x00\xc3\x50\x00\x00\xc3\x50\x08\x02\x00\x00\x00")
	bomb := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	bomb = binary.BigEndian.AppendUint32(bomb, crc32.ChecksumIEEE(header))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(bytes.NewReader(bomb), Options{})
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, ErrTooManyPixels)
	assert.EqualError(t, err, "imageio: too many pixels: 50000x50000, and the limit is 178956970")
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "the picture must not be decoded")

	data, err := os.ReadFile("testdata/rgb.png") // 67 by 41
	require.NoError(t, err)
	_, err = Decode(bytes.NewReader(data), Options{MaxPixels: 67 * 41})
	assert.NoError(t, err)
	_, err = Decode(bytes.NewReader(data), Options{MaxPixels: 67*41 - 1})
	assert.ErrorIs(t, err, ErrTooManyPixels)
}

func TestReaderErrorsComeThrough(t *testing.T) {
	broken := errors.New("the line is dead")
	_, err := Decode(io.MultiReader(strings.NewReader("\x89PNG\r\n\x1a\n abc"), failingReader{broken}), Options{})
	assert.ErrorIs(t, err, broken)
	_, err = Decode(failingReader{broken}, Options{})
	assert.ErrorIs(t, err, broken)
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestBackground(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	img.SetNRGBA(1, 0, color.NRGBA{200, 100, 0, 128})
	img.SetNRGBA(2, 0, color.NRGBA{1, 2, 3, 255})
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, img))

	white, err := Decode(bytes.NewReader(file.Bytes()), Options{})
	require.NoError(t, err)
	assert.Equal(t, []uint8{255, 255, 255, 227, 177, 127, 1, 2, 3}, white.Pix)
	blue, err := Decode(bytes.NewReader(file.Bytes()), Options{Background: color.RGBA{0, 0, 200, 255}})
	require.NoError(t, err)
	assert.Equal(t, []uint8{0, 0, 200, 100, 50, 100, 1, 2, 3}, blue.Pix)
}

func TestOrientation(t *testing.T) {
	// All eight are the same picture; only its edges are blurred by JPEG.
	upright, err := Load("testdata/orientation_1.jpg", Options{})
	require.NoError(t, err)
	sideways, err := Load("testdata/orientation_6.jpg", Options{})
	require.NoError(t, err)
	assert.Equal(t, [2]int{32, 48}, [2]int{sideways.Width, sideways.Height})
	ignored, err := Load("testdata/orientation_6.jpg", Options{IgnoreOrientation: true})
	require.NoError(t, err)
	assert.Equal(t, upright, ignored)

	small := &RGB{Pix: []uint8{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6}, Width: 3, Height: 2}
	for orientation, want := range map[int][]uint8{
		0: {1, 2, 3, 4, 5, 6}, 1: {1, 2, 3, 4, 5, 6}, 2: {3, 2, 1, 6, 5, 4}, 3: {6, 5, 4, 3, 2, 1}, 4: {4, 5, 6, 1, 2, 3},
		5: {1, 4, 2, 5, 3, 6}, 6: {4, 1, 5, 2, 6, 3}, 7: {6, 3, 5, 2, 4, 1}, 8: {3, 6, 2, 5, 1, 4}, 9: {1, 2, 3, 4, 5, 6},
	} {
		var got []uint8
		turned := orient(small, orientation)
		for i := 0; i < len(turned.Pix); i += 3 {
			got = append(got, turned.Pix[i])
		}
		assert.Equal(t, want, got, "orientation %d", orientation)
	}
}

func TestOrientationOfDamagedData(t *testing.T) {
	for _, data := range []string{
		"", "II*\x00", "II*\x00\xff\xff\xff\xff", "II*\x00\x08\x00\x00\x00\x05\x00", "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x63\x00\x00",
	} {
		assert.Equal(t, 1, tiffOrientation([]byte(data)), "%q", data)
	}
	assert.Equal(t, 8, tiffOrientation([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00")))
	assert.Nil(t, jpegExif([]byte("\xff\xd8\xff\xe1\xff\xffExif")))
	assert.Nil(t, pngChunk([]byte("\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIfabcd"), "eXIf"))
	assert.Nil(t, webpChunk([]byte("RIFF\x00\x00\x00\x00WEBPEXIF\xff\xff\xff\xffabcd"), "EXIF"))
}

// Whatever type a picture has in memory, its colors stay.
func TestFromImage(t *testing.T) {
	bounds := image.Rect(3, 5, 40, 31)
	source := image.NewNRGBA(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			source.SetNRGBA(x, y, color.NRGBA{uint8(x * 6), uint8(y * 8), uint8(x ^ y), 255})
		}
	}
	want := fromImage(source, nil)
	require.Equal(t, []uint8{18, 40, 6}, want.Pix[:3])
	for _, other := range []interface {
		image.Image
		Set(x, y int, c color.Color)
	}{
		image.NewRGBA(bounds), image.NewNRGBA64(bounds), image.NewRGBA64(bounds),
	} {
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				other.Set(x, y, source.At(x, y))
			}
		}
		assert.Equal(t, want, fromImage(other, nil), "%T", other)
	}
	part := fromImage(source.SubImage(image.Rect(10, 10, 20, 20)), nil)
	assert.Equal(t, []uint8{60, 80, 0}, part.Pix[:3])
	assert.Same(t, want, fromImage(want, nil))

	ycbcr := image.NewYCbCr(image.Rect(0, 0, 9, 7), image.YCbCrSubsampleRatio420)
	for i := range ycbcr.Y {
		ycbcr.Y[i] = 100
	}
	for i := range ycbcr.Cb {
		ycbcr.Cb[i], ycbcr.Cr[i] = 128, 128
	}
	for _, img := range []image.Image{ycbcr, ycbcr.SubImage(image.Rect(2, 3, 8, 6))} {
		for _, level := range fromImage(img, nil).Pix {
			require.Equal(t, uint8(100), level)
		}
	}
}

func TestRGBIsAnImage(t *testing.T) {
	p := NewRGB(4, 3)
	p.Set(1, 2, color.RGBA{10, 20, 30, 255})
	p.Set(-1, 0, color.White)
	p.Set(4, 0, color.White)
	assert.Equal(t, color.RGBA{10, 20, 30, 255}, p.At(1, 2))
	assert.Equal(t, color.RGBA{A: 255}, p.At(9, 9))
	assert.Equal(t, image.Rect(0, 0, 4, 3), p.Bounds())
	assert.True(t, p.Opaque())
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, p))
	back, err := Decode(&out, Options{})
	require.NoError(t, err)
	assert.Equal(t, p, back)
}

func TestUnusualSizes(t *testing.T) {
	for _, name := range []string{"one_pixel.png", "long.png"} {
		path := filepath.Join("testdata", name)
		picture, err := Load(path, Options{})
		require.NoError(t, err)
		square, err := FitSquare(picture, 224, Bicubic)
		require.NoError(t, err)
		assert.Equal(t, image.Rect(0, 0, 224, 224), square.Bounds())
		stored, err := LoadStored(path, Options{})
		require.NoError(t, err)
		square, err = stored.FitSquare(224, Bicubic)
		require.NoError(t, err)
		assert.Equal(t, image.Rect(0, 0, 224, 224), square.Bounds())
		for _, size := range []int{0, -1, 1 << 20} {
			_, err = FitSquare(picture, size, Bicubic)
			assert.ErrorIs(t, err, ErrSize)
			_, err = stored.FitSquare(size, Bicubic)
			assert.ErrorIs(t, err, ErrSize)
		}
	}
	for _, empty := range []*RGB{nil, {}, {Width: 2, Height: 2}} {
		_, err := FitSquare(empty, 8, Bicubic)
		assert.ErrorIs(t, err, ErrSize)
	}
	for _, img := range []image.Image{nil, image.NewGray(image.Rect(0, 0, 0, 5)), &RGB{Width: 2, Height: 2}, (*image.RGBA)(nil), (*RGB)(nil)} {
		for name, use := range uses {
			assert.ErrorIs(t, use(img), ErrSize, name)
		}
	}
}

// uses are the functions that take any picture.
var uses = map[string]func(image.Image) error{
	"StoredImage": func(img image.Image) error { _, err := StoredImage(img); return err },
	"FromImage":   func(img image.Image) error { _, err := FromImage(img, nil); return err },
	"ToNRGBA":     func(img image.Image) error { _, err := ToNRGBA(img); return err },
	"ToGray":      func(img image.Image) error { _, err := ToGray(img, nil); return err },
	"EncodePNG":   func(img image.Image) error { return EncodePNG(io.Discard, img) },
}

// TestPicturesWithoutEnd are refused before anything is allocated for them; a part of one is a picture.
func TestPicturesWithoutEnd(t *testing.T) {
	uniform := image.NewUniform(color.Black)
	folder := t.TempDir()
	uses := maps.Clone(uses)
	for _, name := range []string{"a.png", "a.jpg", "a.webp"} {
		uses[name] = func(img image.Image) error { return Save(filepath.Join(folder, name), img) }
	}
	for name, use := range uses {
		err := use(uniform)
		assert.ErrorIs(t, err, ErrTooManyPixels, name)
		assert.ErrorContains(t, err, "*image.Uniform of 2000000000x2000000000", name)
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A failing picture has a method that panics, far enough down that another goroutine converts it.
type failing struct{ image.Rectangle }

func (f failing) ColorModel() color.Model { return color.RGBAModel }
func (f failing) Bounds() image.Rectangle { return f.Rectangle }
func (f failing) At(x, y int) color.Color {
	if y > 900 {
		panic("no such row")
	}
	return color.White
}

func TestPicturesWhoseMethodsFail(t *testing.T) {
	for _, name := range []string{"FromImage", "ToNRGBA", "ToGray"} {
		err := uses[name](failing{image.Rect(0, 0, 1000, 1000)})
		assert.ErrorIs(t, err, ErrCorrupt)
		assert.ErrorContains(t, err, "no such row")
	}
}

func TestNilStreams(t *testing.T) {
	assert.ErrorContains(t, EncodePNG(nil, NewRGB(1, 1)), "the writer is nil")
	_, err := Decode(nil, Options{})
	assert.ErrorContains(t, err, "the reader is nil")
	_, err = DecodeStored(nil, Options{})
	assert.ErrorContains(t, err, "the reader is nil")
}

// In memory or from a file, a picture in its own mode gives the same.
func TestStoredFromMemory(t *testing.T) {
	for _, name := range []string{"rgb.png", "rgba.png", "palette_transparent.png", "gray.png"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		inMemory, err := StoredImage(img)
		require.NoError(t, err)
		fromFile, err := DecodeStored(bytes.NewReader(data), Options{})
		require.NoError(t, err)
		want, err := fromFile.FitSquare(20, Bicubic)
		require.NoError(t, err)
		got, err := inMemory.FitSquare(20, Bicubic)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
}

func TestCHW(t *testing.T) {
	p := noise(7, 5)
	values, err := ToCHW(p, [3]float32{}, [3]float32{})
	require.NoError(t, err)
	require.Len(t, values, 3*7*5)
	assert.Equal(t, float32(p.Pix[1])/255, values[35])
	back, err := FromCHW(values, 7, 5)
	require.NoError(t, err)
	assert.Equal(t, p, back)

	both, err := AppendCHW(slices.Clone(values), p, [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5})
	require.NoError(t, err)
	require.Len(t, both, 2*len(values))
	assert.Equal(t, values, both[:len(values)])
	assert.Equal(t, (values[0]-0.5)/0.5, both[len(values)])

	nan := float32(0)
	nan /= nan
	got, err := FromCHW([]float32{-3, nan, 0.5, 0.499, 1, 99}, 1, 2)
	require.NoError(t, err)
	assert.Equal(t, []uint8{0, 128, 255, 0, 127, 255}, got.Pix)
	_, err = FromCHW(values, 7, 6)
	assert.EqualError(t, err, "imageio: impossible size: 105 values are no 7x6 picture of three channels")
	_, err = FromCHW(nil, 0, 0)
	assert.ErrorIs(t, err, ErrSize)
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	require.NoError(f, err)
	more, err := filepath.Glob("testdata/formats/*.*")
	require.NoError(f, err)
	files = append(files, more...)
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil && len(data) < 5000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		options := Options{MaxPixels: 1 << 16}
		p, err := Decode(bytes.NewReader(data), options)
		stored, exactErr := DecodeStored(bytes.NewReader(data), options)
		assert.Equal(t, err == nil, exactErr == nil, "%v, %v", err, exactErr)
		if err != nil {
			return
		}
		_, err = stored.FitSquare(16, Bicubic)
		require.NoError(t, err)
		require.NoError(t, p.check())
		require.LessOrEqual(t, p.Width*p.Height, 1<<16)
	})
}

// endless is the start of a picture and then zeros without end.
type endless struct {
	start []byte
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.start[min(e.read, len(e.start)):])
	clear(p[n:])
	e.read += len(p)
	return len(p), nil
}

// TestByteLimit: a stream without an end is read to the limit only, and a file that is too large not at all.
func TestByteLimit(t *testing.T) {
	stream := &endless{start: []byte("\x89PNG\r\n\x1a\n")}
	_, err := Decode(stream, Options{MaxBytes: 1 << 20})
	assert.ErrorIs(t, err, ErrTooManyBytes)
	assert.LessOrEqual(t, stream.read, 1<<20+1)

	stream = &endless{start: []byte("\x89PNG\r\n\x1a\n")}
	_, err = DecodeStored(stream, Options{})
	assert.EqualError(t, err, "imageio: too many bytes: the limit for a stream is 268435456")

	path := filepath.Join(t.TempDir(), "a.png")
	require.NoError(t, os.WriteFile(path, []byte("\x89PNG\r\n\x1a\n"), 0o600))
	require.NoError(t, os.Truncate(path, 1<<40)) // takes no room on the disk
	_, err = Load(path, Options{})
	assert.ErrorIs(t, err, ErrTooManyBytes)
	assert.ErrorContains(t, err, "1099511627776, and the limit is 2147483648")

	data, err := os.ReadFile(filepath.Join("testdata", "photo_420.jpg"))
	require.NoError(t, err)
	for _, limit := range []int{len(data), len(data) - 1, 3} {
		for _, source := range []io.Reader{bytes.NewReader(data), struct{ io.Reader }{bytes.NewReader(data)}} {
			_, err = Decode(source, Options{MaxBytes: int64(limit)})
			if limit == len(data) {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, ErrTooManyBytes)
			}
		}
	}
}
