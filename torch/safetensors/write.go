package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Save writes tensors and metadata (strings by name; may be nil) to a file, which is replaced only
// when it has been written completely. Tensors are written in the given order, but those with
// larger elements first, so that all are aligned. Views are written as their elements; sharing of
// memory is not kept. Tensors of complex128, complex32 and the bits types are an error, since the
// format has no such types.
//
// Loaders of Hugging Face transformers need the metadata {"format": "pt"}.
func Save(path string, tensors []torch.NamedTensor, metadata map[string]string) error {
	contents, err := plan("Save", tensors, metadata)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, contents.write); err != nil {
		return fmt.Errorf("torch: safetensors.Save: %s cannot be written: %w", path, err)
	}
	return nil
}

// Write is [Save] to a stream.
func Write(w io.Writer, tensors []torch.NamedTensor, metadata map[string]string) error {
	contents, err := plan("Write", tensors, metadata)
	if err != nil {
		return err
	}
	if err := contents.write(w); err != nil {
		return fmt.Errorf("torch: safetensors.Write: %w", err)
	}
	return nil
}

// A layout is the order of tensors in a file to be written, and its header.
type layout struct {
	header  []byte
	tensors []torch.NamedTensor
}

func plan(operation string, tensors []torch.NamedTensor, metadata map[string]string) (*layout, error) {
	l := &layout{tensors: slices.Clone(tensors)}
	err := torch.Try(func() error {
		slices.SortStableFunc(l.tensors, func(a, b torch.NamedTensor) int {
			return int(b.Tensor.DType().ItemSize() - a.Tensor.DType().ItemSize())
		})
		var err error
		l.header, err = describe(l.tensors, metadata)
		return err
	})
	if err != nil {
		if known, ok := err.(*torch.Error); ok {
			return nil, &torch.Error{Operation: "safetensors." + operation, Kind: known.Kind, Message: known.Message}
		}
		return nil, &torch.Error{Operation: "safetensors." + operation, Kind: torch.ErrInvalid, Message: err.Error()}
	}
	return l, nil
}

// describe returns the header, padded so that the tensors begin at a multiple of 8 bytes.
func describe(tensors []torch.NamedTensor, metadata map[string]string) ([]byte, error) {
	header := []byte("{")
	if len(metadata) > 0 {
		for key, value := range metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, fmt.Errorf("the metadata %q is not UTF-8", key)
			}
		}
		header = append(appendJSON(header, metadataKey), ':')
		header = appendJSON(header, metadata)
	}
	seen := map[string]bool{metadataKey: true}
	place := int64(0)
	for _, named := range tensors {
		format := formatOf(named.Tensor.DType())
		switch {
		case seen[named.Name]:
			return nil, fmt.Errorf("the name %q comes twice, or is the format's own", named.Name)
		case !utf8.ValidString(named.Name):
			return nil, fmt.Errorf("the name %q is not UTF-8", named.Name)
		case format == "":
			return nil, fmt.Errorf("%q is %s, which the format has not", named.Name, named.Tensor.DType())
		}
		seen[named.Name] = true
		if len(header) > 1 {
			header = append(header, ',')
		}
		begin := place
		place += named.Tensor.NumElements() * named.Tensor.DType().ItemSize()
		shape := named.Tensor.Shape()
		if named.Tensor.DType() == packed {
			if len(shape) == 0 {
				return nil, fmt.Errorf("%q is one element of %s, which the format cannot say", named.Name, packed)
			}
			shape[len(shape)-1] *= 2
		}
		header = append(appendJSON(header, named.Name), ':')
		header = appendJSON(header, struct {
			DType   string   `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{format, shape, [2]int64{begin, place}})
	}
	header = append(header, '}')
	header = append(header, bytes.Repeat([]byte{' '}, -len(header)&7)...)
	if len(header) > longestHeader {
		return nil, fmt.Errorf("the header has %d bytes, the limit is %d", len(header), longestHeader)
	}
	return header, nil
}

// appendJSON appends value as JSON.
func appendJSON(to []byte, value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // cannot happen for strings and numbers
	}
	return append(to, bytes.TrimRight(text.Bytes(), "\n")...)
}

func (l *layout) write(w io.Writer) error {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(l.header)))
	if _, err := w.Write(append(length, l.header...)); err != nil {
		return err
	}
	for _, named := range l.tensors {
		if _, err := named.Tensor.WriteElements(w); err != nil {
			return fmt.Errorf("%q: %w", named.Name, err)
		}
	}
	return nil
}
