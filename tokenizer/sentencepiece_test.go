package tokenizer

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tokenizersFolder is where the references are that scripts/reference/reference_tokenizers.py wrote.
var tokenizersFolder = cmp.Or(os.Getenv("TOKENIZERS"), "testdata/tokenizers")

// readGzip returns the contents of a compressed file.
func readGzip(tb testing.TB, name string) []byte {
	tb.Helper()
	file, err := os.Open(filepath.Join(tokenizersFolder, name))
	require.NoError(tb, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(tb, err)
	data, err := io.ReadAll(unzipped)
	require.NoError(tb, err)
	return data
}

// A reference is a text, and what each tokenizer of the defining packages made of it.
type reference struct {
	Text    string
	Tokens  map[string][]int64
	Decoded map[string]string
}

// eachReference calls compare for each line of a file of references.
func eachReference(t *testing.T, name string, compare func(want reference)) {
	t.Helper()
	file, err := os.Open(filepath.Join(tokenizersFolder, name))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<24)
	count := 0
	for lines.Scan() {
		var want reference
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		compare(want)
		count++
		if t.Failed() && count > 50 {
			t.FailNow()
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, count, 300)
}

func parseModel(tb testing.TB, name string) *SentencePiece {
	tb.Helper()
	model, err := ParseSentencePiece(readGzip(tb, name+".model.gz"))
	require.NoError(tb, err)
	return model
}

func TestSentencePieceEqualsReference(t *testing.T) {
	models := make(map[string]*SentencePiece)
	eachReference(t, "sentencepiece.jsonl.gz", func(want reference) {
		require.NotEmpty(t, want.Tokens)
		for name, tokens := range want.Tokens {
			if models[name] == nil {
				models[name] = parseModel(t, name)
			}
			got, err := models[name].Encode(want.Text)
			require.NoError(t, err)
			if len(tokens) == 0 {
				assert.Empty(t, got, "%s: %+q", name, want.Text)
			} else {
				assert.Equal(t, tokens, got, "%s: %+q", name, want.Text)
			}
			if decoded, ok := want.Decoded[name]; ok {
				assert.Equal(t, decoded, models[name].Decode(tokens), "%s: %v", name, tokens)
			}
		}
	})
}
