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
