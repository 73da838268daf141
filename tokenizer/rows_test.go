package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A folderReference is the first line of the references of rows: the folders, and what open_clip is
// told about some of them.
type folderReference struct {
	Folders  map[string]map[string]json.RawMessage
	OpenCLIP map[string]OpenCLIPText `json:"open_clip"`
}

// folder returns the files of a folder. A file is JSON, a text, or "@" and the name of another file.
func (r folderReference) folder(tb testing.TB, name string) fstest.MapFS {
	tb.Helper()
	files := make(fstest.MapFS)
	for file, content := range r.Folders[name] {
		data := []byte(content)
		var text string
		if json.Unmarshal(content, &text) == nil {
			data = []byte(text)
			if other, ok := strings.CutPrefix(text, "@"); ok {
				data = readGzip(tb, other+".gz")
			}
		}
		files[file] = &fstest.MapFile{Data: data}
	}
	return files
}

// open opens what a row was made with.
func (r folderReference) open(t *testing.T, name string) Tokenizer {
	t.Helper()
	if folder, ok := strings.CutPrefix(name, "transformers/"); ok {
		tokenizer, err := ForHuggingFace(r.folder(t, folder), Options{ContextLength: 24})
		require.NoError(t, err, name)
		return tokenizer
	}
	name = strings.TrimPrefix(name, "open_clip/")
	tokenizer, err := ForOpenCLIP(r.folder(t, name), strings.NewReader(openAIMerges(t)), r.OpenCLIP[name])
	require.NoError(t, err, name)
	return tokenizer
}

// readRows returns the folders, and the lines of rows.
func readRows(tb testing.TB) (folderReference, *bufio.Scanner) {
	tb.Helper()
	lines := bufio.NewScanner(bytes.NewReader(readGzip(tb, "rows.jsonl.gz")))
	lines.Buffer(nil, 1<<24)
	require.True(tb, lines.Scan())
	var folders folderReference
	require.NoError(tb, json.Unmarshal(lines.Bytes(), &folders))
	return folders, lines
}

// emptyRow is a row without a text.
func emptyRow(t *testing.T, tokenizer Tokenizer) []int64 {
	var format rowFormat
	switch tokenizer := tokenizer.(type) {
	case *TextTokenizer:
		format = tokenizer.format
	case *CLIP:
		format = tokenizer.format
	}
	row, err := format.finish(slices.Clone(format.start), "", false)
	require.NoError(t, err)
	return row
}

func TestRowsEqualReference(t *testing.T) {
	folders, lines := readRows(t)
	tokenizers := make(map[string]Tokenizer)
	count := 0
	for lines.Scan() {
		var want reference
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		for name, row := range want.Tokens {
			if tokenizers[name] == nil {
				tokenizers[name] = folders.open(t, name)
			}
			got, err := tokenizers[name].TokenizeTruncated(want.Text)
			if errors.Is(err, ErrEmptyPrompt) { // the reference makes a row without a text of it
				got, err = [][]int64{emptyRow(t, tokenizers[name])}, nil
			}
			require.NoError(t, err)
			assert.Equal(t, row, got[0], "%s: %+q", name, want.Text)
			count++
		}
		if t.Failed() && count > 100 {
			t.FailNow()
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, count, 1000)
}
