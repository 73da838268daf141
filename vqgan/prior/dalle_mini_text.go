package prior

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/tokenizer"
)

// A dalleMiniReader makes tokens as min-dalle's text_tokenizer.py does: byte-pair encoding of the words
// between spaces, in lower case. What that hides is an error here: characters that are left out there,
// and words that become <unk>.
type dalleMiniReader struct {
	tokens  map[string]int64
	ranks   map[[2]string]int
	length  int64
	special [3]int64 // <s>, </s>, <pad>
}

// wordStart stands for the space before a word.
const wordStart = "Ġ"

func newDalleMiniReader(c Config, vocabulary, merges []byte) (*dalleMiniReader, error) {
	r := &dalleMiniReader{ranks: map[[2]string]int{}, length: c.TextLength}
	if err := json.Unmarshal(vocabulary, &r.tokens); err != nil {
		return nil, fmt.Errorf("its %s cannot be read: %w", vocabularyFile, err)
	}
	for i, name := range []string{"<s>", "</s>", "<pad>"} {
		token, ok := r.tokens[name]
		if !ok {
			return nil, fmt.Errorf("its %s has no token %s", vocabularyFile, name)
		}
		r.special[i] = token
	}
	for _, token := range r.tokens {
		if token < 0 || token >= c.TextVocabulary {
			return nil, fmt.Errorf("its %s has the token %d, the model reads %d", vocabularyFile, token, c.TextVocabulary)
		}
	}
	for rank, pair := range splitMerges(merges) {
		r.ranks[pair] = rank
	}
	return r, nil
}

func (r *dalleMiniReader) read(text string) ([]int64, error) {
	row := []int64{r.special[0]}
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ' ' })
	if text != "" && len(words) == 0 {
		return nil, tokenizer.ErrEmptyPrompt
	}
	for _, word := range words {
		for _, symbol := range r.merge(word) {
			token, ok := r.tokens[symbol]
			if !ok {
				return nil, fmt.Errorf("the vocabulary lacks %q of the prompt %q: write it in other words",
					strings.TrimPrefix(symbol, wordStart), text)
			}
			row = append(row, token)
		}
	}
	row = append(row, r.special[1])
	if int64(len(row)) > r.length {
		return nil, tooLong(text, int64(len(row)), r.length)
	}
	for int64(len(row)) < r.length {
		row = append(row, r.special[2])
	}
	return row, nil
}

// merge returns the symbols of a word: the pair of the lowest rank is merged first, from the left.
func (r *dalleMiniReader) merge(word string) []string {
	symbols := append([]string{wordStart}, strings.Split(word, "")...)
	for len(symbols) > 1 {
		best, at := len(r.ranks), -1
		for i := range len(symbols) - 1 {
			if rank, ok := r.ranks[[2]string{symbols[i], symbols[i+1]}]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			break
		}
		symbols = slices.Replace(symbols, at, at+2, symbols[at]+symbols[at+1])
	}
	return symbols
}
