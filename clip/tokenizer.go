package clip

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The errors that a prompt can give. Errors wrap them with the prompt; tell them
// apart with errors.Is.
var (
	// ErrEmptyPrompt: nothing is left of the prompt after the clean-up.
	ErrEmptyPrompt = errors.New("the prompt is empty")
	// ErrInvalidUTF8: the prompt is not valid UTF-8.
	ErrInvalidUTF8 = errors.New("the prompt is not valid UTF-8")
	// ErrPromptTooLong: the prompt has more tokens than the model's context.
	ErrPromptTooLong = errors.New("the prompt is too long")
)

// Tokenizer turns text into the tokens that CLIP was trained on: OpenAI's
// byte-pair encoding in lower case, with the clean-up of
// openai/CLIP's simple_tokenizer.py (ftfy's repairs included). Its tokens are
// the same as those of clip.tokenize.
//
// A Tokenizer does not change after it is made and may be used by many
// goroutines at once.
type Tokenizer struct {
	pairs         *bytePairs
	contextLength int
}

// NewTokenizer reads the merges of a byte-pair encoding, one "a b" a line in the
// order in which they were learnt. The vocabulary is OpenAI's: 256 bytes, 256
// bytes that end a word, the merges, <|startoftext|> and <|endoftext|>. The
// context length is the number of tokens that the model reads, the two special
// ones included; for OpenAI's models it is 77.
func NewTokenizer(merges io.Reader, contextLength int) (*Tokenizer, error) {
	if contextLength < 3 {
		return nil, fmt.Errorf("clip: a context length of %d leaves no room for a token between start and end", contextLength)
	}
	pairs, err := readBytePairs(merges)
	if err != nil {
		return nil, err
	}
	return &Tokenizer{pairs: pairs, contextLength: contextLength}, nil
}

// ContextLength is the length of what Tokenize returns for a prompt.
func (t *Tokenizer) ContextLength() int { return t.contextLength }

// VocabularySize is the number of tokens, the two special ones included.
func (t *Tokenizer) VocabularySize() int { return len(t.pairs.symbols) + 2 }

// StartToken is the token of <|startoftext|>, the last but one.
func (t *Tokenizer) StartToken() int64 { return int64(len(t.pairs.symbols)) }

// EndToken is the token of <|endoftext|>, the last one, so that the model finds
// it with argmax.
func (t *Tokenizer) EndToken() int64 { return int64(len(t.pairs.symbols)) + 1 }

// Encode gives the tokens of a text, of any length, without start and end. As in
// the reference, the names of the special tokens count as such in the text.
// The error is ErrEmptyPrompt or ErrInvalidUTF8.
func (t *Tokenizer) Encode(text string) ([]int64, error) {
	tokens, err := t.appendTokens(make([]int64, 0, len(text)/4+1), text)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return tokens, nil
}

// Tokenize gives the model's input, a row of ContextLength tokens for each text:
// start, the text, end, padded with zeros. A text that does not fit is an error,
// ErrPromptTooLong; the others are those of Encode.
func (t *Tokenizer) Tokenize(texts ...string) ([][]int64, error) {
	return t.tokenize(texts, false)
}

// TokenizeTruncated is Tokenize, but for texts that do not fit: those are cut
// off, and the last token of the row is the end.
func (t *Tokenizer) TokenizeTruncated(texts ...string) ([][]int64, error) {
	return t.tokenize(texts, true)
}

func (t *Tokenizer) tokenize(texts []string, truncate bool) ([][]int64, error) {
	rows := make([][]int64, len(texts))
	for i, text := range texts {
		row, err := t.row(text, truncate)
		if err != nil {
			if len(texts) > 1 {
				return nil, fmt.Errorf("clip: prompt %d of %d: %w", i+1, len(texts), err)
			}
			return nil, fmt.Errorf("clip: %w", err)
		}
		rows[i] = row
	}
	return rows, nil
}

// row makes the model's input for one text.
func (t *Tokenizer) row(text string, truncate bool) ([]int64, error) {
	row, err := t.appendTokens(append(make([]int64, 0, t.contextLength), t.StartToken()), text)
	if err != nil {
		return nil, err
	}
	row = append(row, t.EndToken())
	if len(row) > t.contextLength {
		if !truncate {
			return nil, fmt.Errorf("%w: %s has %d tokens, start and end included, and the model reads %d",
				ErrPromptTooLong, quoteShort(text), len(row), t.contextLength)
		}
		row = row[:t.contextLength:t.contextLength]
		row[t.contextLength-1] = t.EndToken()
	}
	for len(row) < t.contextLength {
		row = append(row, 0)
	}
	return row, nil
}

// appendTokens appends the tokens of text.
func (t *Tokenizer) appendTokens(tokens []int64, text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	before := len(tokens)
	for rest := cleanText(text); ; {
		var word string
		if word, rest = nextWord(rest); word == "" {
			break
		}
		switch word {
		case startOfText:
			tokens = append(tokens, t.StartToken())
		case endOfText:
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

// Decode turns tokens back into text, with a space after each word, as the
// reference does. Start, end and padding are decoded like any other token (the
// padding 0 is "!"). Bytes that are no UTF-8 and tokens outside the vocabulary
// become U+FFFD.
func (t *Tokenizer) Decode(tokens []int64) string {
	var out []byte
	for _, token := range tokens {
		switch {
		case token == t.StartToken():
			out = append(out, startOfText...)
		case token == t.EndToken():
			out = append(out, endOfText...)
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

// quoteShort quotes a text for an error message, the start of it if it is long.
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
