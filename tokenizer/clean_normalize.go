package tokenizer

import (
	"slices"

	"golang.org/x/text/unicode/norm"
)

// normalizeNFC returns text in normalization form C.
//
// Package norm uses the stream-safe format, which inserts a U+034F after 30 combining marks in a
// row. Python does not, so text with such runs is composed here.
func normalizeNFC(text string) string { return normalizeForm(norm.NFC, text) }

// normalizeForm is normalizeNFC for any of the four forms.
func normalizeForm(form norm.Form, text string) string {
	const safe = 20 // a character decomposes into at most a few marks
	run := 0
	for _, r := range text {
		if r < 0x300 {
			run = 0
			continue
		}
		if isNonStarter(r) {
			run++
		} else {
			run = 0
		}
		if run > safe {
			return normalizeLong(form, text)
		}
	}
	return form.String(text)
}

// isNonStarter reports whether r, or the end of its decomposition, is a
// combining mark.
func isNonStarter(r rune) bool {
	p := norm.NFD.PropertiesString(string(r))
	return p.CCC() != 0 || p.TrailCCC() != 0
}

// normalizeLong is the algorithm of Unicode Standard Annex 15, without a limit on runs of marks:
// decompose, order the marks, and for the composed forms compose.
func normalizeLong(form norm.Form, text string) string {
	decompose := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		decompose = norm.NFKD
	}
	var runes []rune
	for _, r := range text {
		s := string(r)
		runes = append(runes, []rune(decompose.String(s))...)
	}
	classes := make([]uint8, len(runes))
	for i, r := range runes {
		classes[i] = norm.NFD.PropertiesString(string(r)).CCC()
	}
	orderMarks(runes, classes)
	if form == decompose {
		return string(runes)
	}

	out := runes[:0]
	starter := -1         // position in out of the last starter
	lastClass := uint8(0) // class of the last mark that stays after it
	adjacent := false     // nothing stays between it and the next character
	for i, r := range runes {
		class := classes[i]
		if starter >= 0 && (adjacent || (class != 0 && lastClass < class)) {
			pair := []rune(norm.NFC.String(string([]rune{out[starter], r})))
			if len(pair) == 1 {
				out[starter] = pair[0]
				continue
			}
		}
		if class == 0 {
			starter, adjacent = len(out), true
		} else {
			adjacent = false
		}
		lastClass = class
		out = append(out, r)
	}
	return string(out)
}

// orderMarks sorts each run of marks by combining class, stably.
func orderMarks(runes []rune, classes []uint8) {
	for start := 0; start < len(runes); start++ {
		end := start
		for end < len(runes) && classes[end] != 0 {
			end++
		}
		if end-start > 1 {
			type mark struct {
				r     rune
				class uint8
			}
			marks := make([]mark, end-start)
			for i := range marks {
				marks[i] = mark{runes[start+i], classes[start+i]}
			}
			slices.SortStableFunc(marks, func(a, b mark) int { return int(a.class) - int(b.class) })
			for i, m := range marks {
				runes[start+i], classes[start+i] = m.r, m.class
			}
		}
		start = max(start, end-1)
	}
}
