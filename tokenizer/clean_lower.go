package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pythonLower is Python's str.lower. It differs from strings.ToLower in two
// characters: U+0130 becomes two (i and a combining dot), and a capital sigma
// becomes a final sigma at the end of a word (Unicode standard, section 3.13,
// Final_Sigma).
func pythonLower(text string) string {
	if !strings.ContainsAny(text, "\u0130\u03a3") {
		return strings.ToLower(text)
	}
	var out strings.Builder
	out.Grow(len(text) + 8)
	for i, r := range text {
		switch r {
		case '\u0130':
			out.WriteString("i\u0307")
		case '\u03a3':
			if isFinalSigma(text[:i], text[i+len("\u03a3"):]) {
				out.WriteRune('ς')
			} else {
				out.WriteRune('σ')
			}
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// isFinalSigma reports whether a capital sigma between before and after ends a word: a cased letter
// comes before it and none after it, ignoring case-ignorable characters.
func isFinalSigma(before, after string) bool {
	before = strings.TrimRightFunc(before, isCaseIgnorable)
	after = strings.TrimLeftFunc(after, isCaseIgnorable)
	last, size := utf8.DecodeLastRuneInString(before)
	if size == 0 || !isCased(last) {
		return false
	}
	next, size := utf8.DecodeRuneInString(after)
	return size == 0 || !isCased(next)
}

// isCased is the Unicode property Cased.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt,
		unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// isCaseIgnorable is the Unicode property Case_Ignorable: marks, format
// characters, modifiers, and the characters that break no word (Word_Break of
// MidLetter, MidNumLet or Single_Quote).
func isCaseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '\u00b7', '\u0387', '\u055f', '\u05f4', '\u2018', '\u2019', '\u2024', '\u2027',
		'\ufe13', '\ufe52', '\ufe55', '\uff07', '\uff0e', '\uff1a':
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
