package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/stream"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// Load reads a file written by Python's torch.save. It may hold these values, nested in any way:
//
//	Python                            Go
//	None                              nil
//	bool, int, float, complex, str    bool, int64, float64, complex128, string
//	int of more than 64 bits          *big.Int
//	bytes, bytearray                  []byte
//	list, tuple, set                  []any, torch.Tuple, torch.Set
//	dict, OrderedDict, Counter        *torch.Dict
//	torch.Tensor, nn.Parameter        *torch.Tensor, without attributes that were set on it
//	torch.dtype, torch.device         torch.DType, torch.Device
//	torch.Size                        torch.Tuple
//	any other object                  *torch.Object
//
// Tensors are loaded to the CPU, or to the [torch.Device] in the options, wherever they were saved.
// Tensors that share memory in the file share memory here, and a list or dict that the file refers
// to twice is one object here. Where a value contains itself, there is a [*torch.Object] in its
// place, whose Problem says so.
//
// No code from the file is run: objects of other classes are only described. A damaged file is an
// error of kind [torch.ErrFormat]. The format from before PyTorch 1.6 is supported, except for the
// tar archives of its first versions. Use package torch/jit for files of torch.jit.save.
func Load(path string, where ...torch.Option) (any, error) {
	const operation = "Load"
	file, _, err := tensorfile.Open("checkpoint", operation, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readSized(operation, path, file, where)
}

// Read is [Load] from a stream. If r is an io.ReaderAt and io.Seeker, such as a file or a
// bytes.Reader, it is read in place; any other r is read to its end first.
func Read(r io.Reader, where ...torch.Option) (any, error) {
	const operation = "Read"
	if sized, ok := r.(sizedReader); ok {
		return readSized(operation, "the data", sized, where)
	}
	data, err := stream.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("torch: checkpoint.%s: %w", operation, err)
	}
	return readSized(operation, "the data", bytes.NewReader(data), where)
}

// deviceIn returns the device among the options, or the CPU.
func deviceIn(options []torch.Option) torch.Device {
	device := torch.CPU
	for _, option := range options {
		if given, ok := option.(torch.Device); ok {
			device = given
		}
	}
	return device
}

type sizedReader interface {
	io.ReaderAt
	io.ReadSeeker
}

func readSized(operation, name string, r sizedReader, where []torch.Option) (any, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("torch: checkpoint.%s: %w", operation, err)
	}
	for _, option := range where {
		if _, ok := option.(torch.Device); !ok {
			return nil, &torch.Error{Operation: "checkpoint." + operation, Kind: torch.ErrInvalid,
				Message: words.Type(option) + " cannot be an option: tensors are read in their own dtypes; convert them with To"}
		}
	}
	l := &loader{operation: operation, name: name, device: deviceIn(where)}
	defer l.closeStorages()
	var value any
	err = torch.Try(func() error {
		var err error
		value, err = l.load(r, size)
		return err
	})
	if err != nil {
		bridge.CloseAll(l.tensors)
		return nil, l.named(err)
	}
	return value, nil
}

// named adds the file's name to an error.
func (l *loader) named(err error) error {
	kind := torch.ErrFormat
	message := err.Error()
	if known := (*torch.Error)(nil); errors.As(err, &known) {
		message = known.Message
		if known.Kind == torch.ErrOutOfMemory || known.Kind == torch.ErrDevice {
			kind = known.Kind
		}
	}
	return &torch.Error{Operation: "checkpoint." + l.operation, Kind: kind, Message: l.name + ": " + message}
}

func (l *loader) load(r io.ReaderAt, size int64) (any, error) {
	start := make([]byte, 512)
	n, err := r.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	start = start[:n]
	switch {
	case n == 0:
		return nil, errors.New("the file is empty")
	case isZip(start):
		return l.loadZip(r, size)
	case n > 262 && string(start[257:262]) == "ustar":
		return nil, errors.New("it is a tar archive, as PyTorch wrote before version 0.1.10: load it in Python and save it again")
	case start[0] == 0x80: // a pickle
		return l.loadLegacy(r, size)
	}
	return nil, errors.New("it is no file of torch.save")
}
