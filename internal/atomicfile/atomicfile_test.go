package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
)

func TestWrite(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	text := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	require.NoError(t, atomicfile.Write(path, text("one")))
	require.NoError(t, atomicfile.Write(path, text("two")))

	failure := errors.New("no")
	err := atomicfile.Write(path, func(w io.Writer) error { io.WriteString(w, "thr"); return failure })
	assert.ErrorIs(t, err, failure)
	assert.ErrorIs(t, atomicfile.Write(filepath.Join(folder, "none", "file"), text("")), os.ErrNotExist)

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "two", string(data))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestWhereNothingCanBeWritten(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(file, link))
	for path, wanted := range map[string]string{
		folder:                             "it is a folder",
		os.DevNull:                         "it is no regular file",
		filepath.Join(folder, "none", "a"): "the folder " + filepath.Join(folder, "none") + " does not exist",
		filepath.Join(file, "a"):           file + " is no folder",
	} {
		assert.EqualError(t, atomicfile.Check(path), "cannot write "+path+": "+wanted)
		err := atomicfile.Write(path, func(io.Writer) error { t.Error("it must not be called"); return nil })
		assert.EqualError(t, err, wanted)
	}
	assert.NoError(t, atomicfile.Check(file))
	assert.NoError(t, atomicfile.Check(filepath.Join(folder, "new")))
	// The file to which a link points is replaced, not the link.
	require.NoError(t, atomicfile.Write(link, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "new", string(data))
}
