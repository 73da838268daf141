// Package tensorfile has helpers for reading files of tensors.
package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Open opens a file and returns its size. For errors, format is the name of the calling package and
// operation that of its function.
func Open(format, operation, path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("torch: %s.%s: %w", format, operation, missing.Error("the file "+path))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("torch: %s.%s: %w", format, operation, err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	if err != nil {
		file.Close()
		return nil, 0, &torch.Error{Operation: format + "." + operation, Kind: torch.ErrFormat,
			Message: path + ": " + err.Error()}
	}
	return file, info.Size(), nil
}

// Replace returns what with makes of a tensor, and closes the tensor.
func Replace(tensor *torch.Tensor, with func(*torch.Tensor) *torch.Tensor) (*torch.Tensor, error) {
	defer tensor.Close()
	var made *torch.Tensor
	err := torch.Try(func() error { made = with(tensor); return nil })
	return made, err
}

// Move converts a new tensor to the device and dtype in the options.
func Move(tensor *torch.Tensor, where []torch.Option) (*torch.Tensor, error) {
	if len(where) == 0 {
		return tensor, nil
	}
	return Replace(tensor, func(t *torch.Tensor) *torch.Tensor { return t.To(where...) })
}

// CloseAll closes tensors that were read before a failure.
func CloseAll(tensors []torch.NamedTensor) {
	for _, named := range tensors {
		named.Tensor.Close()
	}
}
