package archive_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TorchScript keeps the files that a module was compiled from in its debug records.
func TestCommittedArchivesNameNoPlace(t *testing.T) {
	root := filepath.Join("..", "..")
	var count int
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "build" || name == "bin") {
			return fs.SkipDir
		}
		folder := filepath.ToSlash(filepath.Dir(path)) + "/"
		if filepath.Ext(name) == ".pt" && (strings.Contains(folder, "/testdata/") || strings.HasSuffix(folder, "/models/")) {
			count++
			checkNamesNoPlace(t, path)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, count, 10)
}

func checkNamesNoPlace(t *testing.T, path string) {
	t.Helper()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, contents := range parts(whole) {
		for _, place := range []string{"/work", "/home", "/root", "site-packages"} {
			assert.False(t, bytes.Contains(contents, []byte(place)), "%s, %s names %s", path, name, place)
		}
	}
}

// parts returns the readable files of a zip archive, or the file itself if it is none, as some of the
// files in testdata are damaged.
func parts(whole []byte) map[string][]byte {
	found := map[string][]byte{"file": whole}
	reader, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return found
	}
	for _, each := range reader.File {
		if file, err := each.Open(); err == nil {
			found[each.Name], _ = io.ReadAll(file)
			file.Close()
		}
	}
	return found
}
