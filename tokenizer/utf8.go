package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// decodeReplacing decodes UTF-8 with a U+FFFD for each longest part that could
// have started a character, as Python's errors="replace" does (Unicode standard,
// section 3.9, U+FFFD Substitution of Maximal Subparts). Go's own conversions
// put one for each byte.
func decodeReplacing(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = maximalSubpart(b)
		}
		out.WriteRune(r)
		b = b[size:]
	}
	return out.String()
}

// maximalSubpart is the number of bytes at the start of b, which is no character,
// that a character could start with; at least 1.
func maximalSubpart(b []byte) int {
	n := 1
	// What can be completed to a character is a start of one.
	for n < len(b) && n < utf8.UTFMax && !utf8.FullRune(b[:n]) {
		if utf8.FullRune(b[:n+1]) {
			break
		}
		n++
	}
	return n
}
