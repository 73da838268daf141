package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/elements"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

const (
	// longestHeader is the reference implementation's limit, in bytes.
	longestHeader = 100_000_000
	lengthSize    = 8
	metadataKey   = "__metadata__"
)

// An Info describes a tensor in a file.
type Info struct {
	Name  string
	Shape []int64
	// DType is the type of the elements, or [torch.NoDType] if libtorch has no such type.
	DType torch.DType
	// Format is the type's name in the file, such as "BF16".
	Format string
	// Bytes is the size of the tensor in bytes.
	Bytes int64

	part  int
	begin int64
}

// formats are the format's names of element types.
var formats = []struct {
	name  string
	bits  int64
	dtype torch.DType
}{
	{"BOOL", 8, torch.Bool}, {"U8", 8, torch.Uint8}, {"I8", 8, torch.Int8}, {"I16", 16, torch.Int16},
	{"I32", 32, torch.Int32}, {"I64", 64, torch.Int64}, {"F16", 16, torch.Float16}, {"BF16", 16, torch.BFloat16},
	{"F32", 32, torch.Float32}, {"F64", 64, torch.Float64}, {"C64", 64, torch.Complex64},
	{"F4", 4, torch.Float4E2M1FNX2}, {"F6_E2M3", 6, torch.NoDType}, {"F6_E3M2", 6, torch.NoDType},
	{"F8_E5M2", 8, torch.Float8E5M2}, {"F8_E4M3", 8, torch.Float8E4M3FN}, {"F8_E8M0", 8, torch.Float8E8M0FNU},
	{"F8_E4M3FNUZ", 8, torch.Float8E4M3FNUZ}, {"F8_E5M2FNUZ", 8, torch.Float8E5M2FNUZ},
	{"U16", 16, torch.Uint16}, {"U32", 32, torch.Uint32}, {"U64", 64, torch.Uint64},
}

func formatOf(dtype torch.DType) string {
	for _, format := range formats {
		if format.dtype == dtype && dtype != torch.NoDType {
			return format.name
		}
	}
	return ""
}

// A header precedes the tensors in a file.
type header struct {
	tensors  []Info // in the order of their bytes
	metadata map[string]string
	// data is the offset in the file at which tensors begin.
	data int64
}

// readHeader reads and checks a header. size is the file's size in bytes, or -1 if unknown; then
// the end of the tensors is not checked against it.
func readHeader(r io.Reader, size int64) (*header, error) {
	var start [lengthSize]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return nil, errors.New("it is too short for a safetensors file")
	}
	length := binary.LittleEndian.Uint64(start[:])
	if length > longestHeader {
		return nil, fmt.Errorf("its header claims %d bytes, the limit is %d: it is no safetensors file", length, longestHeader)
	}
	if size >= 0 && int64(length) > size-lengthSize {
		return nil, fmt.Errorf("its header claims %d bytes, the file has %d", length, size-lengthSize)
	}
	var text bytes.Buffer // grows with what has been read
	if n, err := io.CopyN(&text, r, int64(length)); err != nil {
		return nil, fmt.Errorf("its header ends after %d of %s", n, words.Count(length, "byte"))
	}
	h := &header{metadata: map[string]string{}, data: lengthSize + int64(length)}
	if err := h.parse(text.Bytes()); err != nil {
		return nil, fmt.Errorf("its header is damaged: %w", err)
	}
	sort.SliceStable(h.tensors, func(i, j int) bool {
		a, b := h.tensors[i], h.tensors[j]
		return a.begin < b.begin || (a.begin == b.begin && a.Bytes < b.Bytes)
	})
	end := int64(0)
	for _, tensor := range h.tensors {
		if tensor.begin != end {
			return nil, fmt.Errorf("the tensor %q begins at byte %d, not at the end of the one before, %d: tensors overlap, or there is a gap",
				tensor.Name, tensor.begin, end)
		}
		end += tensor.Bytes
	}
	if size >= 0 && h.data+end != size {
		return nil, fmt.Errorf("its tensors need %s, the file has %d", words.Count(end, "byte"), size-h.data)
	}
	return h, nil
}

func (h *header) parse(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	if len(text) == 0 || text[0] != '{' {
		return errors.New("it does not begin with {")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := object(decoder, func(name string) error {
		if name == metadataKey {
			return object(decoder, func(key string) error {
				value, err := token[string](decoder)
				h.metadata[key] = value
				return err
			})
		}
		info, err := tensorInfo(decoder, name)
		h.tensors = append(h.tensors, info)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// object reads a JSON object, calling member to read each value. A key that occurs twice is an
// error, since readers disagree on which one to use.
func object(decoder *json.Decoder, member func(key string) error) error {
	if open, err := token[json.Delim](decoder); err != nil || open != '{' {
		return errors.New("it has something else where an object should be")
	}
	seen := map[string]bool{}
	for decoder.More() {
		key, err := token[string](decoder)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("it has %q twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

func token[T any](decoder *json.Decoder) (T, error) {
	next, err := decoder.Token()
	value, ok := next.(T)
	switch {
	case errors.Is(err, io.EOF):
		return value, io.ErrUnexpectedEOF
	case err != nil:
		return value, err
	case !ok:
		return value, fmt.Errorf("it has %v where there should be %s", next, words.Type(value))
	}
	return value, nil
}

// wholeNumbers reads a JSON list of sizes or offsets.
func wholeNumbers(decoder *json.Decoder) ([]int64, error) {
	if open, err := token[json.Delim](decoder); err != nil || open != '[' {
		return nil, errors.New("it has something else where a list should be")
	}
	numbers := []int64{}
	for decoder.More() {
		text, err := token[json.Number](decoder)
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseInt(text.String(), 10, 64)
		if err != nil || number < 0 {
			return nil, fmt.Errorf("%s is no size", text)
		}
		numbers = append(numbers, number)
	}
	_, err := decoder.Token()
	return numbers, err
}

func tensorInfo(decoder *json.Decoder, name string) (Info, error) {
	info := Info{Name: name, DType: torch.NoDType}
	var places []int64
	err := object(decoder, func(key string) (err error) {
		switch key {
		case "dtype":
			info.Format, err = token[string](decoder)
		case "shape":
			info.Shape, err = wholeNumbers(decoder)
		case "data_offsets":
			places, err = wholeNumbers(decoder)
		default:
			var ignored json.RawMessage
			err = decoder.Decode(&ignored)
		}
		return err
	})
	if err == nil {
		err = info.check(places)
	}
	if err != nil {
		return info, fmt.Errorf("the tensor %q: %w", name, err)
	}
	return info, nil
}

func (i *Info) check(places []int64) error {
	if i.Shape == nil || len(places) != 2 {
		return errors.New("its shape or its two data_offsets are missing")
	}
	for _, format := range formats {
		if format.name != i.Format {
			continue
		}
		i.DType = format.dtype
		i.begin, i.Bytes = places[0], places[1]-places[0]
		count, ok := elements.Count(i.Shape, format.bits)
		if !ok {
			return fmt.Errorf("there can be no tensor of shape %v", i.Shape)
		}
		if count*format.bits != 8*i.Bytes || i.Bytes < 0 || i.Bytes > 1<<59 {
			return fmt.Errorf("%d of %s do not fit into the bytes from %d to %d", count, i.Format, places[0], places[1])
		}
		if i.DType == packed {
			return i.pack()
		}
		if !i.DType.IsAvailable() {
			i.DType = torch.NoDType
		}
		return nil
	}
	// A type that is newer than this package: trust the size in the file.
	i.begin, i.Bytes = places[0], places[1]-places[0]
	if _, ok := elements.Count(i.Shape, 1); !ok || i.Bytes < 0 || i.Bytes > 1<<59 {
		return fmt.Errorf("there can be no tensor of shape %v in the bytes from %d to %d", i.Shape, places[0], places[1])
	}
	return nil
}

// packed has two numbers in each element; the format counts the numbers.
const packed = torch.Float4E2M1FNX2

// pack converts the shape to that of the elements.
func (i *Info) pack() error {
	last := len(i.Shape) - 1
	if last < 0 || i.Shape[last]%2 != 0 || !packed.IsAvailable() {
		i.DType = torch.NoDType // no libtorch has half elements
		return nil
	}
	i.Shape[last] /= 2
	return nil
}
