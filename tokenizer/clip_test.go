package tokenizer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openAIMerges reads the merges out of OpenAI's vocabulary file, which has a
// header line and more merges than the model uses.
func openAIMerges(tb testing.TB) string {
	tb.Helper()
	file, err := os.Open("testdata/bpe_simple_vocab_16e6.txt.gz")
	require.NoError(tb, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(tb, err)
	text, err := io.ReadAll(unzipped)
	require.NoError(tb, err)
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[1:49152-256-2+1], "\n")
}

var openAI = sync.OnceValue(func() *CLIP {
	tokenizer, err := NewCLIP(strings.NewReader(openAIMerges(noTest{})), 77)
	if err != nil {
		panic(err)
	}
	return tokenizer
})

// noTest lets the shared tokenizer be made outside of any one test.
type noTest struct{ testing.TB }

func (noTest) Helper()                   {}
func (noTest) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (noTest) FailNow()                  { panic("no tokenizer") }

func TestTokensEqualReference(t *testing.T) {
	path := "testdata/tokens.jsonl.gz"
	if other := os.Getenv("CLIP_TOKENS"); other != "" {
		path = other
	}
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<24)
	require.True(t, lines.Scan(), "the versions come first")

	compared := 0
	for lines.Scan() {
		var want struct {
			Text   string
			Tokens []int64
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		got, err := openAI().Encode(want.Text)
		if len(want.Tokens) == 0 {
			assert.ErrorIs(t, err, ErrEmptyPrompt, "%+q", want.Text)
		} else if assert.NoError(t, err, "%+q", want.Text) {
			assert.Equal(t, want.Tokens, got, "%+q cleaned up to %+q", want.Text, Clean(want.Text))
		}
		compared++
	}
	require.NoError(t, lines.Err())
	assert.Greater(t, compared, 3000)
}

func TestTokenizeCheckValues(t *testing.T) {
	for text, want := range map[string][]int64{
		"a diagram":         {320, 22697},
		"a photo of a cat.": {320, 1125, 539, 320, 2368, 269},
		"café":              {15304},
		"cafe\u0301":        {15304},
		"2024 年":            {273, 271, 273, 275, 38780, 368},
		"🙂👍":                {32006, 4201},
		"İstanbul":          {328, 16384, 11231},
		"don't":             {847, 713},
	} {
		got, err := openAI().Encode(text)
		require.NoError(t, err)
		assert.Equal(t, want, got, text)
	}
}

func TestTokenizeRow(t *testing.T) {
	rows, err := openAI().Tokenize("a diagram", "a cat")
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for i, want := range [][]int64{{49406, 320, 22697, 49407}, {49406, 320, 2368, 49407}} {
		require.Len(t, rows[i], 77)
		assert.Equal(t, want, rows[i][:4])
		assert.Equal(t, make([]int64, 73), rows[i][4:])
	}
	none, err := openAI().Tokenize()
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestTokenizeContextLimit(t *testing.T) {
	fits := strings.Repeat("cat ", 75)
	rows, err := openAI().Tokenize(fits)
	require.NoError(t, err)
	assert.Equal(t, openAI().EndToken(), rows[0][76])

	_, err = openAI().Tokenize("a cat", fits+"cat")
	require.ErrorIs(t, err, ErrPromptTooLong)
	assert.Equal(t, `tokenizer: prompt 2 of 2: the prompt is too long: "cat cat cat cat cat cat cat cat cat cat "... has 78 tokens, `+
		`start and end included, and the model reads 77`, err.Error())

	rows, err = openAI().TokenizeTruncated(fits+"dog dog", "a cat")
	require.NoError(t, err)
	require.Len(t, rows[0], 77)
	assert.Equal(t, []int64{2368, 49407}, rows[0][75:])
	assert.Equal(t, []int64{49406, 320, 2368, 49407, 0}, rows[1][:5])
}

func TestTokenizeErrors(t *testing.T) {
	for _, test := range []struct {
		text string
		is   error
		says string
	}{
		{"", ErrEmptyPrompt, "tokenizer: the prompt is empty"},
		{" \u3000\n", ErrEmptyPrompt, "tokenizer: the prompt is empty"},
		{"\x00\x1b[0m", ErrEmptyPrompt, `tokenizer: the prompt is empty: nothing is left of "\x00\x1b[0m" after the clean-up`},
		{"a\xffb", ErrInvalidUTF8, `tokenizer: the prompt is not valid UTF-8: "a\xffb"`},
		{"\xed\xa0\x80", ErrInvalidUTF8, `tokenizer: the prompt is not valid UTF-8: "\xed\xa0\x80"`},
	} {
		_, err := openAI().Tokenize(test.text)
		require.ErrorIs(t, err, test.is)
		assert.Equal(t, test.says, err.Error())
		_, err = openAI().Encode(test.text)
		require.ErrorIs(t, err, test.is)
		_, err = openAI().TokenizeTruncated(test.text)
		require.ErrorIs(t, err, test.is)
	}
}

func TestVocabulary(t *testing.T) {
	assert.Equal(t, 49408, openAI().VocabularySize())
	assert.Equal(t, int64(49406), openAI().StartToken())
	assert.Equal(t, int64(49407), openAI().EndToken())
	assert.Equal(t, 77, openAI().ContextLength())

	small, err := NewCLIP(strings.NewReader("c a\nca t</w>\n"), 5)
	require.NoError(t, err)
	assert.Equal(t, 516, small.VocabularySize())
	rows, err := small.Tokenize("cat", "ca")
	require.NoError(t, err)
	assert.Equal(t, [][]int64{{514, 513, 515, 0, 0}, {514, 66, 320, 515, 0}}, rows)
}

func TestNewCLIPErrors(t *testing.T) {
	for merges, says := range map[string]string{
		"c a\nca":       `tokenizer: line 2 of the tokenizer's merges is "ca", not two symbols with a space between`,
		"c a\n\nca t":   `tokenizer: line 2 of the tokenizer's merges is "", not two symbols with a space between`,
		"c a\nxy t</w>": `tokenizer: line 2 of the tokenizer's merges, "xy t</w>", has a symbol that is not in the vocabulary`,
	} {
		_, err := NewCLIP(strings.NewReader(merges), 77)
		assert.EqualError(t, err, says)
	}
	_, err := NewCLIP(strings.NewReader(""), 2)
	assert.EqualError(t, err, "tokenizer: a context length of 2 leaves no room for a token between start and end")
	_, err = NewCLIP(io.MultiReader(strings.NewReader("c a\n"), brokenReader{}), 77)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestDecode(t *testing.T) {
	for _, text := range []string{"a photo of a cat . ", "日本語 ", "🙂 "} {
		tokens, err := openAI().Encode(text)
		require.NoError(t, err)
		assert.Equal(t, text, openAI().Decode(tokens))
	}
	// As OpenAI's decoder gives them: half a character becomes one U+FFFD.
	assert.Equal(t, "<|startoftext|>a <|endoftext|>!\ufffd\ufffd", openAI().Decode([]int64{49406, 320, 49407, 0, 49408, -1}))
	assert.Equal(t, "\ufffda", decodeReplacing([]byte("\xf0\x9f\x98a")))
	assert.Equal(t, "\ufffd\ufffd\ufffd", decodeReplacing([]byte("\xed\xa0\x80")))
	assert.Equal(t, "é\ufffd\ufffdb\ufffd", decodeReplacing([]byte("é\xc0\x80b\xe2\x82")))
}

// Both ways of merging must give the same, whatever the word.
func TestLongWordsMergeLikeShortOnes(t *testing.T) {
	pairs := openAI().pairs
	for _, word := range []string{
		"antidisestablishmentarianism", "aaaaaaaaaaaaaaaa", "hahahahahahaha", "!!!!!!!!!!!", "zzzzyzzzyzz", "a", "こんにちは世界",
	} {
		symbols := make([]int32, 0, len(word))
		for i := range len(word) {
			symbols = append(symbols, pairs.single[word[i]])
		}
		symbols[len(symbols)-1] += 256
		assert.Equal(t, pairs.mergeShort(append([]int32(nil), symbols...)), pairs.mergeLong(symbols), word)
	}
	// A megabyte without a space would take hours in quadratic time.
	tokens, err := openAI().Encode(strings.Repeat("abcdefgh", 1<<17))
	require.NoError(t, err)
	assert.Greater(t, len(tokens), 1<<17)
}

func TestCLIPIsConcurrent(t *testing.T) {
	want, err := openAI().Tokenize("a photo of a cat", "cafÃ© Ã la mode")
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				got, err := openAI().Tokenize("a photo of a cat", "cafÃ© Ã la mode")
				assert.NoError(t, err)
				assert.Equal(t, want, got)
			}
		})
	}
	group.Wait()
}

func FuzzCLIP(f *testing.F) {
	for _, text := range []string{"a photo of a cat.", "cafÃ©", "&amp;#65;", "í\u00a0½í¸\u0080", "\x1b[0mĳ", "À\n", "e\u0301\u0345"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := openAI().Encode(text)
		if err != nil {
			return
		}
		require.NotEmpty(t, tokens)
		for _, token := range tokens {
			require.True(t, token >= 0 && token <= openAI().EndToken())
		}
		rows, err := openAI().TokenizeTruncated(text)
		require.NoError(t, err)
		require.Len(t, rows[0], 77)
		// All but the spaces (and U+0345, which belongs to no word) comes back.
		squeeze := func(s string) string {
			return strings.Map(func(r rune) rune {
				if kindOf(r) == spaceKind {
					return -1
				}
				return r
			}, s)
		}
		clean := Clean(text)
		if !strings.Contains(clean, endOfWord) {
			require.Equal(t, squeeze(clean), squeeze(openAI().Decode(tokens)))
		}
	})
}

func ExampleCLIP_Tokenize() {
	// The merges come from the model file; these make one word of "cat".
	tokenizer, err := NewCLIP(strings.NewReader("c a\nca t</w>"), 6)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := tokenizer.Tokenize("A  Cat!")
	fmt.Println(rows, err)
	_, err = tokenizer.Tokenize("cat cat cat cat cat")
	fmt.Println(err)
	// Output:
	// [[514 320 513 256 515 0]] <nil>
	// tokenizer: the prompt is too long: "cat cat cat cat cat" has 7 tokens, start and end included, and the model reads 6
}

// The line has ten words; OpenAI's tokenizer takes 43 µs for such a one, its
// cache warm.
func BenchmarkTokenize(b *testing.B) {
	for name, line := range map[string]string{
		"ASCII":    "A highly detailed photo of a red panda, trending on artstation",
		"accents":  "Une très belle photo d'un café à Paris, près du fleuve",
		"mojibake": "Une trÃ¨s belle photo d'un cafÃ© prÃ¨s du fleuve en hiver",
		"Japanese": "夕焼けの海辺に立つ赤い灯台の油絵、とても細かい",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := openAI().Tokenize(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
