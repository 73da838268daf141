package numpy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/elements"
)

const (
	magic = "\x93NUMPY"
	// longestHeader is far more than any shape needs; NumPy's own limit is 10,000 characters.
	longestHeader = 1 << 16
	// alignment is the multiple to which NumPy pads headers.
	alignment = 64
)

// A header precedes an array's elements.
type header struct {
	dtype torch.DType
	order binary.ByteOrder
	// columns says that the elements are in Fortran order: the first dimension varies fastest.
	columns bool
	shape   []int64
}

// types are NumPy's names of element types, without byte order.
var types = map[string]torch.DType{
	"b1": torch.Bool, "u1": torch.Uint8, "u2": torch.Uint16, "u4": torch.Uint32, "u8": torch.Uint64, "i1": torch.Int8, "i2": torch.Int16, "i4": torch.Int32, "i8": torch.Int64,
	"f2": torch.Float16, "f4": torch.Float32, "f8": torch.Float64, "c8": torch.Complex64, "c16": torch.Complex128,
}

func typeOf(dtype torch.DType) string {
	for name, known := range types {
		if known == dtype {
			return name
		}
	}
	return ""
}

func readHeader(r io.Reader) (*header, error) {
	start := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:len(magic)]) != magic {
		return nil, errors.New("it is no .npy file")
	}
	width := 2 // size of the header's length, in version 1
	switch version := start[len(magic)]; version {
	case 1:
	case 2, 3:
		width = 4
	default:
		return nil, fmt.Errorf("its version is %d, known is up to 3", version)
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return nil, errors.New("its header ends too soon")
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size > longestHeader {
		return nil, fmt.Errorf("its header claims %d bytes, the limit is %d", size, longestHeader)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, errors.New("its header ends too soon")
	}
	h, err := parseHeader(string(text))
	if kind := (*unreadable)(nil); errors.As(err, &kind) {
		return nil, kind
	}
	if err != nil {
		return nil, fmt.Errorf("its header is damaged: %w", err)
	}
	return h, nil
}

// An unreadable array is intact, and of elements that no tensor has.
type unreadable struct{ what string }

func (u *unreadable) Error() string { return "it is an array of " + u.what }

// parseHeader parses a Python dict of three entries, in any order:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
func parseHeader(text string) (*header, error) {
	p := &parser{text}
	h := &header{}
	seen := map[string]bool{}
	if !p.take("{") {
		return nil, errors.New("it is no dict")
	}
	for !p.take("}") {
		key, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fmt.Errorf("it has %q twice", key)
		}
		seen[key] = true
		if !p.take(":") {
			return nil, fmt.Errorf("%q has no value", key)
		}
		if err := h.set(key, p); err != nil {
			return nil, err
		}
		if !p.take(",") {
			if !p.take("}") {
				return nil, errors.New("its dict does not end")
			}
			break
		}
	}
	if !p.atEnd() {
		return nil, errors.New("something follows its dict")
	}
	if len(seen) != 3 {
		return nil, errors.New("it lacks descr, fortran_order or shape")
	}
	if _, ok := elements.Count(h.shape, h.dtype.ItemSize()); !ok {
		return nil, fmt.Errorf("there can be no array of shape %v", h.shape)
	}
	return h, nil
}

func (h *header) set(key string, p *parser) error {
	switch key {
	case "descr":
		return h.setType(p)
	case "fortran_order":
		switch {
		case p.take("True"):
			h.columns = true
		case !p.take("False"):
			return errors.New("fortran_order is neither True nor False")
		}
		return nil
	case "shape":
		var err error
		h.shape, err = p.tuple()
		return err
	}
	return fmt.Errorf("it has the unknown key %q", key)
}

func (h *header) setType(p *parser) error {
	if strings.HasPrefix(strings.TrimLeft(p.rest, " "), "[") {
		return &unreadable{"records of several fields, which no tensor has"}
	}
	name, err := p.quoted()
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("its type has no name")
	}
	h.order = binary.LittleEndian
	switch name[0] {
	case '>':
		h.order = binary.BigEndian
	case '<', '|', '=':
	default:
		return fmt.Errorf("its type %q does not say its order of bytes", name)
	}
	dtype, ok := types[name[1:]]
	if !ok {
		return unreadableType(name)
	}
	h.dtype = dtype
	return nil
}

// unreadableType returns the error for elements that no tensor has.
func unreadableType(name string) error {
	kind, _ := utf8.DecodeRuneInString(name[1:])
	switch kind {
	case 'O':
		return &unreadable{"Python objects, which are not read: they could run code"}
	case 'U', 'S', 'a':
		return &unreadable{fmt.Sprintf("text (%s), which no tensor holds", name)}
	case 'M', 'm':
		return &unreadable{fmt.Sprintf("dates or times (%s): save them as int64, with .astype('int64')", name)}
	case 'V':
		return &unreadable{fmt.Sprintf("raw bytes (%s), as NumPy writes types that it does not know: save bfloat16 and "+
			"float8 by safetensors", name)}
	default:
		return &unreadable{fmt.Sprintf("the type %q, which has no counterpart among the dtypes", name)}
	}
}

// A parser parses the Python syntax that occurs in headers.
type parser struct{ rest string }

func (p *parser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *parser) atEnd() bool {
	p.skipSpace()
	return p.rest == ""
}

// take consumes a word if it comes next.
func (p *parser) take(word string) bool {
	p.skipSpace()
	rest, found := strings.CutPrefix(p.rest, word)
	p.rest = rest
	return found
}

func (p *parser) quoted() (string, error) {
	for _, quote := range []string{"'", `"`} {
		if p.take(quote) {
			text, rest, found := strings.Cut(p.rest, quote)
			if !found || strings.Contains(text, `\`) {
				break
			}
			p.rest = rest
			return text, nil
		}
	}
	return "", errors.New("it lacks a quoted text")
}

func (p *parser) tuple() ([]int64, error) {
	if !p.take("(") {
		return nil, errors.New("its shape is no tuple")
	}
	shape := []int64{}
	for !p.take(")") {
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		size, err := strconv.ParseInt(p.rest[:digits], 10, 64)
		if err != nil {
			return nil, errors.New("its shape is not made of sizes")
		}
		p.rest = p.rest[digits:]
		p.take("L") // suffix of Python 2's long integers
		shape = append(shape, size)
		if !p.take(",") {
			if !p.take(")") {
				return nil, errors.New("its shape does not end")
			}
			break
		}
	}
	return shape, nil
}

// bytes returns a header of version 1, as NumPy writes it.
func (h *header) bytes() ([]byte, error) {
	order := "<"
	if h.dtype.ItemSize() == 1 {
		order = "|"
	}
	sizes := make([]string, len(h.shape))
	for i, size := range h.shape {
		sizes[i] = strconv.FormatInt(size, 10)
	}
	shape := strings.Join(sizes, ", ")
	if len(h.shape) == 1 {
		shape += ","
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, typeOf(h.dtype), shape)
	begin := len(magic) + 4
	padding := -(begin + len(text) + 1) & (alignment - 1)
	text += strings.Repeat(" ", padding) + "\n"
	if len(text) > 1<<16-1 {
		return nil, fmt.Errorf("the shape has %d dimensions, which the format has no room for", len(h.shape))
	}
	length := binary.LittleEndian.AppendUint16(nil, uint16(len(text)))
	return slices.Concat([]byte(magic), []byte{1, 0}, length, []byte(text)), nil
}
