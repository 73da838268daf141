package checkpoint

import (
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/pickle"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
)

// A File is an open file of torch.save or torch.jit.save whose tensors are read one at a time. It
// may be used from many goroutines at once.
type File struct {
	mutex    sync.Mutex
	loader   *loader
	close    func() error
	value    any
	isModule bool
}

// Open opens a file and reads everything but its tensors, which [StoredTensor.Read] reads.
//
// Unlike [Load], it also opens the TorchScript archives of torch.jit.save. Their value is the
// module as a [torch.Object] whose attributes are its parameters, buffers and submodules. Its code
// is neither run nor read.
func Open(path string) (*File, error) {
	const operation = "Open"
	file, size, err := tensorfile.Open("checkpoint", operation, path)
	if err != nil {
		return nil, err
	}
	opened, err := newFile(operation, path, file, size)
	if err != nil {
		file.Close()
		return nil, err
	}
	opened.close = file.Close
	return opened, nil
}

// NewFile is [Open] for any io.ReaderAt of the given size in bytes. r must stay usable as long as
// tensors are read.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	if r == nil {
		return nil, &torch.Error{Operation: "checkpoint.NewFile", Kind: torch.ErrInvalid, Message: "the reader is nil"}
	}
	return newFile("NewFile", "the data", r, size)
}

func newFile(operation, name string, r io.ReaderAt, size int64) (*File, error) {
	file := &File{close: func() error { return nil }}
	file.loader = &loader{operation: operation, name: name, device: torch.CPU, file: file}
	err := torch.Try(func() error {
		var err error
		file.value, err = file.loader.load(r, size)
		return err
	})
	if err != nil {
		return nil, file.loader.named(err)
	}
	file.loader.values = nil
	return file, nil
}

// Value returns the value in the file, as [Load] does, with a [*StoredTensor] in place of each
// tensor.
func (f *File) Value() any { return f.value }

// IsModule reports whether the file is a TorchScript archive.
func (f *File) IsModule() bool { return f.isModule }

// Close closes the file. Tensors that were read stay open.
func (f *File) Close() error {
	if f == nil || f.loader == nil { // of no use, so there is nothing to close
		return nil
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.loader.open = nil
	return f.close()
}

// A StoredTensor is a tensor in a [File].
type StoredTensor struct {
	Shape []int64
	DType torch.DType
	// RequiresGrad says whether the tensor required a gradient when it was saved.
	RequiresGrad bool

	file   *File
	layout layout
	marks  any
}

// stored describes the tensor that rebuild would make.
func (l *loader) stored(function pickle.Global, arguments []any) (*StoredTensor, error) {
	of, marks, err := l.layout(function, arguments)
	if err != nil {
		return nil, err
	}
	t := &StoredTensor{Shape: slices.Clone(of.shape), DType: of.dtype, file: l.file, layout: of}
	if len(arguments) > 4 {
		t.RequiresGrad, _ = arguments[4].(bool)
	}
	if len(arguments) > marks {
		t.marks = arguments[marks]
	}
	return t, nil
}

// Read reads the tensor, to the CPU or to the [torch.Device] and dtype in the options. It does not
// require a gradient, and shares memory with no other tensor, even if it did when it was saved. The
// error is of kind [torch.ErrFormat] if the file is damaged, and of kind [torch.ErrClosed] if it is
// closed.
func (t *StoredTensor) Read(where ...torch.Option) (*torch.Tensor, error) {
	if t == nil || t.file == nil {
		return nil, &torch.Error{Operation: "checkpoint.Read", Kind: torch.ErrInvalid, Message: "the tensor is of no File"}
	}
	t.file.mutex.Lock()
	defer t.file.mutex.Unlock()
	l := t.file.loader
	if l.open == nil {
		return nil, &torch.Error{Operation: "checkpoint.Read", Kind: torch.ErrClosed, Message: l.name + ": the file is closed"}
	}
	var read *torch.Tensor
	err := torch.Try(func() error {
		var err error
		read, err = t.read(l)
		return err
	})
	if err != nil {
		return nil, l.named(err)
	}
	return tensorfile.Move(read, where)
}

func (t *StoredTensor) read(l *loader) (*torch.Tensor, error) {
	s := t.layout.storage
	s.used, s.width = false, 0
	tensor, err := l.over(t.layout)
	s.base.Close()
	s.base = nil
	if err != nil {
		return nil, err
	}
	if t.marks != nil {
		l.values, l.tensors = nil, nil
		if tensor, err = l.marked(tensor, t.marks, 0); err != nil {
			return nil, err
		}
	}
	if tensor.NumElements()*t.layout.dtype.ItemSize() < s.bytes() {
		// The rest of the storage is not wanted.
		return tensorfile.Replace(tensor, func(view *torch.Tensor) *torch.Tensor { return view.Clone() })
	}
	return tensor, nil
}

// Tensors returns the tensors in a value of a [File] by their dotted names: those of nested dicts
// by the keys that lead to them, and those of modules by the names of their attributes. Modules
// that were saved whole with torch.save are those with PyTorch's _parameters, _buffers and
// _modules. Lists and other objects are left out.
func Tensors(value any) ([]NamedStored, error) {
	var list []NamedStored
	err := walk("", value, 0, func(name string, tensor *StoredTensor) { list = append(list, NamedStored{name, tensor}) })
	return list, err
}

// A NamedStored is a tensor in a [File] and its dotted name.
type NamedStored struct {
	Name   string
	Tensor *StoredTensor
}

// The attributes of torch.nn.Module that hold its parts.
var moduleParts = []string{"_parameters", "_buffers", "_modules"}

func walk(prefix string, value any, depth int, found func(name string, tensor *StoredTensor)) error {
	if depth > deepestValue {
		return errors.New("modules are nested too deep")
	}
	switch v := value.(type) {
	case *StoredTensor:
		found(prefix, v)
	case *torch.Dict:
		for key, item := range v.All() {
			if name, ok := key.(string); ok {
				if err := walk(join(prefix, name), item, depth+1, found); err != nil {
					return err
				}
			}
		}
	case *torch.Object:
		state, ok := v.State.(*torch.Dict)
		if !ok {
			return nil
		}
		if state.Get(moduleParts[0]) == nil && state.Get(moduleParts[2]) == nil {
			return walk(prefix, state, depth+1, found) // a TorchScript module
		}
		for _, part := range moduleParts {
			if err := walk(prefix, state.Get(part), depth+1, found); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
