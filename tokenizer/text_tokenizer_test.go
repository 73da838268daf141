package tokenizer

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func openSmall(t *testing.T, o Options) *TextTokenizer {
	t.Helper()
	tokenizer, err := FromTokenizerJSON(tokenizerJSON(map[string]string{
		"model":          `{"type": "WordLevel", "vocab": {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "c": 6, "d": 7}}`,
		"pre_tokenizer":  `{"type": "WhitespaceSplit"}`,
		"post_processor": `{"type": "RobertaProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2]}`,
		"added_tokens":   `[{"content": "</s>", "special": true}, {"content": "<new>", "lstrip": true, "rstrip": true, "special": true}]`,
	}), o)
	require.NoError(t, err)
	return tokenizer
}

func tokenizeOne(t *testing.T, tokenizer Tokenizer, text string) []int64 {
	t.Helper()
	rows, err := tokenizer.TokenizeTruncated(text)
	require.NoError(t, err)
	return rows[0]
}

func TestRowOptions(t *testing.T) {
	for _, test := range []struct {
		options Options
		text    string
		want    []int64
	}{
		{Options{ContextLength: 6}, "a b", []int64{1, 4, 5, 2, 0, 0}},
		{Options{ContextLength: 6, PaddingToken: "</s>"}, "a b", []int64{1, 4, 5, 2, 2, 2}},
		{Options{ContextLength: 6, PadLeft: true}, "a b", []int64{0, 0, 1, 4, 5, 2}},
		{Options{ContextLength: 4}, "a b c d", []int64{1, 4, 5, 2}},
		{Options{ContextLength: 5, ClearedToken: "</s>"}, "a </s> b", []int64{1, 4, 0, 5, 0}},
		{Options{ContextLength: 5, StartToken: "b", EndToken: "c"}, "a", []int64{5, 4, 6, 0, 0}},
		{Options{ContextLength: 6}, "a  <new>  b", []int64{1, 4, 8, 5, 2, 0}},
		{Options{ContextLength: 4, CleanUp: CleanUpLower}, "A", []int64{1, 4, 2, 0}},
	} {
		assert.Equal(t, test.want, tokenizeOne(t, openSmall(t, test.options), test.text), "%+v", test)
	}
}

func TestTextTokenizer(t *testing.T) {
	tokenizer := openSmall(t, Options{ContextLength: 5})
	assert.Equal(t, 5, tokenizer.ContextLength())
	assert.Equal(t, 9, tokenizer.VocabularySize())
	assert.Equal(t, []int64{1}, tokenizer.StartTokens())
	assert.Equal(t, []int64{2}, tokenizer.EndTokens())
	assert.Zero(t, tokenizer.PaddingToken())
	assert.Equal(t, "a <new> \ufffd", tokenizer.Decode([]int64{4, 8, 9}))

	ids, err := tokenizer.Encode("a b c d a b c d")
	require.NoError(t, err)
	assert.Len(t, ids, 8)
	_, err = tokenizer.Tokenize("a", "a b c d a b c d")
	assert.ErrorIs(t, err, ErrPromptTooLong)
	assert.ErrorContains(t, err, "prompt 2 of 2")
	for _, text := range []string{"", " \n"} {
		_, err = tokenizer.Tokenize(text)
		assert.ErrorIs(t, err, ErrEmptyPrompt)
	}
	_, err = tokenizer.Encode("\xff")
	assert.ErrorIs(t, err, ErrInvalidUTF8)
	_, err = openSmall(t, Options{ContextLength: 5, CleanUp: CleanUpCanonicalize}).Encode("?!")
	assert.EqualError(t, err, `tokenizer: the prompt is empty: nothing is left of "?!" after the clean-up`)
}

func TestRowOfFile(t *testing.T) {
	parts := map[string]string{
		"model":         `{"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1, "b": 2, "c": 3}}`,
		"pre_tokenizer": `{"type": "Whitespace"}`,
		"truncation":    `{"direction": "Left", "max_length": 2, "strategy": "LongestFirst", "stride": 0}`,
		"padding":       `{"strategy": {"Fixed": 2}, "direction": "Left", "pad_id": 3, "pad_type_id": 0, "pad_token": "c"}`,
	}
	tokenizer, err := FromTokenizerJSON(tokenizerJSON(parts), Options{})
	require.NoError(t, err)
	assert.Equal(t, []int64{2, 3}, tokenizeOne(t, tokenizer, "a b c"))
	assert.Equal(t, []int64{3, 1}, tokenizeOne(t, tokenizer, "a"))
}

// The layouts that a folder can have in place of a tokenizer.json.
func TestLayouts(t *testing.T) {
	vocabulary := `{"a": 0, "b</w>": 1, "ab</w>": 2, "<|startoftext|>": 3, "<|endoftext|>": 4}`
	tokenizer, err := FromBPE(strings.NewReader(vocabulary), strings.NewReader("#version: 0.2\na b</w>\n"), Options{})
	require.NoError(t, err)
	assert.Equal(t, 77, tokenizer.ContextLength())
	assert.Equal(t, []int64{3, 2, 4, 1, 4, 4}, tokenizeOne(t, tokenizer, "AB a b")[:6])

	t5, err := ForHuggingFace(fstest.MapFS{
		"tokenizer_config.json": {Data: []byte(`{"tokenizer_class": "T5TokenizerFast", "model_max_length": 9}`)},
		"spiece.model":          {Data: readGzip(t, "t5.model.gz")},
	}, Options{})
	require.NoError(t, err)
	assert.Equal(t, []int64{1}, t5.EndTokens())
	assert.Equal(t, 9, t5.ContextLength())
}

func TestCleanUps(t *testing.T) {
	const text = " A_b,  c&amp;D\t<e> Ã©\n"
	for clean, want := range map[CleanUp]string{
		CleanUpNone: text, CleanUpLower: "a_b, c&d <e> é", CleanUpWhitespace: "A_b, c&D <e> é", CleanUpCanonicalize: "a b cd e é",
	} {
		got, err := clean.Apply(text)
		require.NoError(t, err)
		assert.Equal(t, want, got, clean)
	}
	_, err := CleanUp("sparkle").Apply("a")
	assert.ErrorContains(t, err, "sparkle")
	_, err = CleanUpLower.Apply("\xff")
	assert.ErrorIs(t, err, ErrInvalidUTF8)
}

// What a hostile file makes of a text stays bounded.
func TestGrowingTexts(t *testing.T) {
	doubled := strings.TrimSuffix(strings.Repeat(`{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"},`, 40), ",")
	bytes := strings.TrimSuffix(strings.Repeat(`{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},`, 40), ",")
	for _, parts := range []map[string]string{
		{"normalizer": `{"type": "Sequence", "normalizers": [` + doubled + `]}`},
		{"pre_tokenizer": `{"type": "Sequence", "pretokenizers": [` + bytes + `]}`},
	} {
		tokenizer, err := ParseTokenizerJSON(tokenizerJSON(parts))
		require.NoError(t, err)
		_, err = tokenizer.Encode("aé")
		assert.ErrorIs(t, err, errTextGrows)
	}
	_, err := ParseTokenizerJSON(tokenizerJSON(map[string]string{"decoder": strings.Repeat(`{"type": "Sequence", "decoders": [`, 60) + strings.Repeat(`]}`, 60)}))
	assert.ErrorContains(t, err, "nested too deeply")
}

func TestPrefixTrie(t *testing.T) {
	trie := newPrefixTrie([]string{"b", "a", "", "abc", "a"}, []int32{0, 1, 2, 3, 4})
	for text, want := range map[string][2]int{"": {0, noValue}, "c": {0, noValue}, "b": {1, 0}, "abx": {1, 4}, "abcd": {3, 3}} {
		length, value := trie.longestPrefix(text)
		assert.Equal(t, want, [2]int{length, int(value)}, text)
	}
}
