package vqgan

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// listing writes the names and shapes of tensors, one in each line.
func listing(set *weights.Set) string {
	var text strings.Builder
	for _, name := range set.Names() {
		text.WriteString(name)
		for _, size := range set.Shape(name) {
			fmt.Fprintf(&text, " %d", size)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// listed reads what listing writes.
func listed(path, text string) *weights.Set {
	set := weights.NewSet(path, nil)
	for line := range strings.Lines(text) {
		name, sizes, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		shape := torch.Shape{}
		for each := range strings.FieldsSeq(sizes) {
			if size, err := strconv.ParseInt(each, 10, 64); err == nil && size >= 0 && len(shape) < 8 {
				shape = append(shape, size)
			}
		}
		set.Add(weights.Entry{Name: name, Shape: shape, DType: torch.Float32})
	}
	return set
}

// FuzzIdentify: whatever tensors a checkpoint lists and whatever stands in the configurations beside
// it, telling its network ends with a description that the tensors fit, or an error of one line.
func FuzzIdentify(f *testing.F) {
	for name, each := range layouts {
		source := filepath.Join(checkpointFolder(name), each.file)
		opened, err := open(source)
		require.NoError(f, err)
		text := listing(opened.set)
		folder := filepath.Dir(opened.path)
		opened.close()
		var configuration []byte
		for _, name := range []string{"model.yaml", "config.yaml", "net2net.yaml", "config.json"} {
			if data, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
				configuration = data
			}
		}
		f.Add(text, configuration)
	}
	f.Fuzz(func(t *testing.T, text string, configuration []byte) {
		folder := t.TempDir()
		for _, name := range []string{"model.yaml", "config.json"} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), configuration, 0o600))
		}
		path := filepath.Join(folder, "model.ckpt")
		opened := &opened{path: path, set: listed(path, text)}
		var found *identified
		err := opened.addOtherHalf()
		if err == nil {
			found, err = opened.identify(ImportOptions{})
		}
		if err == nil {
			err = found.checkShapes()
		}
		if err != nil {
			assert.NotContains(t, strings.TrimPrefix(err.Error(), path), "\n")
			return
		}
		config, err := found.config(path)
		require.NoError(t, err)
		assert.Positive(t, config.CodebookSize)
		assert.Positive(t, config.DownsamplingFactor)
		assert.Positive(t, config.ImageSize)
	})
}
