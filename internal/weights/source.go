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

// OpenSource opens a checkpoint: a file, or the first of names that a folder has, or else the only
// file of weights in it. The folder may be one of the cache of Hugging Face's hub, of which the
// snapshot is taken.
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

// extensions are those of files of weights.
var extensions = []string{".safetensors", ".bin", ".pt", ".pth", ".ckpt"}

func findIn(source string, names []string) (string, error) {
	info, err := os.Stat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return "", missing.Error(source)
	}
	if err != nil || !info.IsDir() {
		return source, err
	}
	folder, err := snapshot(source)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		path := filepath.Join(folder, name)
		if _, err := os.Lstat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var found []string
	for _, entry := range entries {
		if !entry.IsDir() && slices.Contains(extensions, filepath.Ext(entry.Name())) {
			found = append(found, entry.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", noWeights{fmt.Errorf("the folder %s has no weights, which would be in a file of type %s: %w", folder, strings.Join(extensions, ", "), torch.ErrModel)}
	case 1:
		return filepath.Join(folder, found[0]), nil
	}
	return "", noWeights{fmt.Errorf("the folder %s has %d files of weights, %s: give one of them: %w", folder, len(found), strings.Join(found, ", "), torch.ErrModel)}
}

// snapshot returns the folder of the files in a folder of the cache of Hugging Face's hub
// (models--NAME--NAME), or the folder itself if it is another.
func snapshot(folder string) (string, error) {
	snapshots := filepath.Join(folder, "snapshots")
	if commit, err := os.ReadFile(filepath.Join(folder, "refs", "main")); err == nil {
		path := filepath.Join(snapshots, filepath.Base(strings.TrimSpace(string(commit))))
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path, nil
		}
	}
	entries, err := os.ReadDir(snapshots)
	switch {
	case err != nil || len(entries) == 0:
		return folder, nil
	case len(entries) > 1:
		return "", noWeights{fmt.Errorf("the folder %s has %d snapshots of a model: give one of them: %w", snapshots, len(entries), torch.ErrModel)}
	}
	return filepath.Join(snapshots, entries[0].Name()), nil
}

// ErrNoWeights is the kind of error of [OpenSource] for a folder in which it finds no weights.
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

// Beside returns the contents of a file in the folder of a checkpoint, and nil if there is none.
func Beside(checkpoint, name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(filepath.Dir(checkpoint), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
