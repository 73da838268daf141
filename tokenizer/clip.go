package tokenizer

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// CLIP is the tokenizer of OpenAI's CLIP: byte-pair encoding of lower-case text, cleaned as by
// [Clean]. It gives the same tokens as clip.tokenize in openai/CLIP (simple_tokenizer.py).
type CLIP struct {
	pairs   *bytePairs
	format  rowFormat
	clean   func(text string) string
	special [2]string // the names of start and end
}

var _ Tokenizer = (*CLIP)(nil)

// NewCLIP returns a tokenizer for the merges of a byte-pair encoding: one "a b" in each line, in
// the order in which they were learned. The vocabulary is OpenAI's: 256 bytes, 256 bytes that end a
// word, the merges, <|startoftext|> and <|endoftext|>. contextLength includes the two special
// tokens; it is 77 for OpenAI's models.
func NewCLIP(merges io.Reader, contextLength int) (*CLIP, error) {
	return newCLIP(merges, contextLength, Clean, startOfText, endOfText)
}

// newCLIP returns a tokenizer with a clean-up and the names of the special tokens.
func newCLIP(merges io.Reader, contextLength int, clean func(string) string, startName, endName string) (*CLIP, error) {
	pairs, err := readBytePairs(merges)
	if err != nil {
		return nil, err
	}
	t := &CLIP{pairs: pairs, clean: clean, special: [2]string{startName, endName}}
	t.format = rowFormat{start: []int64{t.StartToken()}, end: []int64{t.EndToken()}, contextLength: contextLength}
	if err := t.format.check(); err != nil {
		return nil, err
	}
	return t, nil
}

// ContextLength returns the length of a row of [CLIP.Tokenize].
func (t *CLIP) ContextLength() int { return t.format.contextLength }

// VocabularySize returns the number of tokens, including the two special ones.
func (t *CLIP) VocabularySize() int { return len(t.pairs.symbols) + 2 }

// StartToken returns the token <|startoftext|>, the second to last.
func (t *CLIP) StartToken() int64 { return int64(len(t.pairs.symbols)) }

// EndToken returns the token <|endoftext|>. It is the largest, so that the model finds it with
// argmax.
func (t *CLIP) EndToken() int64 { return int64(len(t.pairs.symbols)) + 1 }

// Encode returns the tokens of a text of any length, without start and end. As in openai/CLIP, the
// names of the special tokens in the text become these tokens. The error is [ErrEmptyPrompt] or
// [ErrInvalidUTF8].
func (t *CLIP) Encode(text string) ([]int64, error) {
	tokens, err := t.appendTokens(make([]int64, 0, len(text)/4+1), text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return tokens, nil
}

// Tokenize returns the model's input: for each text a row of [CLIP.ContextLength] tokens, which are
// start, the text, end, and zeros. The error is [ErrPromptTooLong] if a text does not fit, or an
// error of [CLIP.Encode].
func (t *CLIP) Tokenize(texts ...string) ([][]int64, error) {
	return t.format.rows(texts, false, t.appendTokens)
}

// TokenizeTruncated is [CLIP.Tokenize] that cuts texts that do not fit; the last token of such a
// row is the end.
func (t *CLIP) TokenizeTruncated(texts ...string) ([][]int64, error) {
	return t.format.rows(texts, true, t.appendTokens)
}

// appendTokens appends the tokens of text.
func (t *CLIP) appendTokens(tokens []int64, text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	before := len(tokens)
	for rest := t.clean(text); ; {
		var word string
		if word, rest = nextWord(rest, t.special[:]); word == "" {
			break
		}
		switch word {
		case t.special[0]:
			tokens = append(tokens, t.StartToken())
		case t.special[1]:
			tokens = append(tokens, t.EndToken())
		default:
			tokens = t.pairs.appendWord(tokens, word)
		}
	}
	if len(tokens) == before {
		if strings.TrimSpace(text) == "" {
			return nil, ErrEmptyPrompt
		}
		return nil, fmt.Errorf("%w: nothing is left of %s after the clean-up", ErrEmptyPrompt, quoteShort(text))
	}
	return tokens, nil
}

// Decode returns the text of tokens, with a space after each word, as openai/CLIP does. Start, end
// and padding are decoded like other tokens; the padding 0 is "!". Invalid UTF-8 and tokens outside
// the vocabulary become U+FFFD.
func (t *CLIP) Decode(tokens []int64) string {
	var out []byte
	for _, token := range tokens {
		switch {
		case token == t.StartToken():
			out = append(out, t.special[0]...)
		case token == t.EndToken():
			out = append(out, t.special[1]...)
		case token < 0 || token > t.EndToken():
			out = append(out, string(utf8.RuneError)...)
		default:
			for _, r := range t.pairs.symbols[token] {
				out = append(out, t.pairs.byteOf[r])
			}
		}
	}
	return strings.ReplaceAll(decodeReplacing(out), endOfWord, " ")
}
