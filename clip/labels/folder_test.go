package labels_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip/labels"
)

func TestOpenFolder(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a_cat/1.png", "a_cat/more/2.JPG", "a_cat/.hidden.png", "a_cat/.h/3.png", "a_cat/notes.txt", "dog/1.webp", "empty/notes.txt", ".git/4.png", "loose.png"} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.NoError(t, os.Symlink(filepath.Join(root, "dog"), filepath.Join(root, "linked")))
	folder, err := labels.OpenFolder(root)
	require.NoError(t, err)
	assert.Equal(t, []string{"a cat", "dog", "empty", "linked"}, folder.Classes)
	assert.Equal(t, []string{"empty"}, folder.Empty)
	assert.Equal(t, []int{0, 0, 1, 3}, folder.ClassOf)
	assert.Equal(t, filepath.Join(root, "a_cat/1.png"), folder.Paths[0])

	_, err = labels.OpenFolder(filepath.Join(root, "dog"))
	assert.ErrorIs(t, err, labels.ErrNoPictures)
	_, err = labels.OpenFolder(filepath.Join(root, "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
