package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A HuggingFace is a tokenizer.json of Hugging Face's tokenizers package: it normalizes a text,
// splits it into words, turns them into tokens and puts special tokens around them. It gives the
// same tokens as tokenizers 0.23. Supported are
//   - the models BPE, Unigram, WordPiece and WordLevel;
//   - the normalizers Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace,
//     Prepend, Precompiled, BertNormalizer, Nmt and ByteLevel;
//   - the pre-tokenizers Sequence, ByteLevel, Split, Whitespace, WhitespaceSplit, Metaspace,
//     Punctuation, Digits, BertPreTokenizer, CharDelimiterSplit and FixedLength;
//   - the post-processors TemplateProcessing, RobertaProcessing, BertProcessing, ByteLevel and
//     Sequence;
//   - the decoders Sequence, ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, BPEDecoder and
//     WordPiece;
//   - added tokens, truncation and padding.
//
// A component of another type is an error that names it. Regular expressions are in the syntax of
// Oniguruma; what means something else in Go's library is an error too.
//
// It is immutable and may be used from many goroutines at once. [FromTokenizerJSON] makes the
// [Tokenizer] of a text encoder from one.
type HuggingFace struct {
	added     *addedTokens
	normalize normalizer   // nil: none
	charsMap  normalizer   // the first Precompiled in normalize; nil: none
	split     preTokenizer // nil: none
	model     tokenModel
	template  template
	decoder   tokenDecoder // nil: none
	// wordEnd ends words of a byte-level vocabulary as CLIP's; it is decoded to a space.
	wordEnd    string
	truncation *truncationOptions // nil: none
	padding    *paddingOptions    // nil: none
}

// truncationOptions is the part "truncation" of a tokenizer.json.
type truncationOptions struct {
	Direction string
	MaxLength int `json:"max_length"`
}

// paddingOptions is the part "padding" of a tokenizer.json.
type paddingOptions struct {
	Strategy struct{ Fixed int }
	// Direction is "Left" or "Right".
	Direction string
	PadID     int64 `json:"pad_id"`
}

// UnmarshalJSON reads a strategy that is either a text or {"Fixed": length}.
func (p *paddingOptions) UnmarshalJSON(data []byte) error {
	var file struct {
		Strategy  json.RawMessage
		Direction string
		PadID     int64 `json:"pad_id"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	p.Direction, p.PadID = file.Direction, file.PadID
	if len(file.Strategy) > 0 && file.Strategy[0] == '{' {
		return json.Unmarshal(file.Strategy, &p.Strategy)
	}
	return nil
}

// ParseTokenizerJSON reads a tokenizer.json.
func ParseTokenizerJSON(data []byte) (*HuggingFace, error) {
	t, err := parseTokenizerJSON(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: the tokenizer.json cannot be used: %w", err)
	}
	return t, nil
}

func parseTokenizerJSON(data []byte) (*HuggingFace, error) {
	var file struct {
		Version       string
		Truncation    *truncationOptions
		Padding       *paddingOptions
		AddedTokens   json.RawMessage `json:"added_tokens"`
		Normalizer    json.RawMessage
		PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
		PostProcessor json.RawMessage `json:"post_processor"`
		Decoder       json.RawMessage
		Model         *modelFile
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if err := checkDepth(data); err != nil {
		return nil, err
	}
	if file.Version != "" && file.Version != "1.0" {
		return nil, fmt.Errorf("its version is %s, and only 1.0 is known", quoteShort(file.Version))
	}
	t := &HuggingFace{truncation: file.Truncation, padding: file.Padding}
	var err error
	if t.model, err = parseTokenModel(file.Model); err != nil {
		return nil, err
	}
	if t.normalize, err = parseNormalizer(file.Normalizer); err != nil {
		return nil, err
	}
	if t.charsMap, err = findPrecompiled(file.Normalizer); err != nil {
		return nil, err
	}
	if t.split, err = parsePreTokenizer(file.PreTokenizer); err != nil {
		return nil, err
	}
	if t.template, err = parseTemplate(file.PostProcessor); err != nil {
		return nil, err
	}
	if t.decoder, err = parseDecoder(file.Decoder); err != nil {
		return nil, err
	}
	if t.added, err = parseAddedTokens(file.AddedTokens, t.model, t.normalize); err != nil {
		return nil, err
	}
	for _, id := range slices.Concat(t.template.before, t.template.after) {
		if id < 0 || id >= int64(t.VocabularySize()) {
			return nil, fmt.Errorf("its post-processor adds the token %d, and the largest is %d", id, t.VocabularySize()-1)
		}
	}
	if kind, _ := componentType(file.Decoder, "decoder"); kind == "ByteLevel" {
		if bpe, ok := t.model.(*bpeModel); ok {
			t.wordEnd = bpe.suffix
		}
	}
	return t, nil
}

// VocabularySize returns one more than the largest token, added tokens included.
func (t *HuggingFace) VocabularySize() int { return int(max(t.model.largest(), t.added.largest)) + 1 }

// Token returns the number of a token, which may be an added one.
func (t *HuggingFace) Token(token string) (id int64, ok bool) {
	if id, ok := t.added.ids[token]; ok {
		return id, true
	}
	return t.model.id(token)
}

// Encode returns the tokens of a text, without those that are put around it, and whole: without
// truncation. The error is [ErrInvalidUTF8], or that there is no token for a character.
func (t *HuggingFace) Encode(text string) ([]int64, error) {
	ids, err := t.encode(nil, text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return ids, nil
}

// encode appends the tokens of text.
func (t *HuggingFace) encode(ids []int64, text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: %s", ErrInvalidUTF8, quoteShort(text))
	}
	pieces, err := t.pieces(text)
	if err != nil {
		return nil, err
	}
	for _, p := range pieces {
		switch {
		case p.token != noToken:
			ids = append(ids, p.token)
		case p.text != "":
			if ids, err = t.model.appendTokens(ids, p.text); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// pieces normalizes a text and splits it into words and added tokens.
func (t *HuggingFace) pieces(text string) ([]piece, error) {
	var words []piece
	for _, p := range t.added.split(nil, piece{text, noToken, firstLength(text)}, t.added.plain) {
		if p.token != noToken {
			words = append(words, p)
			continue
		}
		if t.normalize != nil {
			normalized, start, err := t.normalize(p.text)
			if err != nil {
				return nil, err
			}
			if p.text = normalized; start == firstCharacter {
				start = firstLength(normalized)
			}
			if p.start > 0 {
				p.start = start
			}
		}
		for _, part := range t.added.split(nil, p, t.added.normalized) {
			if part.token != noToken || t.split == nil {
				words = append(words, part)
				continue
			}
			var err error
			if words, err = t.split(words, part); err != nil {
				return nil, err
			}
		}
	}
	return words, nil
}

// Decode returns the text of tokens, special ones included. Tokens that there are not become
// U+FFFD.
func (t *HuggingFace) Decode(ids []int64) string {
	tokens := make([]string, len(ids))
	for i, id := range ids {
		token, ok := t.added.shown[id]
		if !ok {
			var added addedToken
			added, ok = t.added.tokens[id]
			token = added.Content
		}
		if !ok {
			token, ok = t.model.token(id)
		}
		if !ok {
			token = string(utf8.RuneError)
		}
		tokens[i] = token
	}
	if len(tokens) == 0 {
		return ""
	}
	text, err := t.decoder.decodeAll(tokens)
	if err != nil { // a regular expression that takes too long
		return strings.Join(tokens, "")
	}
	if t.wordEnd != "" {
		return strings.TrimFunc(strings.ReplaceAll(text, t.wordEnd, " "), isPythonSpace)
	}
	return text
}
