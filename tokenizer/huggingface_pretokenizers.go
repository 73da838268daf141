package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A preTokenizer appends the parts that it splits a piece into.
type preTokenizer func(pieces []piece, p piece) ([]piece, error)

// parsePreTokenizer reads the part "pre_tokenizer" of a tokenizer.json; nil: there is none. It
// follows tokenizers/src/pre_tokenizers.
func parsePreTokenizer(data json.RawMessage) (preTokenizer, error) {
	kind, err := componentType(data, "pre-tokenizer")
	if err != nil || kind == "" {
		return nil, err
	}
	switch kind {
	case "Sequence":
		return parsePreTokenizerSequence(data)
	case "Whitespace":
		return splitBy(wordPattern(rustWordLength), removed, true), nil
	case "WhitespaceSplit":
		return splitBy(runePattern(unicode.IsSpace), removed, false), nil
	case "BertPreTokenizer":
		return bertPreTokenizer(), nil
	case "ByteLevel":
		return parseByteLevel(data)
	case "Split":
		return parseSplit(data)
	case "Metaspace":
		return parseMetaspace(data)
	case "Punctuation":
		return parsePunctuation(data)
	case "Digits":
		return parseDigits(data)
	case "CharDelimiterSplit", "Delimiter":
		return parseDelimiter(data)
	case "FixedLength":
		return parseFixedLength(data)
	}
	return nil, unknownComponent("pre-tokenizer", kind)
}

// bertPreTokenizer splits at spaces, which it leaves out, and around punctuation.
func bertPreTokenizer() preTokenizer {
	return chainPreTokenizers(splitBy(runePattern(unicode.IsSpace), removed, false),
		splitBy(runePattern(isPunctuation), isolated, false))
}

// splitBy splits at what a pattern matches, or with invert at what it does not match.
func splitBy(find pattern, behavior splitBehavior, invert bool) preTokenizer {
	if invert {
		direct := find
		find = func(text string) ([]span, error) {
			spans, err := direct(text)
			for i := range spans {
				spans[i].matched = !spans[i].matched
			}
			return spans, err
		}
	}
	return func(pieces []piece, p piece) ([]piece, error) { return splitPiece(pieces, p, find, behavior) }
}

// chainPreTokenizers applies each to the pieces of the one before.
func chainPreTokenizers(chain ...preTokenizer) preTokenizer {
	return func(pieces []piece, p piece) ([]piece, error) {
		current := []piece{p}
		for _, split := range chain {
			var next []piece
			var err error
			length := 0
			for _, part := range current {
				if next, err = split(next, part); err != nil {
					return nil, err
				}
				if length += len(part.text); length > longestGrown {
					return nil, errTextGrows
				}
			}
			current = next
		}
		return append(pieces, current...), nil
	}
}

func parsePreTokenizerSequence(data json.RawMessage) (preTokenizer, error) {
	var parts struct{ Pretokenizers []json.RawMessage }
	if err := unmarshalComponent(data, "pre-tokenizer", &parts); err != nil {
		return nil, err
	}
	var chain []preTokenizer
	for _, part := range parts.Pretokenizers {
		p, err := parsePreTokenizer(part)
		if err != nil {
			return nil, err
		}
		if p != nil {
			chain = append(chain, p)
		}
	}
	return chainPreTokenizers(chain...), nil
}

func parseByteLevel(data json.RawMessage) (preTokenizer, error) {
	options := struct {
		AddPrefixSpace bool `json:"add_prefix_space"`
		UseRegex       bool `json:"use_regex"`
	}{UseRegex: true}
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	words := wordPattern(gpt2WordLength)
	return func(pieces []piece, p piece) ([]piece, error) {
		if p.text == "" {
			return pieces, nil
		}
		if options.AddPrefixSpace && !strings.HasPrefix(p.text, " ") {
			p.text = " " + p.text
			if p.start > 0 {
				p.start++
			}
		}
		start := len(pieces)
		if options.UseRegex {
			var err error
			if pieces, err = splitPiece(pieces, p, words, isolated); err != nil {
				return nil, err
			}
		} else {
			pieces = append(pieces, p)
		}
		for i := start; i < len(pieces); i++ {
			pieces[i].start = len(bytesToCharacters(pieces[i].text[:min(pieces[i].start, len(pieces[i].text))]))
			pieces[i].text = bytesToCharacters(pieces[i].text)
		}
		return pieces, nil
	}, nil
}

func parseSplit(data json.RawMessage) (preTokenizer, error) {
	var options struct {
		Pattern  json.RawMessage
		Behavior string
		Invert   bool
	}
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	find, err := parsePattern(options.Pattern)
	if err != nil {
		return nil, componentError("pre-tokenizer", "Split", err)
	}
	behavior, err := parseSplitBehavior(options.Behavior)
	if err != nil {
		return nil, componentError("pre-tokenizer", "Split", err)
	}
	return splitBy(find, behavior, options.Invert), nil
}

// metaspaceOptions are those of the pre-tokenizer and the decoder Metaspace.
type metaspaceOptions struct {
	Replacement    string
	AddPrefixSpace *bool  `json:"add_prefix_space"` // in old files
	PrependScheme  string `json:"prepend_scheme"`
	Split          *bool
}

func parseMetaspaceOptions(data json.RawMessage, part string) (metaspaceOptions, error) {
	options := metaspaceOptions{PrependScheme: "always"}
	if err := unmarshalComponent(data, part, &options); err != nil {
		return options, err
	}
	if options.AddPrefixSpace != nil && !*options.AddPrefixSpace {
		// The reference refuses other schemes; here the older option says what is meant.
		options.PrependScheme = "never"
	}
	if utf8.RuneCountInString(options.Replacement) != 1 {
		return options, componentError(part, "Metaspace", fmt.Errorf("the replacement is %s, not one character", quoteShort(options.Replacement)))
	}
	switch options.PrependScheme {
	case "always", "first", "never":
		return options, nil
	}
	return options, componentError(part, "Metaspace", fmt.Errorf("the prepend_scheme %s is not supported", quoteShort(options.PrependScheme)))
}

func parseMetaspace(data json.RawMessage) (preTokenizer, error) {
	options, err := parseMetaspaceOptions(data, "pre-tokenizer")
	if err != nil {
		return nil, err
	}
	replacement := options.Replacement
	symbol, _ := utf8.DecodeRuneInString(replacement)
	find := runePattern(func(r rune) bool { return r == symbol })
	split := options.Split == nil || *options.Split
	return func(pieces []piece, p piece) ([]piece, error) {
		if p.text == "" {
			return pieces, nil
		}
		p.start = len(strings.ReplaceAll(p.text[:min(p.start, len(p.text))], " ", replacement))
		p.text = strings.ReplaceAll(p.text, " ", replacement)
		prepend := options.PrependScheme == "always" || options.PrependScheme == "first" && p.start > 0
		if prepend && !strings.HasPrefix(p.text, replacement) {
			p.text = replacement + p.text
			if p.start > 0 {
				p.start += len(replacement)
			}
		}
		if split {
			return splitPiece(pieces, p, find, mergedWithNext)
		}
		return append(pieces, p), nil
	}, nil
}

func parsePunctuation(data json.RawMessage) (preTokenizer, error) {
	options := struct{ Behavior string }{"isolated"}
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	behavior, err := parseSplitBehavior(options.Behavior)
	if err != nil {
		return nil, componentError("pre-tokenizer", "Punctuation", err)
	}
	return splitBy(runePattern(isPunctuation), behavior, false), nil
}

func parseDigits(data json.RawMessage) (preTokenizer, error) {
	var options struct {
		Individual bool `json:"individual_digits"`
	}
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	behavior := contiguous
	if options.Individual {
		behavior = isolated
	}
	return splitBy(runePattern(func(r rune) bool { return unicode.Is(rustNumbers, r) }), behavior, false), nil
}

func parseDelimiter(data json.RawMessage) (preTokenizer, error) {
	var options struct{ Delimiter string }
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(options.Delimiter) != 1 {
		return nil, componentError("pre-tokenizer", "CharDelimiterSplit", fmt.Errorf("the delimiter is %s, not one character", quoteShort(options.Delimiter)))
	}
	return splitBy(literalPattern(options.Delimiter), removed, false), nil
}

func parseFixedLength(data json.RawMessage) (preTokenizer, error) {
	options := struct{ Length int }{5}
	if err := unmarshalComponent(data, "pre-tokenizer", &options); err != nil {
		return nil, err
	}
	if options.Length < 1 {
		return nil, componentError("pre-tokenizer", "FixedLength", fmt.Errorf("the length is %d", options.Length))
	}
	return func(pieces []piece, p piece) ([]piece, error) {
		count, start := 0, 0
		for i := range p.text {
			if count == options.Length {
				pieces = append(pieces, piece{p.text[start:i], noToken, max(p.start-start, 0)})
				count, start = 0, i
			}
			count++
		}
		if start < len(p.text) {
			pieces = append(pieces, piece{p.text[start:], noToken, max(p.start-start, 0)})
		}
		return pieces, nil
	}, nil
}

func isPunctuation(r rune) bool { return unicode.Is(punctuation, r) }

// rustWordLength matches \w+|[^\w\s]+ as the crate regex does.
func rustWordLength(text string) int {
	first, size := utf8.DecodeRuneInString(text)
	if unicode.IsSpace(first) {
		return 0
	}
	word := isRustWord(first)
	for size < len(text) {
		r, n := utf8.DecodeRuneInString(text[size:])
		if unicode.IsSpace(r) || isRustWord(r) != word {
			break
		}
		size += n
	}
	return size
}

func isRustWord(r rune) bool { return unicode.Is(rustWords, r) }
