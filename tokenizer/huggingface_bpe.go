package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A bpeModel is byte-pair encoding with the options of Hugging Face's tokenizers
// (models/bpe/model.rs and word.rs).
type bpeModel struct {
	vocabulary
	merges       map[symbolPair]merge
	unknown      *string // the token for characters that are not in the vocabulary; nil: they are left out
	prefix       string  // of all symbols but the first of a word
	suffix       string  // of the last symbol of a word
	fuseUnknown  bool
	byteFallback bool
	ignoreMerges bool
	bytes        [256]int64
}

func parseBPE(file *modelFile) (tokenModel, error) {
	if file.Dropout != nil && *file.Dropout != 0 {
		return nil, errors.New("its model has dropout, with which the tokens of a text are not always the same")
	}
	m := &bpeModel{
		unknown: file.UnkToken, prefix: stringOr(file.ContinuingSubwordPrefix, ""), suffix: file.EndOfWordSuffix,
		fuseUnknown: file.FuseUnk, byteFallback: file.ByteFallback, ignoreMerges: file.IgnoreMerges,
	}
	ids, err := file.numbers()
	if err != nil {
		return nil, err
	}
	pairs, err := parseMerges(file.Merges)
	if err != nil {
		return nil, err
	}
	return m, m.fill(ids, pairs)
}

// parseMerges reads a list of pairs, in old files each written "a b".
func parseMerges(data json.RawMessage) ([][2]string, error) {
	if isNull(data) {
		return nil, errors.New("its model has no merges")
	}
	var pairs [][2]string
	if err := json.Unmarshal(data, &pairs); err == nil {
		return pairs, nil
	}
	var lines []string
	if err := unmarshalComponent(data, "merges", &lines); err != nil {
		return nil, err
	}
	return parseMergeLines(lines)
}

// parseMergeLines reads pairs written "a b".
func parseMergeLines(lines []string) ([][2]string, error) {
	pairs := make([][2]string, 0, len(lines))
	for i, line := range lines {
		if strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return nil, fmt.Errorf("its merge %d is %s, not two symbols with a space between", i+1, quoteShort(line))
		}
		pairs = append(pairs, [2]string{left, right})
	}
	return pairs, nil
}

// fill sets the vocabulary and the merges.
func (m *bpeModel) fill(ids map[string]int64, pairs [][2]string) (err error) {
	if m.vocabulary, err = newVocabulary(ids); err != nil {
		return err
	}
	m.bytes = m.byteTokens()
	m.merges = make(map[symbolPair]merge, len(pairs))
	for rank, pair := range pairs {
		left, okLeft := ids[pair[0]]
		right, okRight := ids[pair[1]]
		if !okLeft || !okRight || len(pair[1]) < len(m.prefix) {
			return fmt.Errorf("its merge %d, %s, has a symbol that is not in the vocabulary", rank+1, quoteShort(pair[0]+" "+pair[1]))
		}
		union, ok := ids[pair[0]+pair[1][len(m.prefix):]]
		if !ok {
			return fmt.Errorf("its merge %d, %s, makes a symbol that is not in the vocabulary", rank+1, quoteShort(pair[0]+" "+pair[1]))
		}
		m.merges[symbolPair{int32(left), int32(right)}] = merge{int32(rank), int32(union)}
	}
	return nil
}

func (m *bpeModel) appendTokens(ids []int64, text string) ([]int64, error) {
	if m.ignoreMerges {
		if id, ok := m.ids[text]; ok {
			return append(ids, id), nil
		}
	}
	var buffer [64]int32
	symbols, err := m.symbols(buffer[:0], text)
	if err != nil {
		return nil, err
	}
	return m.appendMerged(ids, symbols), nil
}

// symbols returns the symbol of each character of a word.
func (m *bpeModel) symbols(symbols []int32, text string) ([]int32, error) {
	pending := int32(-1) // an unknown symbol that is not yet there
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		symbol := text[i:end]
		if i > 0 && m.prefix != "" {
			symbol = m.prefix + symbol
		}
		if end == len(text) && m.suffix != "" {
			symbol += m.suffix
		}
		if id, ok := m.ids[symbol]; ok {
			if pending >= 0 {
				symbols = append(symbols, pending)
				pending = -1
			}
			symbols = append(symbols, int32(id))
			continue
		}
		if m.byteFallback {
			var fallback [32]int64
			if ids, ok := appendBytes(fallback[:0], &m.bytes, symbol); ok {
				// As in the reference, before an unknown symbol that is pending.
				for _, id := range ids {
					symbols = append(symbols, int32(id))
				}
				continue
			}
		}
		if m.unknown == nil {
			continue
		}
		if pending >= 0 && !m.fuseUnknown {
			symbols = append(symbols, pending)
		}
		id, ok := m.ids[*m.unknown]
		if !ok {
			return nil, errNoUnknownToken
		}
		pending = int32(id)
	}
	if pending >= 0 {
		symbols = append(symbols, pending)
	}
	return symbols, nil
}

// A rankedMerge is a merge at the symbol on its left.
type rankedMerge struct {
	merge
	left int32
}

// priority puts the lowest rank first, and of one rank the leftmost.
func (r rankedMerge) priority() uint64 { return uint64(uint32(r.rank))<<32 | uint64(uint32(r.left)) }

// appendMerged merges symbols, the pair of lowest rank first, and appends what is left.
func (m *bpeModel) appendMerged(ids []int64, symbols []int32) []int64 {
	count := int32(len(symbols))
	const gone = -1
	var nextBuffer, previousBuffer [64]int32
	next, previous := nextBuffer[:0], previousBuffer[:0]
	for i := range count {
		next, previous = append(next, i+1), append(previous, i-1)
	}
	var queueBuffer [64]rankedMerge
	queue := priorityQueue[rankedMerge](queueBuffer[:0])
	offer := func(left int32) {
		if left < 0 || next[left] >= count {
			return
		}
		if found, ok := m.merges[symbolPair{symbols[left], symbols[next[left]]}]; ok {
			queue.push(rankedMerge{found, left})
		}
	}
	for i := range count {
		offer(i)
	}
	for len(queue) > 0 {
		top := queue.pop()
		left := top.left
		if symbols[left] == gone || next[left] >= count {
			continue
		}
		right := next[left]
		// One of the two may have been merged since.
		if found, ok := m.merges[symbolPair{symbols[left], symbols[right]}]; !ok || found.token != top.token {
			continue
		}
		symbols[left], symbols[right] = top.token, gone
		next[left] = next[right]
		if next[left] < count {
			previous[next[left]] = left
		}
		offer(previous[left])
		offer(left)
	}
	for i := int32(0); i < count; i = next[i] {
		ids = append(ids, int64(symbols[i]))
	}
	return ids
}
