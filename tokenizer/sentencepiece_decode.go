package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of pieces, as SentencePieceProcessor::Decode does. Pieces that the model
// does not have become U+FFFD.
func (s *SentencePiece) Decode(ids []int64) string {
	var out, queued []byte // queued: byte pieces
	flush := func() {
		out = append(out, decodeEachByte(queued)...)
		queued = queued[:0]
	}
	atStart := true
	for _, id := range ids {
		if id < 0 || id >= int64(len(s.pieces)) {
			flush()
			out = append(out, string(utf8.RuneError)...)
			continue
		}
		piece := s.pieces[id]
		if piece.kind == bytePiece {
			value, _ := byteOfPiece(piece.text)
			queued = append(queued, value)
			continue
		}
		flush()
		if len(out) > 0 {
			atStart = false
		}
		if piece.kind == controlPiece {
			continue
		}
		text, dropped := piece.text, false
		if atStart && (s.normalizer.addDummyPrefix || s.normalizer.removeExtraWhitespaces) {
			text, dropped = strings.CutPrefix(text, spaceSymbol)
			dropped = dropped && !s.normalizer.removeExtraWhitespaces
		}
		if piece.kind == unknownPiece {
			out = append(out, s.unknownSurface...)
		} else {
			out = append(out, strings.ReplaceAll(text, spaceSymbol, " ")...)
		}
		if dropped || len(out) > 0 {
			atStart = false
		}
	}
	flush()
	text := decodeEachByte(out) // a piece may be half a character
	if s.denormalizer != nil {
		return decodeEachByte([]byte(s.denormalizer.normalize(text)))
	}
	return text
}

// decodeEachByte decodes UTF-8 and replaces each byte that is not part of a character by U+FFFD.
func decodeEachByte(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}
