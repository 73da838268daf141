package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A tokenDecoder rewrites the texts of tokens, which are then joined.
type tokenDecoder func(tokens []string) ([]string, error)

// parseDecoder reads the part "decoder" of a tokenizer.json; nil: there is none. It follows
// tokenizers/src/decoders.
func parseDecoder(data json.RawMessage) (tokenDecoder, error) {
	kind, err := componentType(data, "decoder")
	if err != nil || kind == "" {
		return nil, err
	}
	switch kind {
	case "Sequence":
		return parseDecoderSequence(data)
	case "ByteLevel":
		return decodeByteLevel, nil
	case "ByteFallback":
		return decodeByteFallback, nil
	case "Fuse":
		return func(tokens []string) ([]string, error) { return []string{strings.Join(tokens, "")}, nil }, nil
	case "Metaspace":
		return parseMetaspaceDecoder(data)
	case "Replace":
		replace, err := parseReplacement(data, "decoder")
		if err != nil {
			return nil, err
		}
		return decodeEach(func(_, _ int, token string) (string, error) {
			token, _, err := replace(token)
			return token, err
		}), nil
	case "Strip":
		return parseStripDecoder(data)
	case "BPEDecoder":
		options := struct{ Suffix string }{"</w>"}
		if err := unmarshalComponent(data, "decoder", &options); err != nil {
			return nil, err
		}
		return decodeEach(func(i, count int, token string) (string, error) {
			space := " "
			if i == count-1 {
				space = ""
			}
			return strings.ReplaceAll(token, options.Suffix, space), nil
		}), nil
	case "WordPiece":
		return parseWordPieceDecoder(data)
	}
	return nil, unknownComponent("decoder", kind)
}

// decodeEach rewrites each token; i is its place and count how many there are.
func decodeEach(rewrite func(i, count int, token string) (string, error)) tokenDecoder {
	return func(tokens []string) ([]string, error) {
		out := make([]string, len(tokens))
		var err error
		for i, token := range tokens {
			if out[i], err = rewrite(i, len(tokens), token); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

func parseDecoderSequence(data json.RawMessage) (tokenDecoder, error) {
	var parts struct{ Decoders []json.RawMessage }
	if err := unmarshalComponent(data, "decoder", &parts); err != nil {
		return nil, err
	}
	var chain []tokenDecoder
	for _, part := range parts.Decoders {
		d, err := parseDecoder(part)
		if err != nil {
			return nil, err
		}
		if d != nil {
			chain = append(chain, d)
		}
	}
	return func(tokens []string) ([]string, error) {
		var err error
		for _, d := range chain {
			if tokens, err = d(tokens); err != nil {
				return nil, err
			}
			length := 0
			for _, token := range tokens {
				if length += len(token); length > longestGrown {
					return nil, errTextGrows
				}
			}
		}
		return tokens, nil
	}, nil
}

// characterBytes are the bytes that the characters of byte-level vocabularies stand for.
var characterBytes = func() map[rune]byte {
	values := make(map[rune]byte, 256)
	for b := range 256 {
		values[byteCharacter(byte(b))] = byte(b)
	}
	return values
}()

// decodeByteLevel turns characters into the bytes that they stand for. A token with a character
// that stands for none stays as it is.
func decodeByteLevel(tokens []string) ([]string, error) {
	var out []byte
	for _, token := range tokens {
		start := len(out)
		for _, r := range token {
			b, ok := characterBytes[r]
			if !ok {
				out = append(out[:start], token...)
				break
			}
			out = append(out, b)
		}
	}
	return []string{decodeReplacing(out)}, nil
}

// decodeByteFallback turns runs of tokens such as <0x0A> into text, or into as many U+FFFD if the
// run is not UTF-8.
func decodeByteFallback(tokens []string) ([]string, error) {
	var out []string
	var queued []byte
	flush := func() {
		if utf8.Valid(queued) {
			if len(queued) > 0 {
				out = append(out, string(queued))
			}
		} else {
			out = append(out, slices.Repeat([]string{string(utf8.RuneError)}, len(queued))...)
		}
		queued = queued[:0]
	}
	for _, token := range tokens {
		if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
			// Rust reads a sign too.
			if value, err := strconv.ParseUint(strings.TrimPrefix(token[3:5], "+"), 16, 8); err == nil {
				queued = append(queued, byte(value))
				continue
			}
		}
		flush()
		out = append(out, token)
	}
	flush()
	return out, nil
}

func parseMetaspaceDecoder(data json.RawMessage) (tokenDecoder, error) {
	options, err := parseMetaspaceOptions(data, "decoder")
	if err != nil {
		return nil, err
	}
	return decodeEach(func(i, _ int, token string) (string, error) {
		space := " "
		if i == 0 && options.PrependScheme != "never" {
			space = ""
		}
		return strings.ReplaceAll(token, options.Replacement, space), nil
	}), nil
}

func parseStripDecoder(data json.RawMessage) (tokenDecoder, error) {
	var options struct {
		Content     string
		Start, Stop int
	}
	if err := unmarshalComponent(data, "decoder", &options); err != nil {
		return nil, err
	}
	if options.Content == "" {
		return nil, componentError("decoder", "Strip", errors.New("it has no content"))
	}
	return decodeEach(func(_, _ int, token string) (string, error) {
		for i := 0; i < options.Start && strings.HasPrefix(token, options.Content); i++ {
			token = token[len(options.Content):]
		}
		for i := 0; i < options.Stop && strings.HasSuffix(token, options.Content); i++ {
			token = token[:len(token)-len(options.Content)]
		}
		return token, nil
	}), nil
}

// cleanWordPieces takes out the spaces that words were split at.
var cleanWordPieces = [][2]string{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
	{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func parseWordPieceDecoder(data json.RawMessage) (tokenDecoder, error) {
	options := struct {
		Prefix  string
		Cleanup bool
	}{"##", true}
	if err := unmarshalComponent(data, "decoder", &options); err != nil {
		return nil, err
	}
	return decodeEach(func(i, _ int, token string) (string, error) {
		if i > 0 {
			rest, ok := strings.CutPrefix(token, options.Prefix)
			if !ok {
				rest = " " + token
			}
			token = rest
		}
		if options.Cleanup {
			for _, pair := range cleanWordPieces {
				token = strings.ReplaceAll(token, pair[0], pair[1])
			}
		}
		return token, nil
	}), nil
}

// decodeAll decodes tokens to one text; without a decoder there is a space between them.
func (d tokenDecoder) decodeAll(tokens []string) (string, error) {
	if d == nil {
		return strings.Join(tokens, " "), nil
	}
	tokens, err := d(tokens)
	if err != nil {
		return "", fmt.Errorf("tokenizer: %w", err)
	}
	return strings.Join(tokens, ""), nil
}
