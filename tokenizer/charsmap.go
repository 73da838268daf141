package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A charsMap is SentencePiece's precompiled map of characters: replacements for short pieces of
// text. It is a double array of the darts-clone library, which gives for a piece the place of its
// replacement in a block of texts that end in NUL (normalizer.cc of google/sentencepiece, and
// lib.rs of the crate spm_precompiled).
type charsMap struct {
	units        []uint32
	replacements string
}

// longestReplacement is how long a replacement can be, so that a hostile map cannot make texts
// endless. The longest one in published maps has 33 bytes.
const longestReplacement = 1024

// parseCharsMap reads the serialized form: the size of the double array in bytes, the double array,
// and the replacements. It returns nil for an empty map.
func parseCharsMap(data []byte) (*charsMap, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) <= 4 {
		return nil, errors.New("the map of characters is too short")
	}
	size := uint64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	switch {
	case size >= uint64(len(data)):
		return nil, errors.New("the map of characters is larger than its field")
	case size < 1024 || size%1024 != 0:
		return nil, errors.New("the size of the map of characters is not a multiple of 1024")
	case data[len(data)-1] != 0:
		return nil, errors.New("the replacements of the map of characters do not end in NUL")
	}
	for replacement := range bytes.SplitSeq(data[size:], []byte{0}) {
		if len(replacement) > longestReplacement {
			return nil, fmt.Errorf("the map of characters has a replacement of more than %d bytes", longestReplacement)
		}
	}
	m := &charsMap{units: make([]uint32, size/4), replacements: string(data[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

func unitOffset(unit uint32) uint32     { return unit >> 10 << (unit & (1 << 9) >> 6) }
func unitHasLeaf(unit uint32) bool      { return unit>>8&1 == 1 }
func unitLabel(unit uint32) uint32      { return unit & (1<<31 | 0xff) }
func unitValue(unit uint32) (int, bool) { return int(unit & (1<<31 - 1)), unit>>31 == 1 }

// prefixes calls found for each piece in the map that text starts with, shortest first, until it
// returns false.
func (m *charsMap) prefixes(text string, found func(length, place int) bool) {
	position := unitOffset(m.units[0])
	for i := 0; i < len(text); i++ {
		position ^= uint32(text[i])
		if uint64(position) >= uint64(len(m.units)) {
			return
		}
		unit := m.units[position]
		if unitLabel(unit) != uint32(text[i]) {
			return
		}
		position ^= unitOffset(unit)
		if uint64(position) >= uint64(len(m.units)) {
			return
		}
		if !unitHasLeaf(unit) {
			continue
		}
		place, ok := unitValue(m.units[position])
		if !ok || place >= len(m.replacements) {
			return
		}
		if !found(i+1, place) {
			return
		}
	}
}

// replacement returns the text at a place.
func (m *charsMap) replacement(place int) string {
	text := m.replacements[place:]
	return text[:strings.IndexByte(text, 0)]
}

// longest returns the length of the longest piece that text starts with, and its replacement; the
// length is 0 if there is none.
func (m *charsMap) longest(text string) (length int, replacement string) {
	const mostResults = 32 // that the reference looks at
	place, count := 0, 0
	m.prefixes(text, func(n, p int) bool {
		length, place = n, p
		count++
		return count < mostResults
	})
	if length == 0 {
		return 0, ""
	}
	return length, m.replacement(place)
}

// shortest returns the replacement of the shortest piece that text starts with.
func (m *charsMap) shortest(text string) (replacement string, ok bool) {
	m.prefixes(text, func(_, place int) bool {
		replacement, ok = m.replacement(place), true
		return false
	})
	return replacement, ok
}
