package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The one picture of a folder is written into a folder too.
func TestReconstructFolderOfOne(t *testing.T) {
	folder := t.TempDir()
	picture, err := os.ReadFile(repository(t, "docs/generated.png"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "in"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "in", "a.png"), picture, 0o600))
	_, stderr, status := run(t, folder, "reconstruct", "in", "-o", "in/rec")
	require.Zero(t, status, stderr)
	assert.FileExists(t, filepath.Join(folder, "in", "rec", "a.png"))
	_, stderr, status = run(t, folder, "reconstruct", "in/a.png", "-o", "rec")
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "rec has no extension")
}
