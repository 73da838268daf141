package labels

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/imageio"
)

// A Folder is pictures of known classes.
type Folder struct {
	// Classes are the names of the sub-folders, in order, with spaces in place of underscores.
	Classes []string
	// Paths are the files, and ClassOf the place of each one's class in Classes.
	Paths   []string
	ClassOf []int
	// Empty are the classes without a picture; they are in Classes too.
	Empty []string
}

// ErrNoPictures is the error for a folder without pictures in sub-folders.
var ErrNoPictures = errors.New("there is no picture in a sub-folder; each class has a sub-folder with its name")

// OpenFolder lists a folder with a sub-folder for each class, and pictures in it and below it. Hidden files
// and folders do not count.
func OpenFolder(folder string) (*Folder, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	f := &Folder{}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		info, err := os.Stat(path) // a link to a folder counts
		if err != nil || !info.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		before := len(f.Paths)
		if err := f.add(path); err != nil {
			return nil, fmt.Errorf("labels: %w", err)
		}
		name := strings.ReplaceAll(entry.Name(), "_", " ")
		f.Classes = append(f.Classes, name)
		if len(f.Paths) == before {
			f.Empty = append(f.Empty, name)
		}
	}
	if len(f.Paths) == 0 {
		return nil, fmt.Errorf("labels: %s: %w", folder, ErrNoPictures)
	}
	return f, nil
}

// add adds the pictures below a folder to the next class.
func (f *Folder) add(folder string) error {
	return filepath.WalkDir(folder+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() || hidden || !imageio.HasExtension(path):
		default:
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				f.Paths, f.ClassOf = append(f.Paths, path), append(f.ClassOf, len(f.Classes))
			}
		}
		return nil
	})
}
