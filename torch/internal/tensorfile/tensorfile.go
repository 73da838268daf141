// Package tensorfile is what the readers of files of tensors share.
package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/clipvqgan/clipvqgan/torch"
)

// Open opens a file, and tells its size. format is the name of the package that reads it, and
// operation that of its function, for errors.
func Open(format, operation, path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s: %s: the file %s does not exist: %w", format, operation, path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %s: %w", format, operation, err)
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

// Replace closes a tensor for what is made of it.
func Replace(tensor *torch.Tensor, with func(*torch.Tensor) *torch.Tensor) (*torch.Tensor, error) {
	defer tensor.Close()
	var made *torch.Tensor
	err := torch.Try(func() error { made = with(tensor); return nil })
	return made, err
}

// Move brings a new tensor to where it is wanted.
func Move(tensor *torch.Tensor, where []torch.Option) (*torch.Tensor, error) {
	if len(where) == 0 {
		return tensor, nil
	}
	return Replace(tensor, func(t *torch.Tensor) *torch.Tensor { return t.To(where...) })
}

// CloseAll closes the tensors that were read before one failed.
func CloseAll(tensors []torch.NamedTensor) {
	for _, named := range tensors {
		named.Tensor.Close()
	}
}
