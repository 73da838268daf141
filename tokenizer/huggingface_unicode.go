package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizeNMT is the normalization of Google's neural machine translation (normalizers/unicode.rs).
func normalizeNMT(text string) (string, int, error) {
	text, start, err := filter(func(r rune) bool {
		switch {
		case r >= 0x1 && r <= 0x8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return false
		}
		return true
	})(text)
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0x9, r == 0xa, r == 0xc, r == 0xd, r == 0x1680, r >= 0x200b && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	}, text), start, err
}

// rustLower lowers each character on its own, as char::to_lowercase of Rust.
func rustLower(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for _, r := range text {
		switch {
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r < utf8.RuneSelf:
		case r == '\u0130':
			out.WriteString("i\u0307")
			continue
		default:
			if lower, ok := newLowerCase[r]; ok {
				r = lower
			} else {
				r = unicode.ToLower(r)
			}
		}
		out.WriteRune(r)
	}
	return out.String()
}

// rustNormalize normalizes text to one of Unicode's forms, but for characters that the tables of
// the reference do not have: they stay as and where they are.
func rustNormalize(form norm.Form, text string) string {
	if isASCII(text) {
		return text
	}
	isInert := func(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(inert, r) }
	if strings.IndexFunc(text, isInert) < 0 {
		return normalizeForm(form, text)
	}
	var out strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, isInert)
		if end < 0 {
			end = len(text)
		}
		out.WriteString(normalizeForm(form, text[:end]))
		text = text[end:]
		_, size := utf8.DecodeRuneInString(text)
		out.WriteString(text[:size])
		text = text[size:]
	}
	return out.String()
}

// byteCharacters are the texts that stand for bytes in byte-level vocabularies.
var byteCharacters = func() (characters [256]string) {
	for b := range characters {
		characters[b] = string(byteCharacter(byte(b)))
	}
	return characters
}()

// bytesToCharacters writes each byte as the character that stands for it.
func bytesToCharacters(text string) string {
	var out strings.Builder
	out.Grow(2 * len(text))
	for i := range len(text) {
		out.WriteString(byteCharacters[text[i]])
	}
	return out.String()
}
