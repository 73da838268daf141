package safetensors

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
)

// Load reads all tensors of a file, in the order of their bytes, and its metadata, strings by name.
// Tensors are read to the CPU, or to the [torch.Device] and dtype in the options. path may be an
// index file, which stands for all of its parts. Tensors of types that libtorch does not have are
// skipped: the others are returned together with a [*torch.UnreadableError].
func Load(path string, where ...torch.Option) ([]torch.NamedTensor, map[string]string, error) {
	file, err := open("Load", path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	var tensors []torch.NamedTensor
	leftOut := &torch.UnreadableError{File: path}
	for _, info := range file.tensors {
		if info.DType == torch.NoDType {
			leftOut.Add(info.Name, unreadable(info))
			continue
		}
		tensor, err := file.read("Load", info, where)
		if err != nil {
			tensorfile.CloseAll(tensors)
			return nil, nil, err
		}
		tensors = append(tensors, torch.NamedTensor{Name: info.Name, Tensor: tensor})
	}
	return tensors, file.Metadata(), leftOut.OrNil()
}

// Read is [Load] from a stream, which it reads to its end.
func Read(r io.Reader, where ...torch.Option) ([]torch.NamedTensor, map[string]string, error) {
	const operation = "Read"
	buffered := bufio.NewReader(r)
	head, err := readHeader(buffered, -1)
	if err != nil {
		return nil, nil, failure(operation, "the data", err)
	}
	var tensors []torch.NamedTensor
	leftOut := &torch.UnreadableError{File: "the data"}
	for _, info := range head.tensors {
		if info.DType == torch.NoDType {
			leftOut.Add(info.Name, unreadable(info))
			if _, err := io.CopyN(io.Discard, buffered, info.Bytes); err != nil {
				tensorfile.CloseAll(tensors)
				return nil, nil, failure(operation, "the data", fmt.Errorf("the tensor %q ends too soon", info.Name))
			}
			continue
		}
		tensor, err := readTensor(buffered, info, where)
		if err != nil {
			tensorfile.CloseAll(tensors)
			return nil, nil, failure(operation, "the data", err)
		}
		tensors = append(tensors, torch.NamedTensor{Name: info.Name, Tensor: tensor})
	}
	if _, err := buffered.ReadByte(); !errors.Is(err, io.EOF) {
		tensorfile.CloseAll(tensors)
		return nil, nil, failure(operation, "the data", errors.New("something follows the tensors"))
	}
	return tensors, head.metadata, leftOut.OrNil()
}

func unreadable(info Info) string { return info.Format + ", which libtorch does not have" }

func readTensor(r io.Reader, info Info, where []torch.Option) (*torch.Tensor, error) {
	if info.DType == torch.NoDType {
		return nil, fmt.Errorf("the tensor %q is of %s, which libtorch does not have", info.Name, info.Format)
	}
	tensor, err := torch.ReadElements(r, info.Shape, info.DType, binary.LittleEndian)
	if err != nil {
		return nil, fmt.Errorf("the tensor %q: %w", info.Name, err)
	}
	return tensorfile.Move(tensor, where)
}

// failure converts an error of a file for this package's users.
func failure(operation, name string, err error) error {
	kind, message := torch.ErrFormat, err.Error()
	if known := (*torch.Error)(nil); errors.As(err, &known) && known.Kind != torch.ErrFormat {
		kind = known.Kind
	}
	return &torch.Error{Operation: "safetensors." + operation, Kind: kind, Message: name + ": " + message}
}
