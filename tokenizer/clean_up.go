package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A CleanUp is what is done to a text before it is encoded. The values are the names that open_clip
// has for it (open_clip/tokenizer.py, get_clean_fn).
type CleanUp string

// The clean-ups. Those of open_clip all begin with ftfy.fix_text, which repairs wrongly decoded
// characters, and HTML entities, which are decoded twice.
const (
	// CleanUpNone leaves a text as it is.
	CleanUpNone CleanUp = ""
	// CleanUpLower makes each run of white space one space, and letters lower case.
	CleanUpLower CleanUp = "lower"
	// CleanUpWhitespace makes each run of white space one space.
	CleanUpWhitespace CleanUp = "whitespace"
	// CleanUpCanonicalize makes an underscore a space, leaves out ASCII punctuation, makes letters
	// lower case and each run of white space one space: the clean-up of SigLIP
	// (prompt_engineering.py of google-research/big_vision).
	CleanUpCanonicalize CleanUp = "canonicalize"
)

// function returns what the clean-up does.
func (c CleanUp) function() (func(text string) string, error) {
	switch c {
	case CleanUpNone:
		return func(text string) string { return text }, nil
	case CleanUpLower:
		return func(text string) string { return pythonLower(collapsePythonSpace(basicClean(text))) }, nil
	case CleanUpWhitespace:
		return func(text string) string { return collapsePythonSpace(basicClean(text)) }, nil
	case CleanUpCanonicalize:
		return func(text string) string { return canonicalize(basicClean(text)) }, nil
	}
	return nil, fmt.Errorf("tokenizer: the clean-up %s is none of lower, whitespace and canonicalize", quoteShort(string(c)))
}

// Apply returns the text after the clean-up. The error is that there is no such clean-up, or
// [ErrInvalidUTF8].
func (c CleanUp) Apply(text string) (string, error) {
	clean, err := c.function()
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("tokenizer: %w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	return clean(text), nil
}

// basicClean is basic_clean of open_clip and openai/CLIP.
func basicClean(text string) string {
	if !isPlain(text) {
		text = unescapeHTML(unescapeHTML(fixText(text)))
	}
	return strings.TrimFunc(text, isPythonSpace)
}

// collapsePythonSpace is " ".join(text.split()) of Python.
func collapsePythonSpace(text string) string {
	return strings.Join(strings.FieldsFunc(text, isPythonSpace), " ")
}

// canonicalize is canonicalize_text of open_clip.
func canonicalize(text string) string {
	text = removePunctuation(strings.ReplaceAll(text, "_", " "))
	return collapsePythonSpace(pythonLower(text))
}

// removePunctuation leaves out string.punctuation of Python.
func removePunctuation(text string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !isAlphanumeric(byte(r)) {
			return -1
		}
		return r
	}, text)
}
