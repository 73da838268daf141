// Package atomicfile writes files that are replaced only when they have been written completely.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/internal/missing"
)

// Check returns why no file can be written to path, as far as that shows without writing: before long
// work whose result it is.
func Check(path string) error {
	if _, err := target(path); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// target returns the path of the file that is to be replaced, which is another one if path is a link.
func target(path string) (string, error) {
	if followed, err := filepath.EvalSymlinks(path); err == nil {
		path = followed
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return "", errors.New("it is a folder")
	}
	if err == nil && !info.Mode().IsRegular() {
		return "", errors.New("it is no regular file")
	}
	folder := filepath.Dir(path)
	info, err = os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", missing.Error("the folder " + folder)
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is no folder", folder)
	}
	return path, nil
}

// Write writes a file: it calls write with a temporary file in the directory of path, and renames
// that to path if write succeeds.
func Write(path string, write func(w io.Writer) error) error {
	return WriteFile(path, func(file *os.File) error { return write(file) })
}

// WriteFile is Write for functions that need an *os.File.
func WriteFile(path string, write func(file *os.File) error) (err error) {
	path, err = target(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	if err := write(file); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
