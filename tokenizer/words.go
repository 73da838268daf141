package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The names of the special tokens. As in the reference, they are also special in a prompt.
const (
	startOfText = "<|startoftext|>"
	endOfText   = "<|endoftext|>"
)

// contractions are split off as words of their own, before all else.
var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// nextWord returns the next word of a text and the rest, as the reference's regular expression does
// for its special tokens:
//
//	<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// ignoring case. The word is empty at the end of the text.
func nextWord(text string, special []string) (word, rest string) {
	for len(text) > 0 {
		if n := wordLength(text, special); n > 0 {
			return text[:n], text[n:]
		}
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	return "", ""
}

// wordLength returns the length in bytes of the word at the start of text, which is not empty, or 0
// if a character that belongs to no word is there.
func wordLength(text string, special []string) int {
	switch text[0] {
	case '<':
		for _, name := range special {
			if n := prefixIgnoringCase(text, name); n > 0 {
				return n
			}
		}
	case '\'':
		for _, contraction := range contractions {
			if n := prefixIgnoringCase(text, contraction); n > 0 {
				return n
			}
		}
	}
	r, size := utf8.DecodeRuneInString(text)
	kind := kindOf(r)
	if kind == spaceKind || kind == numberKind {
		if kind == numberKind {
			return size
		}
		return 0
	}
	n := size
	for n < len(text) {
		r, size = utf8.DecodeRuneInString(text[n:])
		if kindOf(r) != kind {
			break
		}
		n += size
	}
	return n
}

// prefixIgnoringCase returns the length of the part of text that equals prefix, which is in lower
// case, ignoring case, or 0. The long s equals an s ignoring case.
func prefixIgnoringCase(text, prefix string) int {
	const longS = "ſ"
	n := 0
	for i := 0; i < len(prefix); i++ {
		switch {
		case n < len(text) && (text[n] == prefix[i] || text[n] >= 'A' && text[n] <= 'Z' && text[n]+'a'-'A' == prefix[i]):
			n++
		case prefix[i] == 's' && strings.HasPrefix(text[n:], longS):
			n += len(longS)
		default:
			return 0
		}
	}
	return n
}

// charKind is the kind of word that a character belongs to.
type charKind uint8

const (
	otherKind charKind = iota
	letterKind
	numberKind
	spaceKind
)

var asciiKinds = func() (kinds [utf8.RuneSelf]charKind) {
	for r := range kinds {
		kinds[r] = lookUpKind(rune(r))
	}
	return kinds
}()

func kindOf(r rune) charKind {
	if r < utf8.RuneSelf {
		return asciiKinds[r]
	}
	return lookUpKind(r)
}

func lookUpKind(r rune) charKind {
	switch {
	case unicode.IsLetter(r), unicode.Is(newLetters, r):
		return letterKind
	case unicode.IsNumber(r), unicode.Is(newNumbers, r):
		return numberKind
	case unicode.IsSpace(r), r == '\u0345':
		// U+0345 is a mark, but a letter if case is ignored, so the reference's expression never
		// matches it.
		return spaceKind
	}
	return otherKind
}
