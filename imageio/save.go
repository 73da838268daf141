package imageio

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A Text is a text in a PNG file, such as the prompt that the image was made from.
type Text struct {
	// Keyword is 1 to 79 printable characters of Latin-1, without spaces at the ends or two in a
	// row. "Title", "Description" and "Software" are among those that PNG suggests.
	Keyword string
	// Value is any text.
	Value string
}

// jpegQuality is the quality of JPEG written by Save.
const jpegQuality = 95

// CheckOutputPath checks, before a long run, that [Save] will be able to write to a path: that the
// extension is .png, .jpg, .jpeg or .webp, and that the folder exists and is writable. It leaves no
// file behind. The error wraps [ErrOutputPath].
func CheckOutputPath(path string) error {
	if _, err := encoderFor(path); err != nil {
		return err
	}
	file, err := createBeside(path)
	if err != nil {
		return err
	}
	file.Close()
	return os.Remove(file.Name())
}

// Save writes an image as PNG, JPEG (quality 95) or lossless WebP, by the extension .png, .jpg,
// .jpeg or .webp. Only PNG stores texts. The file is replaced only when the new one is complete.
// Errors wrap [ErrOutputPath].
func Save(path string, img image.Image, texts ...Text) error {
	encode, err := encoderFor(path)
	if err != nil {
		return err
	}
	return save(path, func(w io.Writer) error { return encode(w, img, texts) })
}

// SavePNG is [Save] for PNG, whatever the extension.
func SavePNG(path string, img image.Image, texts ...Text) error {
	return save(path, func(w io.Writer) error { return encodePNG(w, img, texts) })
}

// SaveJPEG is [Save] for JPEG, whatever the extension. Transparent parts are composited over white.
// The quality is from 1 to 100.
func SaveJPEG(path string, img image.Image, quality int) error {
	if err := checkQuality(quality); err != nil {
		return err
	}
	return save(path, func(w io.Writer) error { return encodeJPEG(w, img, quality) })
}

type encoder func(w io.Writer, img image.Image, texts []Text) error

func encoderFor(path string) (encoder, error) {
	switch extension := strings.ToLower(filepath.Ext(path)); extension {
	case ".png":
		return encodePNG, nil
	case ".jpg", ".jpeg":
		return func(w io.Writer, img image.Image, _ []Text) error { return encodeJPEG(w, img, jpegQuality) }, nil
	case ".webp":
		return func(w io.Writer, img image.Image, _ []Text) error { return encodeWebP(w, img, losslessWebP) }, nil
	case "":
		return nil, fmt.Errorf("imageio: %w: %s has no extension; use .png, .jpg, .jpeg or .webp", ErrOutputPath, path)
	default:
		return nil, fmt.Errorf("imageio: %w: %s has the extension %s; use .png, .jpg, .jpeg or .webp", ErrOutputPath, path, extension)
	}
}

// EncodePNG writes an image to a stream as PNG. Texts become tEXt chunks, or iTXt chunks if the
// value is not Latin-1. The error is [ErrSize] for an empty image, [ErrText] for an invalid
// keyword, or the writer's.
func EncodePNG(w io.Writer, img image.Image, texts ...Text) error {
	if err := encodePNG(w, img, texts); err != nil {
		return fmt.Errorf("imageio: %w", err)
	}
	return nil
}

func encodePNG(w io.Writer, img image.Image, texts []Text) error {
	if err := cmp.Or(checkWriter(w), checkPicture(img)); err != nil {
		return err
	}
	var chunks []byte
	for _, text := range texts {
		chunk, err := textChunk(text)
		if err != nil {
			return err
		}
		chunks = append(chunks, chunk...)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, standard(img)); err != nil {
		return err
	}
	// Insert texts after the header: 8 bytes of signature, 25 of IHDR.
	const header = 8 + 25
	for _, part := range [][]byte{out.Bytes()[:header], chunks, out.Bytes()[header:]} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func encodeJPEG(w io.Writer, img image.Image, quality int) error {
	if err := checkPicture(img); err != nil {
		return err
	}
	return jpeg.Encode(w, standard(fromImage(img, color.White)), &jpeg.Options{Quality: quality})
}

// standard converts RGB to a type that the standard library encodes fast.
func standard(img image.Image) image.Image {
	p, ok := img.(*RGB)
	if !ok {
		return img
	}
	out := image.NewRGBA(p.Bounds())
	parallelRows(p.Height, 4*p.Width, func(y int) {
		row := out.Pix[y*out.Stride:]
		for x := range p.Width {
			copy(row[4*x:4*x+3], p.Pix[3*(y*p.Width+x):])
			row[4*x+3] = 0xff
		}
	})
	return out
}

// textChunk returns a PNG chunk with a text.
func textChunk(text Text) ([]byte, error) {
	keyword, ok := latin1(text.Keyword)
	if !ok || len(keyword) == 0 || len(keyword) > 79 || strings.Contains(text.Keyword, "  ") ||
		strings.TrimSpace(text.Keyword) != text.Keyword {
		return nil, fmt.Errorf("%w: %q cannot be the keyword of a text in a PNG file", ErrText, text.Keyword)
	}
	kind, body := "tEXt", append(keyword, 0)
	if value, ok := latin1(text.Value); ok {
		body = append(body, value...)
	} else {
		// Not compressed; no language, no translated keyword.
		kind, body = "iTXt", append(body, 0, 0, 0, 0)
		body = append(body, strings.ToValidUTF8(text.Value, string(utf8.RuneError))...)
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, kind...), body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:])), nil
}

// latin1 encodes text in Latin-1; it returns false if text has other characters, or controls other
// than the line feed.
func latin1(text string) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if (r < 0x20 && r != '\n') || (r > 0x7e && r < 0xa0) || r > 0xff {
			return nil, false
		}
		out = append(out, byte(r))
	}
	return out, true
}

// save writes to a temporary file in the same folder and renames it when it is complete.
func save(path string, encode func(io.Writer) error) (err error) {
	file, err := createBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	if err := encode(file); err != nil {
		return fmt.Errorf("imageio: %w to %s: %w", ErrOutputPath, path, err)
	}
	// Temporary files are private; give the image the mode of an ordinary file, or of the one that
	// it replaces.
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := file.Chmod(mode); err != nil {
		return fmt.Errorf("imageio: %w: %w", ErrOutputPath, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("imageio: %w: %w", ErrOutputPath, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("imageio: %w: %w", ErrOutputPath, err)
	}
	return nil
}

// createBeside creates a temporary file in the folder of a path, and explains in plain words why it
// cannot.
func createBeside(path string) (*os.File, error) {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("imageio: %w to %s: "+format, append([]any{ErrOutputPath, path}, args...)...)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fail("it is a folder")
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fail("there is no folder %s", folder)
	case err != nil:
		return nil, fail("%w", err)
	case !info.IsDir():
		return nil, fail("%s is no folder", folder)
	}
	file, err := os.CreateTemp(folder, ".writing-*.tmp")
	if errors.Is(err, os.ErrPermission) {
		return nil, fail("the folder %s is not writable", folder)
	}
	if err != nil {
		return nil, fail("%w", err)
	}
	return file, nil
}

func checkQuality(quality int) error {
	if quality < 1 || quality > 100 {
		return fmt.Errorf("the quality is %d, wanted 1 to 100", quality)
	}
	return nil
}
