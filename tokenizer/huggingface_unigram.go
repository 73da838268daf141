package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// A unigramModel is the unigram model of Hugging Face's tokenizers (models/unigram/model.rs): that
// of SentencePiece, but in float64, and runs of unknown characters are looked up again as a whole.
type unigramModel struct {
	vocabulary
	scores       []float64
	trie         *prefixTrie
	unknown      int64 // -1: none
	unknownScore float64
	byteFallback bool
	bytes        [256]int64
}

func parseUnigram(file *modelFile) (tokenModel, error) {
	var list []scoredToken
	if isNull(file.Vocab) {
		return nil, errors.New("its model has no vocab")
	}
	if err := unmarshalComponent(file.Vocab, "vocab", &list); err != nil {
		return nil, err
	}
	m := &unigramModel{unknown: -1, byteFallback: file.ByteFallback}
	if file.UnkID != nil {
		if m.unknown = *file.UnkID; m.unknown < 0 || m.unknown >= int64(len(list)) {
			return nil, fmt.Errorf("its unk_id is %d, and there are %d tokens", m.unknown, len(list))
		}
	}
	ids := make(map[string]int64, len(list))
	tokens := make([]string, len(list))
	values := make([]int32, len(list))
	lowest := math.Inf(1)
	for i, token := range list {
		ids[token.text] = int64(i)
		tokens[i], values[i] = token.text, int32(i)
		m.scores = append(m.scores, token.score)
		lowest = min(lowest, token.score)
	}
	m.unknownScore = lowest - unknownPenalty
	var err error
	if m.vocabulary, err = newVocabulary(ids); err != nil {
		return nil, err
	}
	for i, token := range tokens {
		m.tokens[int64(i)] = token
	}
	m.highest = int64(len(tokens)) - 1
	m.bytes = m.byteTokens()
	m.trie = newPrefixTrie(tokens, values)
	return m, nil
}

// A scoredToken is written as a pair.
type scoredToken struct {
	text  string
	score float64
}

// UnmarshalJSON reads a pair of a text and a number.
func (t *scoredToken) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a token is not a pair of a text and a score")
	}
	if err := json.Unmarshal(pair[0], &t.text); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &t.score)
}

func (m *unigramModel) size() int { return len(m.scores) }

func (m *unigramModel) appendTokens(ids []int64, text string) ([]int64, error) {
	segments, err := m.segment(text)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(segments); i++ {
		start, end := segments[i].start, segments[i].end
		if segments[i].id == m.unknown {
			for i+1 < len(segments) && segments[i+1].id == m.unknown {
				i++
				end = segments[i].end
			}
		}
		if ids, err = m.appendToken(ids, text[start:end]); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// appendToken appends one token, or the bytes of an unknown one.
func (m *unigramModel) appendToken(ids []int64, text string) ([]int64, error) {
	if id, ok := m.ids[text]; ok {
		return append(ids, id), nil
	}
	if m.byteFallback {
		if ids, ok := appendBytes(ids, &m.bytes, text); ok {
			return ids, nil
		}
	}
	if m.unknown < 0 {
		return nil, errNoUnknownToken
	}
	return append(ids, m.unknown), nil
}

// A placedToken is a token at a place in the text.
type placedToken struct {
	start, end int
	id         int64
}

// segment returns the most probable segmentation of text.
func (m *unigramModel) segment(text string) ([]placedToken, error) {
	type path struct {
		start int
		id    int64
		score float64
	}
	best := make([]path, len(text)+1)
	for i := range best {
		best[i].start = -1
	}
	offer := func(start, end int, id int64, score float64) {
		if score += best[start].score; best[end].start < 0 || score > best[end].score {
			best[end] = path{start, id, score}
		}
	}
	for start := 0; start < len(text); {
		_, length := utf8.DecodeRuneInString(text[start:])
		hasCharacter := false
		node := int32(0)
		for end := start; end < len(text); {
			if node = m.trie.child(node, text[end]); node < 0 {
				break
			}
			end++
			if id := m.trie.value[node]; id != noValue {
				offer(start, end, int64(id), m.scores[id])
				hasCharacter = hasCharacter || end-start == length
			}
		}
		if !hasCharacter {
			if m.unknown < 0 {
				return nil, errNoUnknownToken
			}
			offer(start, start+length, m.unknown, m.unknownScore)
		}
		start += length
	}
	tokens := make([]placedToken, 0, len(text)/4+1)
	for end := len(text); end > 0; {
		p := best[end]
		tokens = append(tokens, placedToken{p.start, end, p.id})
		end = p.start
	}
	slices.Reverse(tokens)
	return tokens, nil
}
