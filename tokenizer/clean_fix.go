package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// This file, clean_encoding.go and clean_badness.go give the same result as ftfy.fix_text of ftfy
// 6.3.1 with its default settings (https://github.com/rspeer/python-ftfy, ftfy/__init__.py and
// ftfy/fixes.py).

// maxSegment is the number of characters that fixText repairs at a time.
const maxSegment = 1_000_000

// fixText repairs text line by line: mojibake, HTML entities, control characters, terminal escapes,
// ligatures, full-width forms, curly quotes, line breaks, and normalization form NFC.
func fixText(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	entities := true
	for len(text) > 0 {
		var segment string
		segment, text = nextSegment(text)
		// A "<" indicates HTML, in which entities are intended. As in the reference, those of all
		// later lines are then left alone too.
		if strings.Contains(segment, "<") {
			entities = false
		}
		out.WriteString(fixSegment(segment, entities))
	}
	return out.String()
}

// nextSegment returns the first line with its line feed, or the first maxSegment characters of a
// longer line, and the rest.
func nextSegment(text string) (segment, rest string) {
	end := strings.IndexByte(text, '\n') + 1
	if end == 0 {
		end = len(text)
	}
	if end > maxSegment {
		count := 0
		for i := range text[:end] {
			if count == maxSegment {
				end = i
				break
			}
			count++
		}
	}
	return text[:end], text[end:]
}

// maxRepairs limits how often all repairs are applied. The reference has no limit, but only
// malicious text comes near it: "&amp;amp;amp;..." loses one layer each time.
const maxRepairs = 200

// fixSegment applies all repairs until the text does not change any more.
func fixSegment(text string, entities bool) string {
	for range maxRepairs {
		before := text
		if entities {
			text = fixEntities(text)
		}
		text = fixEncoding(text)
		text = fixC1Controls(text)
		text = fixCharacters(text)
		text = fixLineBreaks(text)
		text = removeTerminalEscapes(text)
		text = removeControls(text)
		text = normalizeNFC(text)
		if text == before {
			break
		}
	}
	return text
}

// fixEntities decodes HTML entities that are unambiguous: those that end in a semicolon, and some
// names in capitals ("&NTILDE;").
func fixEntities(text string) string {
	return replaceReferences(text, strictReferenceLength, fixEntity)
}

// strictReferenceLength returns the length of "&name;" or "&#number;" at the start of text, with 1
// to 24 ASCII letters and digits, or 0 if there is none.
func strictReferenceLength(text string) int {
	i := 1
	if strings.HasPrefix(text, "&#") {
		i = 2
	}
	start := i
	for i < len(text) && isAlphanumeric(text[i]) {
		i++
	}
	if i == start || i-start > 24 || i == len(text) || text[i] != ';' {
		return 0
	}
	return i + 1
}

// fixEntity decodes a reference found by strictReferenceLength, or returns it unchanged.
func fixEntity(ref string) string {
	if strings.HasPrefix(ref, "&#") {
		s := unescapeHTML(ref)
		if strings.Contains(s, ";") {
			return ref // only a part was decoded
		}
		return s
	}
	if s, ok := entity(ref[1:]); ok {
		return s
	}
	// A name in capitals of an entity whose name is in lower case.
	if upper := strings.ToUpper(ref); upper == ref && unescapeHTML(ref) == ref {
		if s, ok := entity(strings.ToLower(ref[1:])); ok {
			return upperEntity(s)
		}
	}
	return ref
}

// upperEntity is Python's str.upper for the characters that entities stand for.
func upperEntity(s string) string {
	switch s {
	case "ß":
		return "SS"
	case "ŉ":
		return "ʼN"
	}
	if r, _ := utf8.DecodeRuneInString(s); r >= 'ﬀ' && r <= 'ﬆ' {
		s = ligatures[s]
	}
	return strings.ToUpper(s)
}

// ligatures are Latin letters that ftfy decomposes.
var ligatures = map[string]string{
	"Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn",
	"Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž", "ǆ": "dž",
	"Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj",
	"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
}

// fixCharacters decomposes ligatures, replaces full-width and half-width forms by normal ones, and
// straightens quotes.
func fixCharacters(text string) string {
	if isASCII(text) {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for _, r := range text {
		switch {
		case r < 0x80:
			out.WriteByte(byte(r))
		case r == 0x3000:
			out.WriteByte(' ')
		case r >= 0xff01 && r <= 0xffef:
			out.WriteString(norm.NFKC.String(string(r)))
		case r >= 0x2018 && r <= 0x201b, r == 0x02bc:
			out.WriteByte('\'')
		case r >= 0x201c && r <= 0x201f:
			out.WriteByte('"')
		case r == 'ŉ':
			out.WriteString("'n") // the apostrophe is straightened as well
		case r >= 'Ĳ' && r <= 'ĳ', r >= 'Ǆ' && r <= 'ǌ', r >= 'Ǳ' && r <= 'ǳ', r >= 'ﬀ' && r <= 'ﬆ':
			out.WriteString(ligatures[string(r)])
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n")

// fixLineBreaks replaces every kind of line break by a line feed.
func fixLineBreaks(text string) string {
	return lineBreaks.Replace(text)
}

// removeTerminalEscapes removes ANSI sequences such as those for colors: ESC, "[", digits of any
// script and semicolons, a letter.
func removeTerminalEscapes(text string) string {
	const intro = "\x1b["
	if !strings.Contains(text, intro) {
		return text
	}
	var out strings.Builder
	for {
		start := strings.Index(text, intro)
		if start < 0 {
			break
		}
		out.WriteString(text[:start])
		text = text[start:]
		end := len(intro)
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if r != ';' && !unicode.IsDigit(r) {
				break
			}
			end += size
		}
		if end < len(text) && isASCIILetter(rune(text[end])) {
			text = text[end+1:]
			continue
		}
		out.WriteString(intro)
		text = text[len(intro):]
	}
	out.WriteString(text)
	return out.String()
}

// removeControls removes control characters that do not belong in text.
func removeControls(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x20 && r != '\t' && r != '\n' && r != '\f' && r != '\r', r == 0x7f,
			r >= 0x206a && r <= 0x206f, r == 0xfeff, r >= 0xfff9 && r <= 0xfffc:
			return -1
		}
		return r
	}, text)
}

func isASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isASCIILetter(r rune) bool {
	return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
}
