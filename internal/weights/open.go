package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// A Format is a kind of file, by what is in it.
type Format string

// The formats that [Open] reads.
const (
	Safetensors Format = "safetensors"
	TorchSave   Format = "torch.save"
	TorchScript Format = "TorchScript"
)

// A File is an open checkpoint.
type File struct {
	*Set
	Format Format
	// Value is the value of a file of torch.save, which may hold more than tensors.
	Value any
	// Metadata are the texts in a safetensors file.
	Metadata map[string]string
	// Parts are the files that were read: more than one where an index joins them.
	Parts []string

	closers []io.Closer
}

// Close closes the file. Tensors that were read stay open.
func (f *File) Close() {
	for _, closer := range f.closers {
		closer.Close()
	}
}

// Open opens a checkpoint, told apart by content: safetensors, torch.save, the TorchScript archives
// of torch.jit.save, or an index (model.safetensors.index.json, pytorch_model.bin.index.json) of
// several of them. Of a dict with a state_dict, or a similar one, it gives that; and names lose the
// prefixes that wrappers for training add. No code in a file is run.
func Open(path string) (*File, error) {
	start, err := beginning(path)
	if err != nil {
		return nil, err
	}
	f := &File{}
	switch {
	case len(start) == 0:
		err = fmt.Errorf("%s is empty: %w", path, torch.ErrFormat)
	case bytes.HasPrefix(start, []byte("PK")), start[0] == 0x80:
		err = f.addPickle(path)
	case len(start) > 8 && start[8] == '{':
		err = f.addSafetensors(path)
	case start[0] == '{':
		err = f.addIndex(path)
	default:
		err = noCheckpoint(path, start)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.Path = path
	f.Set = f.withoutWrappers()
	return f, nil
}

// noCheckpoint says what a file seems to be in place of a checkpoint.
func noCheckpoint(path string, start []byte) error {
	what := "neither safetensors nor a file of PyTorch"
	switch {
	case bytes.HasPrefix(start, []byte("version https://")):
		what = "it is a pointer of Git LFS to the file, which git lfs pull brings"
	case bytes.HasPrefix(start, []byte("<")):
		what = "it seems to be a web page"
	case bytes.HasPrefix(start, []byte("\x89HDF")):
		what = "it is an HDF5 file, as Keras writes"
	case bytes.HasPrefix(start, []byte("GGUF")):
		what = "it is a GGUF file"
	}
	return fmt.Errorf("%s is no checkpoint: %s: %w", path, what, torch.ErrFormat)
}

func beginning(path string) ([]byte, error) {
	// Before it is opened, which waits forever for the writer of a pipe.
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if target, err := os.Readlink(path); err == nil {
			return nil, missing.Error(fmt.Sprintf("the file %s, to which %s is a link,", target, path))
		}
		return nil, missing.Error("the file " + path)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: %w", path, torch.ErrFormat)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	start := make([]byte, 16)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return start[:n], nil
}

func (f *File) set(path string) *Set {
	if f.Set == nil {
		f.Set = NewSet(path, nil)
	}
	return f.Set
}

func (f *File) addSafetensors(path string) error {
	file, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, file)
	f.Format, f.Metadata = Safetensors, file.Metadata()
	f.Parts = append(f.Parts, path)
	set := f.set(path)
	for _, info := range file.Tensors() {
		set.Add(Entry{Name: info.Name, Shape: info.Shape, DType: info.DType,
			Read: func() (*torch.Tensor, error) { return file.Tensor(info.Name) }})
	}
	return nil
}

func (f *File) addPickle(path string) error {
	file, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, file)
	f.Format, f.Value = TorchSave, file.Value()
	if file.IsModule() {
		f.Format = TorchScript
	}
	f.Parts = append(f.Parts, path)
	if err := checkHarmless(path, file.Value()); err != nil {
		return err
	}
	tensors, err := checkpoint.Tensors(stateDict(file.Value()))
	if err != nil {
		return err
	}
	if object, ok := file.Value().(*torch.Object); ok && len(tensors) == 0 {
		return fmt.Errorf("%s holds an object of %s, whose code is not run, and no tensors: %w", path, object.Class, torch.ErrFormat)
	}
	set := f.set(path)
	for _, each := range tensors {
		set.Add(Entry{Name: each.Name, Shape: each.Tensor.Shape, DType: each.Tensor.DType,
			Read: func() (*torch.Tensor, error) { return each.Tensor.Read() }})
	}
	return nil
}

// wrappers are the keys under which training programs save a model's state dict.
var wrappers = []string{"state_dict", "model_state_dict", "model", "module", "params"}

// stateDict returns the state dict in a checkpoint.
func stateDict(value any) any {
	dict, ok := value.(*torch.Dict)
	if !ok {
		return value
	}
	for _, key := range wrappers {
		if inner, ok := dict.Get(key).(*torch.Dict); ok && inner.Len() > 0 {
			return inner
		}
	}
	return value
}

// addIndex reads the parts that an index lists, as Hugging Face's libraries write it.
func (f *File) addIndex(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("%s cannot be read: %w: %w", path, err, torch.ErrFormat)
	}
	if len(index.WeightMap) == 0 {
		return fmt.Errorf("%s is JSON, but no index of weights: give the file or folder of the weights: %w", path, torch.ErrFormat)
	}
	parts := map[string]bool{}
	for _, part := range index.WeightMap {
		if part != filepath.Base(part) {
			return fmt.Errorf("%s names the part %q, which is not beside it: %w", path, part, torch.ErrFormat)
		}
		parts[part] = true
	}
	names := make([]string, 0, len(parts))
	for part := range parts {
		names = append(names, part)
	}
	slices.Sort(names)
	for _, part := range names {
		whole := filepath.Join(filepath.Dir(path), part)
		start, err := beginning(whole)
		if err != nil {
			return err
		}
		switch {
		case len(start) > 8 && start[8] == '{':
			err = f.addSafetensors(whole)
		case len(start) == 0, bytes.HasPrefix(start, []byte("PK")), start[0] == 0x80:
			err = f.addPickle(whole)
		default:
			err = noCheckpoint(whole, start)
		}
		if err != nil {
			return err
		}
	}
	for name := range index.WeightMap {
		if !f.Has(name) {
			return fmt.Errorf("%s names the tensor %s, which its part %s lacks: %w", path, name, index.WeightMap[name], torch.ErrFormat)
		}
	}
	return nil
}

// trainingPrefixes are what DistributedDataParallel and torch.compile put before each name.
var trainingPrefixes = []string{"module.", "_orig_mod."}

func (f *File) withoutWrappers() *Set {
	set := f.Set
	for again := true; again; {
		again = false
		for _, prefix := range trainingPrefixes {
			if len(set.names) > 0 && !slices.ContainsFunc(set.names, func(name string) bool { return !strings.HasPrefix(name, prefix) }) {
				set, again = set.Within(prefix), true
			}
		}
	}
	return set
}
