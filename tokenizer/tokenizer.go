package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// The errors for a text; compare with errors.Is.
var (
	// ErrEmptyPrompt: no token is left after cleaning the text.
	ErrEmptyPrompt = errors.New("the prompt is empty")
	// ErrInvalidUTF8: the text is not valid UTF-8.
	ErrInvalidUTF8 = errors.New("the prompt is not valid UTF-8")
	// ErrPromptTooLong: the text has more tokens than the context length allows.
	ErrPromptTooLong = errors.New("the prompt is too long")
)

// A Tokenizer converts texts to the tokens of a vocabulary and back. It is immutable and may be
// used from many goroutines at once.
type Tokenizer interface {
	// Encode returns the tokens of a text of any length, without those for start and end. The error
	// is [ErrEmptyPrompt] or [ErrInvalidUTF8].
	Encode(text string) ([]int64, error)
	// Decode returns the text of tokens. Tokens outside the vocabulary become U+FFFD.
	Decode(tokens []int64) string
	// Tokenize returns a model's input: for each text a row of ContextLength tokens, with special
	// tokens and padding. The error is [ErrPromptTooLong] if a text does not fit, or an error of
	// Encode.
	Tokenize(texts ...string) ([][]int64, error)
	// TokenizeTruncated is Tokenize that cuts texts that do not fit.
	TokenizeTruncated(texts ...string) ([][]int64, error)
	// ContextLength returns the length of a row.
	ContextLength() int
	// VocabularySize returns the number of tokens, including special ones.
	VocabularySize() int
}

// A rowFormat says how a row is made from a text's tokens: start, the text, end, padding.
type rowFormat struct {
	start, end    []int64
	padding       int64
	contextLength int
	// padLeft puts the padding first; truncateLeft cuts the start of a text that does not fit.
	padLeft, truncateLeft bool
	// tellsSide says that padLeft is of a file, and not a default.
	tellsSide bool
	// cleared tokens become 0.
	cleared []int64
}

// longestRow is how long a row can be: a file must not make it as long as it likes.
const longestRow = 1 << 20

// check returns an error if no token of a text fits into a row, or too many do.
func (f rowFormat) check() error {
	if f.contextLength > longestRow {
		return fmt.Errorf("tokenizer: a context length of %d is too large", f.contextLength)
	}
	if f.contextLength <= len(f.start)+len(f.end) {
		return fmt.Errorf("tokenizer: a context length of %d leaves no room for a token between start and end", f.contextLength)
	}
	return nil
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
	if excess := len(row) + len(f.end) - f.contextLength; excess > 0 {
		if !truncate {
			return nil, fmt.Errorf("%w: %s has %d tokens, start and end included, and the model reads %d",
				ErrPromptTooLong, quoteShort(text), len(row)+len(f.end), f.contextLength)
		}
		if f.truncateLeft {
			row = slices.Delete(row, len(f.start), len(f.start)+excess)
		} else {
			row = row[:len(row)-excess]
		}
	}
	row = append(row, f.end...)
	padding := slices.Repeat([]int64{f.padding}, f.contextLength-len(row))
	if f.padLeft {
		row = append(padding, row...)
	} else {
		row = append(row, padding...)
	}
	for _, token := range f.cleared {
		for i := range row {
			if row[i] == token {
				row[i] = 0
			}
		}
	}
	return row[:len(row):len(row)], nil
}

// quoteShort quotes a text for an error message; of a long one only the start.
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
