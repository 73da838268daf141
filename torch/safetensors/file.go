package safetensors

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/tensorfile"
)

// A File is an open file, or several that an index joins, from which tensors are read one at a
// time. It may be used from many goroutines at once.
type File struct {
	parts    []part
	tensors  []Info
	places   map[string]int
	metadata map[string]string
}

// A part is one file: where its tensors begin, and what closes it.
type part struct {
	name  string
	r     io.ReaderAt
	data  int64
	close func() error
}

// Open opens a file, or all parts that an index file (model.safetensors.index.json) lists, and
// reads the headers.
func Open(path string) (*File, error) { return open("Open", path) }

// NewFile is [Open] for any io.ReaderAt of the given size in bytes. r must stay usable as long as
// tensors are read.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	f := newFile()
	if err := f.add(part{name: "the data", r: r, close: func() error { return nil }}, size); err != nil {
		return nil, failure("NewFile", "the data", err)
	}
	return f, nil
}

func newFile() *File { return &File{places: map[string]int{}, metadata: map[string]string{}} }

func open(operation, path string) (*File, error) {
	if strings.HasSuffix(path, ".json") {
		return openIndex(operation, path)
	}
	f := newFile()
	if err := f.addFile(operation, path); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) addFile(operation, path string) error {
	file, size, err := tensorfile.Open("safetensors", operation, path)
	if err != nil {
		return err
	}
	if err := f.add(part{name: path, r: file, close: file.Close}, size); err != nil {
		file.Close()
		return failure(operation, path, err)
	}
	return nil
}

func (f *File) add(p part, size int64) error {
	head, err := readHeader(bufio.NewReader(io.NewSectionReader(p.r, 0, size)), size)
	if err != nil {
		return err
	}
	p.data = head.data
	for _, info := range head.tensors {
		if _, twice := f.places[info.Name]; twice {
			return fmt.Errorf("the tensor %q is in another part too", info.Name)
		}
		info.part = len(f.parts)
		f.places[info.Name] = len(f.tensors)
		f.tensors = append(f.tensors, info)
	}
	f.parts = append(f.parts, p)
	maps.Copy(f.metadata, head.metadata)
	return nil
}

// Tensors returns a description of each tensor, in the order of their bytes in the file.
func (f *File) Tensors() []Info {
	tensors := slices.Clone(f.tensors)
	for i := range tensors {
		tensors[i].Shape = slices.Clone(tensors[i].Shape)
	}
	return tensors
}

// Metadata returns a copy of the file's metadata, strings by name.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Tensor reads a tensor by name, to the CPU or to the [torch.Device] and dtype in the options.
func (f *File) Tensor(name string, where ...torch.Option) (*torch.Tensor, error) {
	place, ok := f.places[name]
	if !ok {
		return nil, &torch.Error{Operation: "safetensors.Tensor", Kind: torch.ErrInvalid,
			Message: fmt.Sprintf("there is no tensor %q in %s", name, f.describe())}
	}
	return f.read("Tensor", f.tensors[place], where)
}

func (f *File) describe() string {
	if len(f.parts) == 1 {
		return f.parts[0].name
	}
	return fmt.Sprintf("the %d parts", len(f.parts))
}

func (f *File) read(operation string, info Info, where []torch.Option) (*torch.Tensor, error) {
	part := f.parts[info.part]
	tensor, err := readTensor(io.NewSectionReader(part.r, part.data+info.begin, info.Bytes), info, where)
	if err != nil {
		return nil, failure(operation, part.name, err)
	}
	return tensor, nil
}

// Close closes the file. Tensors that were read stay open.
func (f *File) Close() error {
	var first error
	for _, part := range f.parts {
		if err := part.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// isPlain reports whether a name in an index is that of a file in the same folder.
func isPlain(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && !strings.ContainsAny(name, `/\`)
}
