package numpy

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
)

// Load reads a .npy file to the CPU, or to the [torch.Device] and dtype that are given. An array in
// Fortran's order comes as a tensor with the strides it has in NumPy: [torch.Tensor.Contiguous] lays
// it out in rows.
func Load(path string, where ...torch.Option) (*torch.Tensor, error) {
	const operation = "Load"
	file, _, err := tensorfile.Open("numpy", operation, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	tensor, err := read(file, where)
	if err == nil {
		err = atEnd(file)
	}
	if err != nil {
		tensor.Close()
		return nil, failure(operation, path, err)
	}
	return tensor, nil
}

// Read is [Load] from a stream, and leaves the stream after the array: NumPy writes several arrays one
// after another.
func Read(r io.Reader, where ...torch.Option) (*torch.Tensor, error) {
	tensor, err := read(r, where)
	if err != nil {
		return nil, failure("Read", "the data", err)
	}
	return tensor, nil
}

func read(r io.Reader, where []torch.Option) (*torch.Tensor, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	shape := h.shape
	if h.columns {
		shape = slices.Clone(shape)
		slices.Reverse(shape)
	}
	tensor, err := torch.ReadElements(r, shape, h.dtype, h.order)
	if err != nil {
		return nil, err
	}
	if h.columns && len(shape) > 1 {
		if tensor, err = tensorfile.Replace(tensor, reverse); err != nil {
			return nil, err
		}
	}
	return tensorfile.Move(tensor, where)
}

func reverse(t *torch.Tensor) *torch.Tensor {
	dims := make([]int64, t.Dim())
	for i := range dims {
		dims[i] = int64(len(dims) - 1 - i)
	}
	return t.Permute(dims...)
}

// Save writes a tensor to a .npy file, which appears whole or not at all. A bfloat16 tensor is an
// error: convert it first, with t.To(torch.Float32).
func Save(path string, t *torch.Tensor) error {
	const operation = "Save"
	head, err := headerOf(operation, t)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { return write(w, head, t) }); err != nil {
		return fmt.Errorf("numpy: %s: %s cannot be written: %w", operation, path, err)
	}
	return nil
}

// Write is [Save] to a stream.
func Write(w io.Writer, t *torch.Tensor) error {
	const operation = "Write"
	head, err := headerOf(operation, t)
	if err != nil {
		return err
	}
	if err := write(w, head, t); err != nil {
		return fmt.Errorf("numpy: %s: %w", operation, err)
	}
	return nil
}

func write(w io.Writer, head []byte, t *torch.Tensor) error {
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := t.WriteElements(w)
	return err
}

func headerOf(operation string, t *torch.Tensor) ([]byte, error) {
	var head []byte
	err := torch.Try(func() error {
		h := header{dtype: t.DType(), shape: t.Shape()}
		if typeOf(h.dtype) == "" {
			return fmt.Errorf("NumPy has no %s: convert the tensor first, as with To(torch.Float32), or view its bytes by ViewDType", h.dtype)
		}
		var err error
		head, err = h.bytes()
		return err
	})
	if err != nil {
		return nil, asError("numpy."+operation, torch.ErrInvalid, "", err)
	}
	return head, nil
}

func atEnd(r io.Reader) error {
	var one [1]byte
	if n, err := r.Read(one[:]); n > 0 {
		return errors.New("something follows its elements")
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return nil
}

// failure is what is wrong with a file, as this package's users get it.
func failure(operation, name string, err error) error {
	return asError("numpy."+operation, torch.ErrFormat, name+": ", err)
}

// asError is err, of that kind where it has none, with a prefix before its message.
func asError(operation string, kind error, prefix string, err error) *torch.Error {
	message := err.Error()
	if known := (*torch.Error)(nil); errors.As(err, &known) {
		kind, message = known.Kind, known.Message
	}
	return &torch.Error{Operation: operation, Kind: kind, Message: prefix + message}
}
