package tokenizer

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// clipSpecialTokens are the names of the special tokens of a CLIPTokenizer.
type clipSpecialTokens struct{ start, end, padding, unknown string }

// readCLIPFiles makes what CLIPTokenizer of transformers 5 makes of a vocab.json and a merges.txt
// (models/clip/tokenization_clip.py).
func readCLIPFiles(vocabulary, merges io.Reader, names clipSpecialTokens) (*HuggingFace, error) {
	t, err := readCLIP(vocabulary, merges, names)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: the vocab.json and merges.txt cannot be used: %w", err)
	}
	return t, nil
}

func readCLIP(vocabulary, merges io.Reader, names clipSpecialTokens) (*HuggingFace, error) {
	var ids map[string]int64
	if err := json.NewDecoder(vocabulary).Decode(&ids); err != nil {
		return nil, fmt.Errorf("vocab.json: %w", err)
	}
	text, err := io.ReadAll(merges)
	if err != nil {
		return nil, fmt.Errorf("merges.txt: %w", err)
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	pairs, err := parseMergeLines(lines)
	if err != nil {
		return nil, err
	}
	model := &bpeModel{suffix: endOfWord, unknown: &names.unknown}
	if err := model.fill(ids, pairs); err != nil {
		return nil, err
	}
	spaces, err := regularExpression(`\s+`)
	if err != nil {
		return nil, err
	}
	t := &HuggingFace{
		model:     model,
		normalize: clipNormalizer(spaces),
		split: chainPreTokenizers(splitBy(wordPattern(clipWordLength), removed, true),
			func(pieces []piece, p piece) ([]piece, error) {
				p.text = bytesToCharacters(p.text)
				return append(pieces, p), nil
			}),
		decoder: decodeByteLevel,
		wordEnd: endOfWord,
	}
	var special []addedToken
	for _, name := range []string{names.start, names.end, names.padding, names.unknown} {
		special = append(special, addedToken{Content: name, Special: true})
	}
	if t.added, err = newAddedTokens(special, model, t.normalize); err != nil {
		return nil, err
	}
	return t, nil
}

// clipNormalizer is Unicode's form C, one space for a run of spaces, and lower case.
func clipNormalizer(spaces pattern) normalizer {
	return func(text string) (string, int, error) {
		text, _, err := replacePattern(spaces, " ")(rustNormalize(norm.NFC, text))
		return rustLower(text), firstCharacter, err
	}
}
