package tokenizer

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPaddingSide of folders without padding_side is that of tokenizer.json, or else the class's, as in
// transformers 5.24, which gave these rows for "a cat".
func TestPaddingSide(t *testing.T) {
	left, right := []int64{0, 0, 0, 0, 0, 633, 402, 1}, []int64{633, 402, 1, 0, 0, 0, 0, 0}
	for _, class := range []string{"GemmaTokenizer", "Siglip2Tokenizer"} {
		for _, test := range []struct {
			ofConfig, ofJSON string
			want             []int64
		}{
			{"", "", left}, {"", "Right", right}, {"", "Left", left}, {"right", "Left", right}, {"left", "Right", left}, {"right", "", right},
		} {
			model := readGzip(t, "gemma.json.gz")
			require.Contains(t, string(model), `"padding":null`)
			if test.ofJSON != "" {
				padding := fmt.Sprintf(`"padding":{"strategy":{"Fixed":16},"direction":%q,"pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"<pad>"}`, test.ofJSON)
				model = bytes.Replace(model, []byte(`"padding":null`), []byte(padding), 1)
			}
			config := fmt.Sprintf(`{"pad_token":"<pad>","bos_token":"<bos>","eos_token":"<eos>","unk_token":"<unk>","tokenizer_class":%q,"model_max_length":8`, class)
			if test.ofConfig != "" {
				config += fmt.Sprintf(`,"padding_side":%q`, test.ofConfig)
			}
			tokenizer, err := ForHuggingFace(fstest.MapFS{
				"tokenizer.json":        {Data: model},
				"tokenizer_config.json": {Data: []byte(config + "}")},
				"config.json":           {Data: []byte(`{"model_type":"siglip2","text_config":{"max_position_embeddings":8}}`)},
			}, Options{})
			require.NoError(t, err)
			rows, err := tokenizer.Tokenize("a cat")
			require.NoError(t, err)
			assert.Equal(t, test.want, rows[0], "%s, %+v", class, test)
		}
	}
}
