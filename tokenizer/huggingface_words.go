package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A wordPieceModel takes the longest token that a word starts with, then the longest that the rest
// starts with (models/wordpiece/mod.rs).
type wordPieceModel struct {
	vocabulary
	unknown string
	prefix  string // of tokens inside of a word
	// mostCharacters is how long a word can be; longer ones are unknown.
	mostCharacters int
	longest        int // of the tokens, in bytes
}

func parseWordPiece(file *modelFile) (tokenModel, error) {
	ids, err := file.numbers()
	if err != nil {
		return nil, err
	}
	mostCharacters := 100
	if file.MaxInputCharsPerWord != nil {
		mostCharacters = *file.MaxInputCharsPerWord
	}
	return newWordPiece(ids, stringOr(file.UnkToken, "[UNK]"), stringOr(file.ContinuingSubwordPrefix, "##"), mostCharacters)
}

func newWordPiece(ids map[string]int64, unknown, prefix string, mostCharacters int) (*wordPieceModel, error) {
	v, err := newVocabulary(ids)
	m := &wordPieceModel{vocabulary: v, unknown: unknown, prefix: prefix, mostCharacters: mostCharacters}
	for token := range ids {
		m.longest = max(m.longest, len(token))
	}
	return m, err
}

func (m *wordPieceModel) appendTokens(ids []int64, text string) ([]int64, error) {
	before := len(ids)
	if utf8.RuneCountInString(text) > m.mostCharacters {
		return m.appendUnknown(ids)
	}
	for start := 0; start < len(text); {
		id, length := m.longestToken(text[start:], start > 0)
		if length == 0 {
			return m.appendUnknown(ids[:before])
		}
		ids = append(ids, id)
		start += length
	}
	return ids, nil
}

// longestToken returns the longest token that text starts with, and its length in text.
func (m *wordPieceModel) longestToken(text string, inside bool) (id int64, length int) {
	for end := len(text); end > 0; {
		token := text[:end]
		if inside {
			token = m.prefix + token
		}
		if len(token) <= m.longest {
			if id, ok := m.ids[token]; ok {
				return id, end
			}
		}
		_, size := utf8.DecodeLastRuneInString(text[:end])
		end -= size
	}
	return 0, 0
}

func (m *wordPieceModel) appendUnknown(ids []int64) ([]int64, error) {
	id, ok := m.ids[m.unknown]
	if !ok {
		return nil, errNoUnknownToken
	}
	return append(ids, id), nil
}

// A wordLevelModel has a token for each word (models/wordlevel/mod.rs).
type wordLevelModel struct {
	vocabulary
	unknown string
}

func parseWordLevel(file *modelFile) (tokenModel, error) {
	ids, err := file.numbers()
	if err != nil {
		return nil, err
	}
	v, err := newVocabulary(ids)
	return &wordLevelModel{v, stringOr(file.UnkToken, "<unk>")}, err
}

func (m *wordLevelModel) appendTokens(ids []int64, text string) ([]int64, error) {
	if id, ok := m.ids[text]; ok {
		return append(ids, id), nil
	}
	if id, ok := m.ids[m.unknown]; ok {
		return append(ids, id), nil
	}
	return nil, errNoUnknownToken
}

// vocabularyLines numbers the lines of a vocab.txt.
func vocabularyLines(data []byte) map[string]int64 {
	ids := make(map[string]int64)
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		ids[strings.TrimRight(line, " \t\r\n")] = int64(i)
	}
	return ids
}
