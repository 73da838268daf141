package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// decodeReplacing decodes UTF-8 and replaces each maximal subpart of an ill-formed sequence by
// U+FFFD, as Python's errors="replace" does (Unicode standard, section 3.9, U+FFFD Substitution of
// Maximal Subparts). Go's own conversions replace each byte.
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

// maximalSubpart returns the number of bytes at the start of b, which is ill-formed, that could
// start a character; at least 1.
func maximalSubpart(b []byte) int {
	n := 1
	// Bytes that can be completed to a character are the start of one.
	for n < len(b) && n < utf8.UTFMax && !utf8.FullRune(b[:n]) {
		if utf8.FullRune(b[:n+1]) {
			break
		}
		n++
	}
	return n
}
