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
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/torch"
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

// OpenSource opens a checkpoint: a file, or the first of names that a folder has.
func OpenSource(source string, names []string) (*File, error) {
	path, err := findIn(source, names)
	if err != nil {
		return nil, err
	}
	file, err := Open(path)
	if err != nil {
		return nil, ModelError("", err)
	}
	return file, nil
}

func findIn(source string, names []string) (string, error) {
	info, err := os.Stat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return "", missing.Error(source)
	}
	if err != nil || !info.IsDir() {
		return source, err
	}
	for _, name := range names {
		path := filepath.Join(source, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", noWeights{fmt.Errorf("the folder %s has no weights, which would be called %s: %w", source, strings.Join(names, ", "), torch.ErrModel)}
}

// ErrNoWeights is the kind of error of [OpenSource] for a folder that has none of the names.
var ErrNoWeights = errors.New("no weights")

type noWeights struct{ error }

func (noWeights) Is(target error) bool { return target == ErrNoWeights }
func (e noWeights) Unwrap() error      { return e.error }

// ModelError puts the source in front of an error, unless it is empty, and makes it one of kind
// torch.ErrModel, unless it is of a kind that says more.
func ModelError(source string, err error) error {
	known := []error{torch.ErrModel, torch.ErrInvalid, torch.ErrOutOfMemory, torch.ErrDevice, fs.ErrNotExist, fs.ErrPermission}
	if !slices.ContainsFunc(known, func(kind error) bool { return errors.Is(err, kind) }) {
		err = fmt.Errorf("%w (%w)", err, torch.ErrModel)
	}
	if source == "" {
		return err
	}
	return fmt.Errorf("%s: %w", source, err)
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
