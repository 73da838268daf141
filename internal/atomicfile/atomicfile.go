// Package atomicfile writes files that are replaced only when they have been written completely.
package atomicfile

import (
	"io"
	"os"
	"path/filepath"
)

// Write writes a file: it calls write with a temporary file in the directory of path, and renames
// that to path if write succeeds.
func Write(path string, write func(w io.Writer) error) error {
	return WriteFile(path, func(file *os.File) error { return write(file) })
}

// WriteFile is Write for functions that need an *os.File.
func WriteFile(path string, write func(file *os.File) error) (err error) {
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
