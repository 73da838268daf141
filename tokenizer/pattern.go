package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// A span is a part of a text by its places in bytes, and whether a pattern matched it.
type span struct {
	start, end int
	matched    bool
}

// A pattern splits a text into what it matches and what is between. The spans cover the text; those
// between matches are not empty.
type pattern func(text string) ([]span, error)

// literalPattern matches a text as it is.
func literalPattern(literal string) pattern {
	return func(text string) ([]span, error) {
		var spans []span
		last := 0
		for literal != "" {
			i := strings.Index(text[last:], literal)
			if i < 0 {
				break
			}
			if i > 0 {
				spans = append(spans, span{last, last + i, false})
			}
			spans = append(spans, span{last + i, last + i + len(literal), true})
			last += i + len(literal)
		}
		if last < len(text) {
			spans = append(spans, span{last, len(text), false})
		}
		return spans, nil
	}
}

// runePattern matches each character for which is returns true.
func runePattern(is func(r rune) bool) pattern {
	return func(text string) ([]span, error) {
		var spans []span
		last := 0
		for i, r := range text {
			if !is(r) {
				continue
			}
			if last < i {
				spans = append(spans, span{last, i, false})
			}
			last = i + utf8.RuneLen(r)
			spans = append(spans, span{i, last, true})
		}
		if last < len(text) {
			spans = append(spans, span{last, len(text), false})
		}
		return spans, nil
	}
}
