package tokenizer

import "slices"

// Unigram segmentation as in google/sentencepiece, unigram_model.cc, Model::EncodeOptimized: the
// most probable sequence of pieces, by dynamic programming over the bytes of the text, in float32.

const (
	// unknownPenalty is what an unknown character scores less than the least probable piece.
	unknownPenalty = 10
	// scoreResetThreshold: sums beyond it are moved towards 0, which keeps float32 exact enough.
	scoreResetThreshold = 100000
)

// A bestPath is the best segmentation that ends at a place: its last piece, that piece's start (-1
// if no segmentation ends here), and the sum of the scores.
type bestPath struct {
	id    int32
	start int32
	score float32
}

// offer puts a path in place of the one that ends here, if it scores more.
func (b *bestPath) offer(id int32, start int, score float32) {
	if b.start == -1 || score > b.score {
		b.id, b.start, b.score = id, int32(start), score
	}
}

// segmentUnigram returns the most probable segmentation of text.
func (s *SentencePiece) segmentUnigram(text string) []segment {
	unknownScore := s.lowestScore - unknownPenalty
	best := make([]bestPath, len(text)+1)
	for i := range best {
		best[i].start = -1
	}
	furthest := 0 // the last place where a path ends
	for start := 0; start < len(text); {
		score := best[start].score
		if score < -scoreResetThreshold || score > scoreResetThreshold {
			for i := start; i <= furthest; i++ {
				if i == start || best[i].start != -1 {
					best[i].score -= score
				}
			}
			score = 0
		}
		length := characterLength(text[start:])
		hasCharacter := false
		node := int32(0)
		for end := start; end < len(text); {
			if node = s.trie.child(node, text[end]); node < 0 {
				break
			}
			end++
			id := s.trie.value[node]
			if id == noValue || s.pieces[id].kind == unusedPiece {
				continue
			}
			furthest = max(furthest, end)
			pieceScore := s.pieces[id].score
			if s.pieces[id].kind == userDefinedPiece {
				pieceScore = float32(0.1 * float64(end-start-1))
			}
			best[end].offer(id, start, pieceScore+score)
			if end-start == length {
				hasCharacter = true
			}
		}
		if !hasCharacter {
			furthest = max(furthest, start+length)
			best[start+length].offer(s.unknown, start, unknownScore+score)
		}
		start += length
	}

	segments := make([]segment, 0, len(text)/4+1)
	for end := len(text); end > 0; {
		path := best[end]
		segments = append(segments, segment{text[path.start:end], path.id})
		end = int(path.start)
	}
	slices.Reverse(segments)
	return segments
}

// characterLength returns the length of the character at the start of text, by its first byte.
func characterLength(text string) int {
	length := 1
	switch first := text[0]; {
	case first >= 0xf0:
		length = 4
	case first >= 0xe0:
		length = 3
	case first >= 0xc0:
		length = 2
	}
	return min(length, len(text))
}
