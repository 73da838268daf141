package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean prepares a text as openai/CLIP's simple_tokenizer.py does: ftfy.fix_text repairs wrongly
// decoded characters, HTML entities are decoded twice, each run of white space becomes one space
// and is removed at the ends, and letters become lower case. The text must be valid UTF-8.
func Clean(text string) string {
	if isPlain(text) {
		return strings.ToLower(collapseSpace(text))
	}
	text = fixText(text)
	text = unescapeHTML(unescapeHTML(text))
	// As the reference does: strip by Python's definition of white space, then collapse by
	// Unicode's. They differ in U+001C to U+001F.
	text = strings.TrimFunc(text, isPythonSpace)
	return pythonLower(collapseSpace(text))
}

// isPlain reports whether text is printable ASCII and spaces without "&", which no repair changes.
// Most prompts are.
func isPlain(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= utf8.RuneSelf, c == '&', c == 0x7f:
			return false
		case c < ' ' && c != '\n' && c != '\t':
			return false
		}
	}
	return true
}

// collapseSpace replaces each run of Unicode white space by one space and strips both ends.
func collapseSpace(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	pending := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			pending = true
			continue
		}
		if pending && out.Len() > 0 {
			out.WriteByte(' ')
		}
		pending = false
		out.WriteRune(r)
	}
	return out.String()
}

// isPythonSpace is Python's str.isspace for one character: Unicode white space and the four ASCII
// separators.
func isPythonSpace(r rune) bool {
	return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f)
}
