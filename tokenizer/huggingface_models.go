package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A tokenModel turns the pieces of a text into tokens: the part "model" of a tokenizer.json.
type tokenModel interface {
	// appendTokens appends the tokens of a piece, which is not empty.
	appendTokens(ids []int64, text string) ([]int64, error)
	// id returns the number of a token.
	id(token string) (int64, bool)
	// token returns the token of a number.
	token(id int64) (string, bool)
	// size is the number of tokens, largest the largest number of one.
	size() int
	largest() int64
}

// errNoUnknownToken: the text has a character that no token stands for.
var errNoUnknownToken = errors.New("the text has a character that is not in the vocabulary, and the tokenizer has no token for unknown ones")

// A modelFile is the part "model" of a tokenizer.json, with the options of all types.
type modelFile struct {
	Type                    string
	Vocab, Merges           json.RawMessage
	Dropout                 *float64
	UnkToken                *string `json:"unk_token"`
	UnkID                   *int64  `json:"unk_id"`
	ContinuingSubwordPrefix *string `json:"continuing_subword_prefix"`
	EndOfWordSuffix         string  `json:"end_of_word_suffix"`
	FuseUnk                 bool    `json:"fuse_unk"`
	ByteFallback            bool    `json:"byte_fallback"`
	IgnoreMerges            bool    `json:"ignore_merges"`
	MaxInputCharsPerWord    *int    `json:"max_input_chars_per_word"`
}

func parseTokenModel(file *modelFile) (tokenModel, error) {
	if file == nil {
		return nil, errors.New("it has no model")
	}
	kind := file.Type
	if kind == "" { // in old files
		switch {
		case !isNull(file.Merges):
			kind = "BPE"
		case file.MaxInputCharsPerWord != nil:
			kind = "WordPiece"
		case len(file.Vocab) > 0 && file.Vocab[0] == '[':
			kind = "Unigram"
		default:
			return nil, errors.New("its model has no type")
		}
	}
	switch kind {
	case "BPE":
		return parseBPE(file)
	case "Unigram":
		return parseUnigram(file)
	case "WordPiece":
		return parseWordPiece(file)
	case "WordLevel":
		return parseWordLevel(file)
	}
	return nil, unknownComponent("model", kind)
}

// numbers reads a vocabulary that numbers its tokens.
func (f *modelFile) numbers() (map[string]int64, error) {
	var ids map[string]int64
	if isNull(f.Vocab) {
		return nil, errors.New("its model has no vocab")
	}
	return ids, unmarshalComponent(f.Vocab, "vocab", &ids)
}

// stringOr returns a text of the file, or a default one if it has none.
func stringOr(text *string, otherwise string) string {
	if text == nil {
		return otherwise
	}
	return *text
}

// A vocabulary numbers tokens.
type vocabulary struct {
	ids     map[string]int64
	tokens  map[int64]string
	highest int64
}

func newVocabulary(ids map[string]int64) (vocabulary, error) {
	v := vocabulary{ids: ids, tokens: make(map[int64]string, len(ids)), highest: -1}
	for token, id := range ids {
		if id < 0 || id >= 1<<31-1 {
			return v, fmt.Errorf("its token %s has the number %d", quoteShort(token), id)
		}
		v.tokens[id] = token
		v.highest = max(v.highest, id)
	}
	return v, nil
}

func (v vocabulary) id(token string) (int64, bool) {
	id, ok := v.ids[token]
	return id, ok
}

func (v vocabulary) token(id int64) (string, bool) {
	token, ok := v.tokens[id]
	return token, ok
}

func (v vocabulary) size() int      { return len(v.ids) }
func (v vocabulary) largest() int64 { return v.highest }

// byteTokens returns the tokens <0x00> to <0xFF>; -1: there is none.
func (v vocabulary) byteTokens() (ids [256]int64) {
	for b := range ids {
		id, ok := v.ids[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = -1
		}
		ids[b] = id
	}
	return ids
}

// appendBytes appends the byte tokens of text, if all are there.
func appendBytes(ids []int64, tokens *[256]int64, text string) ([]int64, bool) {
	start := len(ids)
	for i := range len(text) {
		id := tokens[text[i]]
		if id < 0 {
			return ids[:start], false
		}
		ids = append(ids, id)
	}
	return ids, true
}
