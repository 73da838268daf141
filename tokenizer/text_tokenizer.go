package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A TextTokenizer is the [Tokenizer] of a text encoder: a clean-up, a way to encode, and the special
// tokens and the padding of a row. [FromSentencePiece], [FromTokenizerJSON], [FromBPE],
// [ForHuggingFace] and [ForOpenCLIP] make one.
type TextTokenizer struct {
	encoder textEncoder
	clean   func(text string) string
	format  rowFormat
}

var _ Tokenizer = (*TextTokenizer)(nil)

// A textEncoder turns texts into tokens.
type textEncoder interface {
	// encode appends the tokens of a text, which is valid UTF-8.
	encode(ids []int64, text string) ([]int64, error)
	Decode(ids []int64) string
	VocabularySize() int
	// Token returns the number of a token.
	Token(token string) (id int64, ok bool)
}

// ContextLength returns the length of a row of [TextTokenizer.Tokenize].
func (t *TextTokenizer) ContextLength() int { return t.format.contextLength }

// VocabularySize returns one more than the largest token, special ones included.
func (t *TextTokenizer) VocabularySize() int { return t.encoder.VocabularySize() }

// StartTokens returns the tokens before a text; there may be none.
func (t *TextTokenizer) StartTokens() []int64 { return slices.Clone(t.format.start) }

// EndTokens returns the tokens after a text; there may be none.
func (t *TextTokenizer) EndTokens() []int64 { return slices.Clone(t.format.end) }

// PaddingToken returns the token that fills a row.
func (t *TextTokenizer) PaddingToken() int64 { return t.format.padding }

// Encode returns the tokens of a text of any length, without start and end. The error is
// [ErrEmptyPrompt], [ErrInvalidUTF8], or that the vocabulary has nothing for a character.
func (t *TextTokenizer) Encode(text string) ([]int64, error) {
	tokens, err := t.appendTokens(make([]int64, 0, len(text)/4+1), text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return tokens, nil
}

// Tokenize returns the model's input: for each text a row of [TextTokenizer.ContextLength] tokens.
// The error is [ErrPromptTooLong] if a text does not fit, or an error of [TextTokenizer.Encode].
func (t *TextTokenizer) Tokenize(texts ...string) ([][]int64, error) {
	return t.format.rows(texts, false, t.appendTokens)
}

// TokenizeTruncated is [TextTokenizer.Tokenize] that cuts texts that do not fit; start and end stay.
func (t *TextTokenizer) TokenizeTruncated(texts ...string) ([][]int64, error) {
	return t.format.rows(texts, true, t.appendTokens)
}

// Decode returns the text of tokens, special ones and padding included. Tokens that there are not
// become U+FFFD.
func (t *TextTokenizer) Decode(tokens []int64) string { return t.encoder.Decode(tokens) }

// appendTokens appends the tokens of text.
func (t *TextTokenizer) appendTokens(tokens []int64, text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	before := len(tokens)
	tokens, err := t.encoder.encode(tokens, t.clean(text))
	if err != nil {
		return nil, err
	}
	if len(tokens) == before {
		if strings.TrimSpace(text) == "" {
			return nil, ErrEmptyPrompt
		}
		return nil, fmt.Errorf("%w: nothing is left of %s after the clean-up", ErrEmptyPrompt, quoteShort(text))
	}
	return tokens, nil
}
