package prior

import (
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

// FuzzIdentify: whatever tensors a transformer lists and whatever its YAML file says, telling its network
// ends with a description that the tensors fit, or an error of one line.
func FuzzIdentify(f *testing.F) {
	for name := range publishedModels {
		if name == "min_dalle" {
			continue
		}
		file, err := weights.Open(filepath.Join("testdata", name, "last.ckpt"))
		require.NoError(f, err)
		var text strings.Builder
		for _, name := range file.Names() {
			if strings.HasPrefix(name, "transformer.") && !strings.HasSuffix(name, ".mask") {
				text.WriteString(name)
				for _, size := range file.Shape(name) {
					text.WriteString(" " + strconv.FormatInt(size, 10))
				}
				text.WriteByte('\n')
			}
		}
		file.Close()
		configuration, err := os.ReadFile(filepath.Join("testdata", name, "model.yaml"))
		require.NoError(f, err)
		f.Add(text.String(), configuration)
	}
	f.Fuzz(func(t *testing.T, text string, configuration []byte) {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, "model.yaml"), configuration, 0o600))
		path := filepath.Join(folder, "model.ckpt")
		set := weights.NewSet(path, nil)
		for line := range strings.Lines(text) {
			name, sizes, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			shape := torch.Shape{}
			for each := range strings.FieldsSeq(sizes) {
				if size, err := strconv.ParseInt(each, 10, 64); err == nil && size >= 0 && len(shape) < 8 {
					shape = append(shape, size)
				}
			}
			set.Add(weights.Entry{Name: name, Shape: shape, DType: torch.Float32, Read: func() (*torch.Tensor, error) {
				return nil, os.ErrInvalid
			}})
		}
		o := &opened{path: path}
		err := o.identify(&weights.File{Set: set}, ImportOptions{})
		if err == nil {
			err = o.checkShapes()
		}
		if err == nil {
			var config Config
			if config, err = o.describe(path); err == nil {
				err = config.check()
			}
		}
		if err != nil {
			assert.NotContains(t, strings.ReplaceAll(err.Error(), folder, ""), "\n")
		}
	})
}

// FuzzDalleMiniText: whatever a vocabulary, merges and a prompt are, reading ends with a row of the model's
// length and tokens, or an error.
func FuzzDalleMiniText(f *testing.F) {
	files := dalleMiniFiles()
	f.Add(files[vocabularyFile], files[mergesFile], "abc a")
	f.Fuzz(func(t *testing.T, vocabulary, merges []byte, text string) {
		reader, err := newDalleMiniReader(Config{TextVocabulary: 12, TextLength: 7}, vocabulary, merges)
		if err != nil {
			return
		}
		row, err := reader.read(text)
		if err != nil {
			return
		}
		require.Len(t, row, 7)
		for _, token := range row {
			require.True(t, token >= 0 && token < 12)
		}
	})
}
