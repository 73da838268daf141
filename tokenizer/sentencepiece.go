package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// A SentencePiece is a SentencePiece model: a vocabulary of pieces of text, how a text is
// normalized, and how it is split into pieces. It gives the same pieces as SentencePieceProcessor
// of google/sentencepiece 0.2.3, for models of all kinds: unigram, byte-pair, word and character.
// It is immutable and may be used from many goroutines at once.
//
// [FromSentencePiece] makes the [Tokenizer] of a text encoder from one.
type SentencePiece struct {
	kind           pieceModelKind
	pieces         []scoredPiece
	ids            map[string]int32 // of the pieces that a text is split into
	reserved       map[string]int32 // of the unknown, control and byte pieces; byte-pair models have them in ids
	trie           *prefixTrie      // of ids, for unigram models
	userDefined    *prefixTrie      // nil: none
	byteIDs        []int32          // of the 256 byte pieces; nil: no byte fallback
	unknown        int32            // -1: none
	unknownSurface string           // what the unknown piece is decoded to
	lowestScore    float32          // of the normal pieces
	normalizer     *pieceNormalizer
	denormalizer   *pieceNormalizer // nil: none
}

// A segment is a part of the normalized text and the piece that it is.
type segment struct {
	text string
	id   int32
}

// ParseSentencePiece reads a SentencePiece model, the contents of a .model file.
func ParseSentencePiece(data []byte) (*SentencePiece, error) {
	s, err := parseSentencePiece(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: the SentencePiece model cannot be used: %w", err)
	}
	return s, nil
}

func parseSentencePiece(data []byte) (*SentencePiece, error) {
	file, err := parseSentencePieceFile(data)
	if err != nil {
		return nil, err
	}
	if len(file.pieces) == 0 {
		return nil, fmt.Errorf("it has no pieces")
	}
	if file.kind < unigramPieces || file.kind > characterPieces {
		return nil, fmt.Errorf("its type %d is none of unigram (1), byte-pair (2), word (3) and character (4)", file.kind)
	}
	s := &SentencePiece{kind: file.kind, pieces: file.pieces, unknown: -1, unknownSurface: file.unknownSurface}
	if err := s.indexPieces(file.byteFallback); err != nil {
		return nil, err
	}
	if s.kind == unigramPieces {
		if err := s.buildTrie(); err != nil {
			return nil, err
		}
	}
	if s.normalizer, err = newPieceNormalizer(file.normalizer, file.spaceAsSuffix); err != nil {
		return nil, err
	}
	s.normalizer.userDefined = s.userDefined
	if file.denormalizer != nil && len(file.denormalizer.charsMap) > 0 {
		if s.denormalizer, err = newPieceNormalizer(*file.denormalizer, false); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// indexPieces fills the maps from pieces, as ModelInterface::InitializePieces in
// model_interface.cc does.
func (s *SentencePiece) indexPieces(byteFallback bool) error {
	const longestPiece = 8000
	s.ids = make(map[string]int32, len(s.pieces))
	s.reserved = make(map[string]int32)
	if byteFallback {
		s.byteIDs = make([]int32, 256)
		for i := range s.byteIDs {
			s.byteIDs[i] = -1
		}
	}
	var userDefined []string
	for i := range s.pieces {
		piece := &s.pieces[i]
		id := int32(i)
		if piece.text == "\x00" && byteFallback {
			piece.kind = unusedPiece // some converters write it by mistake
			continue
		}
		switch {
		case piece.text == "":
			return fmt.Errorf("piece %d is empty", i)
		case len(piece.text) >= longestPiece:
			return fmt.Errorf("piece %d is longer than %d bytes", i, longestPiece)
		case strings.Contains(piece.text, "\x00"):
			return fmt.Errorf("piece %d has a NUL", i)
		}
		target := s.ids
		if piece.kind.isReserved() && s.kind != bytePairPieces {
			target = s.reserved
		}
		if _, ok := target[piece.text]; ok {
			return fmt.Errorf("piece %d, %s, is there twice", i, quoteShort(piece.text))
		}
		target[piece.text] = id
		switch piece.kind {
		case userDefinedPiece:
			userDefined = append(userDefined, piece.text)
		case unknownPiece:
			if s.unknown >= 0 {
				return fmt.Errorf("pieces %d and %d are both the unknown piece", s.unknown, i)
			}
			s.unknown = id
		case bytePiece:
			value, ok := byteOfPiece(piece.text)
			if !ok || !byteFallback {
				return fmt.Errorf("piece %d, %s, is a byte piece, which this model cannot have", i, quoteShort(piece.text))
			}
			s.byteIDs[value] = id
		}
	}
	if s.unknown < 0 && !byteFallback {
		return fmt.Errorf("it has no piece for unknown characters")
	}
	for value, id := range s.byteIDs {
		if id < 0 {
			return fmt.Errorf("it has no piece for the byte 0x%02X", value)
		}
	}
	if len(userDefined) > 0 {
		s.userDefined = newPrefixTrie(userDefined, make([]int32, len(userDefined)))
	}
	return nil
}

// buildTrie prepares a unigram model, as the constructor in unigram_model.cc does.
func (s *SentencePiece) buildTrie() error {
	s.lowestScore = math.MaxFloat32
	for i, piece := range s.pieces {
		if score := float64(piece.score); math.IsNaN(score) || math.IsInf(score, 0) {
			return fmt.Errorf("the score of piece %d is not finite", i)
		}
		if piece.kind == normalPiece {
			s.lowestScore = min(s.lowestScore, piece.score)
		}
	}
	if len(s.ids) == 0 {
		return fmt.Errorf("it has no pieces of text")
	}
	keys := make([]string, 0, len(s.ids))
	values := make([]int32, 0, len(s.ids))
	for key, id := range s.ids {
		keys, values = append(keys, key), append(values, id)
	}
	s.trie = newPrefixTrie(keys, values)
	return nil
}

// byteOfPiece returns the byte that a piece such as <0x0A> stands for.
func byteOfPiece(text string) (byte, bool) {
	if len(text) != len("<0x0A>") || !strings.HasPrefix(text, "<0x") || text[5] != '>' ||
		!isUpperHexadecimal(text[3]) || !isUpperHexadecimal(text[4]) {
		return 0, false
	}
	return byte(hexadecimalValue(text[3])<<4 | hexadecimalValue(text[4])), true
}

func isUpperHexadecimal(c byte) bool { return isDecimal(c) || c >= 'A' && c <= 'F' }

// VocabularySize returns the number of pieces.
func (s *SentencePiece) VocabularySize() int { return len(s.pieces) }

// Piece returns the text of a piece, or "" if there is no such piece.
func (s *SentencePiece) Piece(id int64) string {
	if id < 0 || id >= int64(len(s.pieces)) {
		return ""
	}
	return s.pieces[id].text
}

// Token returns the number of a piece.
func (s *SentencePiece) Token(piece string) (id int64, ok bool) {
	if id, ok := s.reserved[piece]; ok {
		return int64(id), true
	}
	if id, ok := s.ids[piece]; ok {
		return int64(id), true
	}
	return 0, false
}

// Encode returns the pieces of a text, without any for start and end. The error is
// [ErrInvalidUTF8].
func (s *SentencePiece) Encode(text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("tokenizer: %w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	return s.appendIDs(nil, text), nil
}

// encode makes a model a textEncoder.
func (s *SentencePiece) encode(ids []int64, text string) ([]int64, error) {
	return s.appendIDs(ids, text), nil
}

// appendIDs appends the pieces of text, as SentencePieceProcessor::Encode: unknown pieces become
// bytes if the model has byte pieces; else a run of them becomes one.
func (s *SentencePiece) appendIDs(ids []int64, text string) []int64 {
	normalized := s.normalizer.normalize(text)
	if normalized == "" {
		return ids
	}
	afterUnknown := false
	for _, part := range s.segment(normalized) {
		unknown := part.id == s.unknown
		switch {
		case unknown && s.byteIDs != nil:
			for i := range len(part.text) {
				ids = append(ids, int64(s.byteIDs[part.text[i]]))
			}
		case !unknown || !afterUnknown:
			ids = append(ids, int64(part.id))
		}
		afterUnknown = unknown
	}
	return ids
}

// segment splits normalized text.
func (s *SentencePiece) segment(text string) []segment {
	switch s.kind {
	case unigramPieces:
		return s.segmentUnigram(text)
	case bytePairPieces:
		return s.segmentBytePairs(text)
	case wordPieces:
		return s.segmentWords(text)
	}
	return s.segmentCharacters(text)
}

// segmentCharacters splits text into user-defined pieces and characters (char_model.cc).
func (s *SentencePiece) segmentCharacters(text string) []segment {
	symbols := s.splitCharacters(text)
	segments := make([]segment, len(symbols))
	for i, symbol := range symbols {
		segments[i] = s.usedSegment(symbol.text)
	}
	return segments
}

// segmentWords splits text before each space (word_model.cc).
func (s *SentencePiece) segmentWords(text string) []segment {
	var segments []segment
	for text != "" {
		end := len(text)
		if i := strings.Index(text[1:], spaceSymbol); i >= 0 {
			end = i + 1
		}
		segments = append(segments, s.usedSegment(text[:end]))
		text = text[end:]
	}
	return segments
}

// usedSegment is a segment, unknown if text is not a piece that is used.
func (s *SentencePiece) usedSegment(text string) segment {
	id, ok := s.ids[text]
	if !ok || s.pieces[id].kind == unusedPiece {
		id = s.unknown
	}
	return segment{text, id}
}
