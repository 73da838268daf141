// Package atomicfile writes files that appear whole or not at all.
package atomicfile

import (
	"io"
	"os"
	"path/filepath"
)

// Write writes a file: what write puts out goes to a temporary file beside path, which is renamed
// to path when it is whole, and removed where write fails.
func Write(path string, write func(w io.Writer) error) error {
	return WriteFile(path, func(file *os.File) error { return write(file) })
}

// WriteFile is Write for what needs the file itself.
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
