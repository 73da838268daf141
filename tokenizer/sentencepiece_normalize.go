package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// spaceSymbol stands for a space in SentencePiece's vocabularies.
const spaceSymbol = "\u2581"

// A pieceNormalizer is SentencePiece's normalization (normalizer.cc): the map of characters, and
// what happens to spaces.
type pieceNormalizer struct {
	charsMap               *charsMap   // nil: characters stay
	userDefined            *prefixTrie // pieces that stay as they are; nil: none
	addDummyPrefix         bool
	removeExtraWhitespaces bool
	spaceAsSuffix          bool
	space                  string // what a space becomes
}

func newPieceNormalizer(spec normalizerSpec, spaceAsSuffix bool) (*pieceNormalizer, error) {
	m, err := parseCharsMap(spec.charsMap)
	if err != nil {
		return nil, err
	}
	n := &pieceNormalizer{
		charsMap:               m,
		addDummyPrefix:         spec.addDummyPrefix,
		removeExtraWhitespaces: spec.removeExtraWhitespaces,
		spaceAsSuffix:          spaceAsSuffix,
		space:                  " ",
	}
	if spec.escapeWhitespaces {
		n.space = spaceSymbol
	}
	return n, nil
}

// normalize returns the normalized form of text, which must be valid UTF-8.
func (n *pieceNormalizer) normalize(text string) string {
	if n.removeExtraWhitespaces {
		for text != "" {
			replacement, length := n.prefix(text)
			if replacement != " " {
				break
			}
			text = text[length:]
		}
	}
	if text == "" {
		return ""
	}
	out := make([]byte, 0, len(text)+len(text)/2+2*len(spaceSymbol))
	if n.addDummyPrefix && !n.spaceAsSuffix {
		out = append(out, n.space...)
	}
	afterSpace := n.removeExtraWhitespaces
	for text != "" {
		replacement, length := n.prefix(text)
		text = text[length:]
		if afterSpace {
			replacement = strings.TrimLeft(replacement, " ")
		}
		if replacement != "" {
			for i := range len(replacement) {
				if replacement[i] == ' ' {
					out = append(out, n.space...)
				} else {
					out = append(out, replacement[i])
				}
			}
			afterSpace = n.removeExtraWhitespaces && replacement[len(replacement)-1] == ' '
		}
	}
	normalized := string(out)
	if n.removeExtraWhitespaces {
		for strings.HasSuffix(normalized, n.space) {
			normalized = normalized[:len(normalized)-len(n.space)]
		}
	}
	if n.addDummyPrefix && n.spaceAsSuffix {
		normalized += n.space
	}
	return normalized
}

// prefix returns what the start of text becomes, and how many bytes of text that is.
func (n *pieceNormalizer) prefix(text string) (replacement string, length int) {
	if n.userDefined != nil {
		if length, _ = n.userDefined.longestPrefix(text); length > 0 {
			return text[:length], length
		}
	}
	if n.charsMap != nil {
		if length, replacement = n.charsMap.longest(text); length > 0 {
			return replacement, length
		}
	}
	_, length = utf8.DecodeRuneInString(text)
	return text[:length], length
}
