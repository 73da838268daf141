package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The expressions that split words of CLIP, as transformers and published files have it, and of
// GPT-2, which the pre-tokenizer ByteLevel uses.
const (
	clipExpression        = `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	clipExpressionOfFiles = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	gpt2Expression        = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

// wordPattern matches words. length returns the length of the word at the start of a text that is
// not empty, or 0 if none starts there.
func wordPattern(length func(text string) int) pattern {
	return func(text string) ([]span, error) {
		spans := make([]span, 0, len(text)/3+1)
		last := 0
		for i := 0; i < len(text); {
			n := length(text[i:])
			if n == 0 {
				_, size := utf8.DecodeRuneInString(text[i:])
				i += size
				continue
			}
			if last < i {
				spans = append(spans, span{last, i, false})
			}
			spans = append(spans, span{i, i + n, true})
			i += n
			last = i
		}
		if last < len(text) {
			spans = append(spans, span{last, len(text), false})
		}
		return spans, nil
	}
}

// clipWordLength matches clipExpression. The special tokens are in it for nothing: they are found
// before as added tokens.
func clipWordLength(text string) int {
	if n := contractionLength(text); n > 0 {
		return n
	}
	r, size := utf8.DecodeRuneInString(text)
	switch kind := onigurumaKind(r); kind {
	case spaceKind:
		return 0
	case numberKind:
		return size
	default:
		return kindLength(text, kind)
	}
}

// gpt2WordLength matches gpt2Expression, which leaves nothing out.
func gpt2WordLength(text string) int {
	if n := contractionLength(text); n > 0 {
		return n
	}
	afterSpace := strings.TrimPrefix(text, " ")
	if r, size := utf8.DecodeRuneInString(afterSpace); size > 0 {
		if kind := onigurumaKind(r); kind != spaceKind {
			return len(text) - len(afterSpace) + kindLength(afterSpace, kind)
		}
	}
	spaces := kindLength(text, spaceKind)
	if spaces < len(text) {
		// The last space goes with the word after it, unless it is the only one.
		_, size := utf8.DecodeLastRuneInString(text[:spaces])
		if size < spaces {
			return spaces - size
		}
	}
	return spaces
}

// contractionLength returns the length of a contraction in lower case at the start of text, or 0.
func contractionLength(text string) int {
	if text[0] != '\'' {
		return 0
	}
	for _, contraction := range contractions {
		if strings.HasPrefix(text, contraction) {
			return len(contraction)
		}
	}
	return 0
}

// kindLength returns the length of the run of one kind at the start of text.
func kindLength(text string, kind charKind) int {
	for i, r := range text {
		if onigurumaKind(r) != kind {
			return i
		}
	}
	return len(text)
}

// onigurumaKind tells letters, numbers and spaces apart as \p{L}, \p{N} and \s of the reference.
func onigurumaKind(r rune) charKind {
	switch {
	case r < utf8.RuneSelf:
		return asciiKinds[r]
	case unicode.Is(onigurumaLetters, r):
		return letterKind
	case unicode.Is(onigurumaNumbers, r):
		return numberKind
	case unicode.IsSpace(r):
		return spaceKind
	}
	return otherKind
}
