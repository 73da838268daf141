package tokenizer

import (
	"errors"
	"fmt"
	"strconv"
)

// The errors that a text can give. Tell them apart with errors.Is.
var (
	// ErrEmptyPrompt: no token is left of the text after the clean-up.
	ErrEmptyPrompt = errors.New("the prompt is empty")
	// ErrInvalidUTF8: the text is not valid UTF-8.
	ErrInvalidUTF8 = errors.New("the prompt is not valid UTF-8")
	// ErrPromptTooLong: the text has more tokens than the context length.
	ErrPromptTooLong = errors.New("the prompt is too long")
)

// A Tokenizer turns texts into the tokens of one vocabulary and back. It does not change after it
// is made and may be used from many goroutines at once.
type Tokenizer interface {
	// Encode returns the tokens of a text of any length, without those that mark start and end.
	// Its errors are [ErrEmptyPrompt] and [ErrInvalidUTF8].
	Encode(text string) ([]int64, error)
	// Decode returns the text of tokens. Tokens outside the vocabulary become U+FFFD.
	Decode(tokens []int64) string
	// Tokenize returns a model's input: for each text a row of ContextLength tokens, the special
	// tokens and the padding included. Beside Encode's errors there is [ErrPromptTooLong].
	Tokenize(texts ...string) ([][]int64, error)
	// TokenizeTruncated is Tokenize, but cuts off texts that are too long.
	TokenizeTruncated(texts ...string) ([][]int64, error)
	// ContextLength is the length of a row.
	ContextLength() int
	// VocabularySize is the number of tokens, the special ones included.
	VocabularySize() int
}

// A rowFormat says how a model's input is made of a text's tokens: start, the text, end, padding.
type rowFormat struct {
	start         []int64
	end, padding  int64
	contextLength int
}

// rows makes a row for each text. appendTokens appends a text's tokens to a slice.
func (f rowFormat) rows(texts []string, truncate bool,
	appendTokens func(tokens []int64, text string) ([]int64, error)) ([][]int64, error) {
	rows := make([][]int64, len(texts))
	for i, text := range texts {
		tokens, err := appendTokens(append(make([]int64, 0, f.contextLength), f.start...), text)
		if err == nil {
			rows[i], err = f.finish(tokens, text, truncate)
		}
		if err != nil && len(texts) > 1 {
			return nil, fmt.Errorf("tokenizer: prompt %d of %d: %w", i+1, len(texts), err)
		}
		if err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
	}
	return rows, nil
}

// finish appends the end and the padding to start and text.
func (f rowFormat) finish(row []int64, text string, truncate bool) ([]int64, error) {
	row = append(row, f.end)
	if len(row) > f.contextLength {
		if !truncate {
			return nil, fmt.Errorf("%w: %s has %d tokens, start and end included, and the model reads %d",
				ErrPromptTooLong, quoteShort(text), len(row), f.contextLength)
		}
		row = row[:f.contextLength:f.contextLength]
		row[f.contextLength-1] = f.end
	}
	for len(row) < f.contextLength {
		row = append(row, f.padding)
	}
	return row, nil
}

// quoteShort quotes a text for an error message, only its start if it is long.
func quoteShort(text string) string {
	const longest = 40
	count := 0
	for i := range text {
		if count == longest {
			return strconv.Quote(text[:i]) + "..."
		}
		count++
	}
	return strconv.Quote(text)
}
