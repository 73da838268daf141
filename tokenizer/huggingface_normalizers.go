package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A normalizer rewrites a text. start is how many bytes of the result stand for the first character
// of the text: one character, if it is firstCharacter. The pre-tokenizer Metaspace asks for it.
type normalizer func(text string) (normalized string, start int, err error)

const firstCharacter = -1

// parseNormalizer reads the part "normalizer" of a tokenizer.json; nil: there is none. It follows
// tokenizers/src/normalizers.
func parseNormalizer(data json.RawMessage) (normalizer, error) {
	kind, err := componentType(data, "normalizer")
	if err != nil || kind == "" {
		return nil, err
	}
	switch kind {
	case "Sequence":
		return parseNormalizerSequence(data)
	case "NFC", "NFD", "NFKC", "NFKD":
		form := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[kind]
		return keepsStart(func(text string) string { return rustNormalize(form, text) }), nil
	case "Lowercase":
		return keepsStart(rustLower), nil
	case "Strip":
		return parseStrip(data)
	case "StripAccents":
		return filter(func(r rune) bool { return !unicode.Is(marks, r) }), nil
	case "Replace":
		return parseReplace(data)
	case "Prepend":
		return parsePrepend(data)
	case "Precompiled":
		return parsePrecompiled(data)
	case "BertNormalizer", "Bert":
		return parseBertNormalizer(data)
	case "Nmt":
		return normalizeNMT, nil
	case "ByteLevel":
		return keepsStart(bytesToCharacters), nil
	}
	return nil, unknownComponent("normalizer", kind)
}

// firstLength returns the length of the first character of text.
func firstLength(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// keepsStart makes a normalizer of a function that does not leave out the start of a text.
func keepsStart(f func(text string) string) normalizer {
	return func(text string) (string, int, error) { return f(text), firstCharacter, nil }
}

// filter is a normalizer that leaves out all characters but those that keep says.
func filter(keep func(r rune) bool) normalizer {
	return func(text string) (string, int, error) {
		if strings.IndexFunc(text, func(r rune) bool { return !keep(r) }) < 0 {
			return text, firstCharacter, nil
		}
		start := firstCharacter
		if first, _ := utf8.DecodeRuneInString(text); !keep(first) {
			start = 0
		}
		return strings.Map(func(r rune) rune {
			if keep(r) {
				return r
			}
			return -1
		}, text), start, nil
	}
}

func parseNormalizerSequence(data json.RawMessage) (normalizer, error) {
	var parts struct{ Normalizers []json.RawMessage }
	if err := unmarshalComponent(data, "normalizer", &parts); err != nil {
		return nil, err
	}
	return chainNormalizers(parts.Normalizers)
}

func chainNormalizers(parts []json.RawMessage) (normalizer, error) {
	var chain []normalizer
	for _, part := range parts {
		n, err := parseNormalizer(part)
		if err != nil {
			return nil, err
		}
		if n != nil {
			chain = append(chain, n)
		}
	}
	return func(text string) (string, int, error) {
		start := firstCharacter
		for _, n := range chain {
			normalized, s, err := n(text)
			if err != nil {
				return "", 0, err
			}
			if len(normalized) > longestGrown {
				return "", 0, errTextGrows
			}
			if start != 0 && (s != firstCharacter || normalized != text) {
				start = s
			}
			text = normalized
		}
		return text, start, nil
	}, nil
}

func parseStrip(data json.RawMessage) (normalizer, error) {
	var options struct {
		StripLeft  bool `json:"strip_left"`
		StripRight bool `json:"strip_right"`
	}
	if err := unmarshalComponent(data, "normalizer", &options); err != nil {
		return nil, err
	}
	return func(text string) (string, int, error) {
		start := firstCharacter
		if options.StripLeft {
			stripped := strings.TrimLeftFunc(text, unicode.IsSpace)
			if len(stripped) < len(text) {
				start = 0
			}
			text = stripped
		}
		if options.StripRight {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text, start, nil
	}, nil
}

// parsePattern reads {"String": "..."} or {"Regex": "..."}.
func parsePattern(data json.RawMessage) (pattern, error) {
	var p struct{ String, Regex *string }
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	switch {
	case p.String != nil:
		return literalPattern(*p.String), nil
	case p.Regex != nil:
		return regularExpression(*p.Regex)
	}
	return nil, fmt.Errorf("the pattern is neither a String nor a Regex")
}

func parseReplace(data json.RawMessage) (normalizer, error) {
	replace, err := parseReplacement(data, "normalizer")
	if err != nil {
		return nil, err
	}
	return replace, nil
}

// parseReplacement reads a Replace, which is both a normalizer and a decoder.
func parseReplacement(data json.RawMessage, part string) (normalizer, error) {
	var options struct {
		Pattern json.RawMessage
		Content string
	}
	if err := unmarshalComponent(data, part, &options); err != nil {
		return nil, err
	}
	p, err := parsePattern(options.Pattern)
	if err != nil {
		return nil, componentError(part, "Replace", err)
	}
	return replacePattern(p, options.Content), nil
}

// replacePattern puts content in place of what a pattern matches.
func replacePattern(find pattern, content string) normalizer {
	return func(text string) (string, int, error) {
		spans, err := find(text)
		if err != nil {
			return "", 0, err
		}
		if len(spans) == 1 && !spans[0].matched {
			return text, firstCharacter, nil
		}
		var out strings.Builder
		for _, s := range spans {
			if s.matched {
				if out.Len()+len(content) > longestGrown {
					return "", 0, errTextGrows
				}
				out.WriteString(content)
			} else {
				out.WriteString(text[s.start:s.end])
			}
		}
		start := firstCharacter
		if len(spans) > 0 && spans[0].matched && spans[0].end > 0 {
			start = len(content)
		}
		return out.String(), start, nil
	}
}

func parsePrepend(data json.RawMessage) (normalizer, error) {
	var options struct{ Prepend string }
	if err := unmarshalComponent(data, "normalizer", &options); err != nil {
		return nil, err
	}
	return func(text string) (string, int, error) {
		if text == "" {
			return "", 0, nil
		}
		return options.Prepend + text, len(options.Prepend) + firstLength(text), nil
	}, nil
}
