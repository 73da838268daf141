package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// SHA256 returns the hash of the files, in their order, in hexadecimal digits.
func (f *File) SHA256() (string, error) {
	hash := sha256.New()
	for _, part := range f.Parts {
		file, err := os.Open(part)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(hash, file)
		file.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// FindIn returns the path of the first of the names that a folder has.
func FindIn(folder string, names ...string) (string, error) {
	for _, name := range names {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("the folder %s has none of %q: %w", folder, names, fs.ErrNotExist)
}

// Beside returns the contents of a file in the folder of path, or in path if it is a folder, and
// nil if there is none.
func Beside(path, name string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		path = filepath.Dir(path)
	}
	data, err := os.ReadFile(filepath.Join(path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
