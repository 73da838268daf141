package tokenizer

import "math"

// Byte-pair segmentation as in google/sentencepiece, bpe_model.cc, Model::SampleEncode without
// dropout: of all neighbors whose union is a piece, those that score highest become one, until
// there are none.

// mostSplits is how deep unused pieces are split again.
const mostSplits = 100

// A pieceSymbol is a part of the text in a list of neighbors.
type pieceSymbol struct {
	text           string // empty: it has become part of the one before it
	start          int
	previous, next int32 // -1: none
	frozen         bool  // a user-defined piece, never part of another
}

// A pieceUnion is two neighbors that can become one piece.
type pieceUnion struct {
	score       uint32 // the bits of the piece's float32 score
	left, right int32
	length      int
}

// segmentBytePairs returns the byte-pair segmentation of text.
func (s *SentencePiece) segmentBytePairs(text string) []segment {
	symbols := s.splitCharacters(text)
	// parts are the two parts that an unused piece was made of.
	var parts map[string][2]string
	queue := make(priorityQueue[pieceUnion], 0, len(symbols))
	offer := func(left, right int32) {
		if left < 0 || right < 0 || symbols[left].frozen || symbols[right].frozen {
			return
		}
		start := symbols[left].start
		length := len(symbols[left].text) + len(symbols[right].text)
		union := text[start : start+length]
		id, ok := s.ids[union]
		if !ok || s.pieces[id].kind.isReserved() {
			return
		}
		queue.push(pieceUnion{math.Float32bits(s.pieces[id].score), left, right, length})
		if s.pieces[id].kind == unusedPiece {
			if parts == nil {
				parts = make(map[string][2]string)
			}
			parts[union] = [2]string{symbols[left].text, symbols[right].text}
		}
	}
	for i := 1; i < len(symbols); i++ {
		offer(int32(i-1), int32(i))
	}
	for len(queue) > 0 {
		union := queue.pop()
		left, right := &symbols[union.left], &symbols[union.right]
		if left.text == "" || right.text == "" || len(left.text)+len(right.text) != union.length {
			continue // one of the two has changed since
		}
		left.text = text[left.start : left.start+union.length]
		left.next = right.next
		if right.next >= 0 {
			symbols[right.next].previous = union.left
		}
		right.text = ""
		offer(left.previous, union.left)
		offer(union.left, left.next)
	}

	segments := make([]segment, 0, len(symbols))
	if len(symbols) > 0 {
		for i := int32(0); i >= 0; i = symbols[i].next {
			segments = s.appendUsed(segments, symbols[i].text, parts, 0)
		}
	}
	return segments
}

// splitCharacters splits text into user-defined pieces and characters.
func (s *SentencePiece) splitCharacters(text string) []pieceSymbol {
	symbols := make([]pieceSymbol, 0, len(text))
	for start := 0; start < len(text); {
		symbol := pieceSymbol{start: start, previous: int32(len(symbols) - 1), next: int32(len(symbols) + 1)}
		length := 0
		if s.userDefined != nil {
			length, _ = s.userDefined.longestPrefix(text[start:])
		}
		symbol.frozen = length > 0
		if length == 0 {
			length = characterLength(text[start:])
		}
		symbol.text = text[start : start+length]
		symbols = append(symbols, symbol)
		start += length
	}
	if len(symbols) > 0 {
		symbols[len(symbols)-1].next = -1
	}
	return symbols
}

// appendUsed appends a piece, or if it is unused its parts.
func (s *SentencePiece) appendUsed(segments []segment, text string, parts map[string][2]string, depth int) []segment {
	id, ok := s.ids[text]
	switch {
	case ok && depth > mostSplits:
		return append(segments, segment{text, id})
	case !ok || s.pieces[id].kind.isReserved():
		return append(segments, segment{text, s.unknown})
	case s.pieces[id].kind != unusedPiece:
		return append(segments, segment{text, id})
	}
	two, ok := parts[text]
	if !ok {
		return append(segments, segment{text, s.unknown})
	}
	segments = s.appendUsed(segments, two[0], parts, depth+1)
	return s.appendUsed(segments, two[1], parts, depth+1)
}

// priority puts the highest score first, and of one score the leftmost. Scores are compared by
// their bits, as the reference does.
func (u pieceUnion) priority() uint64 {
	ascending := u.score ^ (1 << 31)
	if u.score>>31 == 1 {
		ascending = ^u.score
	}
	return uint64(^ascending)<<32 | uint64(uint32(u.left))
}
