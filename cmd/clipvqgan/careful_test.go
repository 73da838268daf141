package main

import (
	"image"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReconstructKeepsItsInputs: a picture is not replaced by its own reconstruction.
func TestReconstructKeepsItsInputs(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "same", "a.png")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
	savePNG(t, path, image.NewRGBA(image.Rect(0, 0, 32, 32)))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, arguments := range [][]string{{"reconstruct", "same", "-o", "same"}, {"reconstruct", path, "-o", path}} {
		_, problems, status := run(t, folder, arguments...)
		assert.Equal(t, 1, status)
		assert.Contains(t, problems, "its own reconstruction")
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

// TestAFolderWithAPipe: only files are pictures, so nothing is waited for.
func TestAFolderWithAPipe(t *testing.T) {
	folder := t.TempDir()
	savePNG(t, filepath.Join(folder, "a.png"), image.NewRGBA(image.Rect(0, 0, 32, 32)))
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "p.png"), 0o600))
	out, problems, status := run(t, folder, "classify", ".", "nothere.png", "--labels", "a,b", "--json")
	assert.Equal(t, 1, status)
	assert.Contains(t, out, `"picture":"a.png"`)
	assert.Contains(t, out, `{"picture":"nothere.png","error":"nothere.png does not exist"}`)
	assert.NotContains(t, problems, "p.png")
}
