package tokenizer

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The kinds of SentencePiece models (TrainerSpec.ModelType).
type pieceModelKind int32

const (
	unigramPieces pieceModelKind = 1 + iota
	bytePairPieces
	wordPieces
	characterPieces
)

// The types of pieces (ModelProto.SentencePiece.Type).
type pieceType int32

const (
	normalPiece pieceType = 1 + iota
	unknownPiece
	controlPiece
	userDefinedPiece
	unusedPiece
	bytePiece
)

// isReserved reports whether such pieces are never found in a text.
func (t pieceType) isReserved() bool {
	return t != normalPiece && t != userDefinedPiece && t != unusedPiece
}

// A sentencePieceFile is what a .model file says: the message ModelProto of sentencepiece_model.proto.
type sentencePieceFile struct {
	pieces         []scoredPiece
	kind           pieceModelKind
	spaceAsSuffix  bool // TrainerSpec.treat_whitespace_as_suffix
	byteFallback   bool
	unknownSurface string
	normalizer     normalizerSpec
	denormalizer   *normalizerSpec
}

type scoredPiece struct {
	text  string
	score float32
	kind  pieceType
}

// normalizerSpec is the message NormalizerSpec.
type normalizerSpec struct {
	charsMap               []byte
	addDummyPrefix         bool
	removeExtraWhitespaces bool
	escapeWhitespaces      bool
}

func defaultNormalizerSpec() normalizerSpec {
	return normalizerSpec{addDummyPrefix: true, removeExtraWhitespaces: true, escapeWhitespaces: true}
}

// parseSentencePieceFile reads a .model file.
func parseSentencePieceFile(data []byte) (*sentencePieceFile, error) {
	f := &sentencePieceFile{
		kind:           unigramPieces,
		unknownSurface: " \u2047 ",
		normalizer:     defaultNormalizerSpec(),
	}
	err := eachField(data, func(number protowire.Number, field protoField) error {
		switch number {
		case 1:
			return f.parsePiece(field.bytes)
		case 2:
			return f.parseTrainerSpec(field.bytes)
		case 3:
			return f.normalizer.parse(field.bytes)
		case 5:
			if f.denormalizer == nil {
				spec := defaultNormalizerSpec()
				f.denormalizer = &spec
			}
			return f.denormalizer.parse(field.bytes)
		}
		return nil
	})
	return f, err
}

func (f *sentencePieceFile) parsePiece(data []byte) error {
	piece := scoredPiece{kind: normalPiece}
	err := eachField(data, func(number protowire.Number, field protoField) error {
		switch number {
		case 1:
			piece.text = string(field.bytes)
		case 2:
			piece.score = math.Float32frombits(uint32(field.number))
		case 3:
			// As the reference, which leaves out values that the enumeration lacks.
			if kind := pieceType(field.number); kind >= normalPiece && kind <= bytePiece {
				piece.kind = kind
			}
		}
		return nil
	})
	f.pieces = append(f.pieces, piece)
	return err
}

func (f *sentencePieceFile) parseTrainerSpec(data []byte) error {
	return eachField(data, func(number protowire.Number, field protoField) error {
		switch number {
		case 3:
			f.kind = pieceModelKind(field.number)
		case 24:
			f.spaceAsSuffix = field.number != 0
		case 35:
			f.byteFallback = field.number != 0
		case 44:
			f.unknownSurface = string(field.bytes)
		}
		return nil
	})
}

func (s *normalizerSpec) parse(data []byte) error {
	return eachField(data, func(number protowire.Number, field protoField) error {
		switch number {
		case 2:
			s.charsMap = field.bytes
		case 3:
			s.addDummyPrefix = field.number != 0
		case 4:
			s.removeExtraWhitespaces = field.number != 0
		case 5:
			s.escapeWhitespaces = field.number != 0
		}
		return nil
	})
}

// A protoField is the value of a field: bytes of a text or a message, or the bits of a number.
type protoField struct {
	bytes  []byte
	number uint64
}

// eachField calls visit for each field of a message in the protocol buffers' wire format.
func eachField(data []byte, visit func(number protowire.Number, field protoField) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("not in the format of protocol buffers: %w", protowire.ParseError(n))
		}
		data = data[n:]
		var field protoField
		switch kind {
		case protowire.VarintType:
			field.number, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(data)
			field.number = uint64(bits)
		case protowire.BytesType:
			field.bytes, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return fmt.Errorf("not in the format of protocol buffers: %w", protowire.ParseError(n))
		}
		data = data[n:]
		if err := visit(number, field); err != nil {
			return err
		}
	}
	return nil
}
