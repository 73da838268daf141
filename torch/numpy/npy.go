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

// Load reads a .npy file to the CPU, or to the [torch.Device] and dtype in the options. An array in
// Fortran order becomes a tensor with the same strides as in NumPy; [torch.Tensor.Contiguous]
// converts it to row-major order.
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

// Read is [Load] from a stream. It leaves r after the array, so that several arrays can be read one
// after another, as NumPy writes them.
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
	return t.Permute(dims)
}

// Save writes a tensor to a .npy file, which is replaced only when it has been written completely.
// A bfloat16 tensor is an error; convert it first, with t.To(torch.Float32).
func Save(path string, t *torch.Tensor) error {
	const operation = "Save"
	head, err := headerOf(operation, t)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, func(w io.Writer) error { return write(w, head, t) }); err != nil {
		return fmt.Errorf("torch: numpy.%s: %s cannot be written: %w", operation, path, err)
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
		return fmt.Errorf("torch: numpy.%s: %w", operation, err)
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
			return fmt.Errorf("NumPy has no %s: %s", h.dtype, wayOut(h.dtype))
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

// wayOut says how to save a tensor of a type that NumPy does not have.
func wayOut(dtype torch.DType) string {
	switch {
	case dtype.IsComplex():
		return "convert the tensor first, with t.To(torch.Complex64)"
	case dtype.IsFloatingPoint() && dtype != torch.Float4E2M1FNX2:
		return "convert the tensor first, with t.To(torch.Float32)"
	}
	return "save its bytes, t.ViewDType(torch.Uint8)"
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

// failure converts an error of a file for this package's users.
func failure(operation, name string, err error) error {
	return asError("numpy."+operation, torch.ErrFormat, name+": ", err)
}

// asError returns err with a prefix to its message, and of the given kind if it has none.
func asError(operation string, kind error, prefix string, err error) *torch.Error {
	message := err.Error()
	if known := (*torch.Error)(nil); errors.As(err, &known) {
		kind, message = known.Kind, known.Message
	}
	return &torch.Error{Operation: operation, Kind: kind, Message: prefix + message}
}
