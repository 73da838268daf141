package tokenizer

import (
	"html"
	"strings"
	"unicode/utf8"
)

// unescapeHTML is Python's html.unescape: all named and numeric character references of HTML 5, and
// the longest known name if there is no semicolon. It uses Go's html.UnescapeString for names; that
// differs in numeric references to characters that HTML forbids, which Python drops.
func unescapeHTML(text string) string {
	return replaceReferences(text, referenceLength, unescapeReference)
}

// replaceReferences replaces each character reference by the result of decode. length returns the
// length in bytes of the reference at the start of a text that starts with "&", or 0.
func replaceReferences(text string, length func(string) int, decode func(string) string) string {
	if !strings.Contains(text, "&") {
		return text
	}
	var out strings.Builder
	for {
		start := strings.IndexByte(text, '&')
		if start < 0 {
			break
		}
		out.WriteString(text[:start])
		text = text[start:]
		n := length(text)
		if n == 0 {
			out.WriteByte('&')
			n = 1
		} else {
			out.WriteString(decode(text[:n]))
		}
		text = text[n:]
	}
	out.WriteString(text)
	return out.String()
}

// referenceLength returns the length in bytes of what looks like a character reference at the start
// of text, which starts with "&", or 0.
func referenceLength(text string) int {
	i := 1
	if strings.HasPrefix(text, "&#") {
		i = 2
		digit := isDecimal
		if i < len(text) && (text[i] == 'x' || text[i] == 'X') {
			i++
			digit = isHexadecimal
		}
		start := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		if i == start {
			return 0
		}
	} else {
		const longest = 32 // characters, as in the reference's regular expression
		for count := 0; count < longest && i < len(text); count++ {
			if strings.IndexByte("\t\n\f <&#;", text[i]) >= 0 {
				break
			}
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
		}
		if i == 1 {
			return 0
		}
	}
	if i < len(text) && text[i] == ';' {
		i++
	}
	return i
}

// unescapeReference decodes a reference found by referenceLength.
func unescapeReference(ref string) string {
	if strings.HasPrefix(ref, "&#") {
		return numericReference(strings.TrimSuffix(ref[2:], ";"))
	}
	name := ref[1:]
	if s, ok := entity(name); ok {
		return s
	}
	// Names that need no semicolon have two to six letters.
	for n := min(len(name)-1, 6); n > 1; n-- {
		if s, ok := entity(name[:n]); ok {
			return s + name[n:]
		}
	}
	return ref
}

// entity looks up an entity by name, with its semicolon: some names exist without one.
func entity(name string) (string, bool) {
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isAlphanumeric(c) && (c != ';' || i != len(name)-1) {
			return "", false
		}
	}
	switch name {
	// Go omits the two whose text is longer than their name.
	case "nGt;":
		return "\u226b\u20d2", true
	case "nLt;":
		return "\u226a\u20d2", true
	}
	s := html.UnescapeString("&" + name)
	if s == "&"+name {
		return "", false
	}
	if strings.HasSuffix(name, ";") {
		// If the semicolon is still there, only a prefix was known.
		return s, !strings.HasSuffix(s, ";") || name == "semi;"
	}
	// All names without a semicolon stand for one character.
	return s, utf8.RuneCountInString(s) == 1
}

// windows1252Controls are the characters that HTML assigns to references to the C1 controls, from
// 0x80.
var windows1252Controls = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

// numericReference decodes the digits of a numeric reference, with "x" before hexadecimal ones.
func numericReference(digits string) string {
	base := rune(10)
	if digits[0] == 'x' || digits[0] == 'X' {
		base = 16
		digits = digits[1:]
	}
	n := rune(0)
	for i := 0; i < len(digits) && n <= utf8.MaxRune; i++ {
		n = n*base + hexadecimalValue(digits[i])
	}
	switch {
	case n == 0, n > utf8.MaxRune, n >= 0xd800 && n <= 0xdfff:
		return string(utf8.RuneError)
	case n >= 0x80 && n <= 0x9f:
		return string(windows1252Controls[n-0x80])
	case n < 0x20 && n != '\t' && n != '\n' && n != '\f' && n != '\r', n == 0x7f,
		n >= 0xfdd0 && n <= 0xfdef, n&0xfffe == 0xfffe:
		return ""
	}
	return string(n)
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

func isHexadecimal(c byte) bool {
	return isDecimal(c) || (c|0x20 >= 'a' && c|0x20 <= 'f')
}

func isAlphanumeric(c byte) bool {
	return isDecimal(c) || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

func hexadecimalValue(c byte) rune {
	if isDecimal(c) {
		return rune(c - '0')
	}
	return rune(c|0x20-'a') + 10
}
