package tokenizer

import (
	"slices"
	"strings"
)

// A siglipEncoder is SiglipTokenizer of transformers (models/siglip/tokenization_siglip.py): a
// SentencePiece model whose texts are lowered and lose their ASCII punctuation, and special tokens
// that are found in the text before.
type siglipEncoder struct {
	*SentencePiece
	special *prefixTrie // of the special tokens; the values are their numbers
	// unknownText is put before each text, for the model drops spaces at the start of one; its
	// unknownCount tokens are then left out.
	unknownText  string
	unknownCount int
	space        int64 // the token of a space alone, or noToken
}

// newSiglipEncoder makes an encoder with special tokens, of which unknown is one.
func newSiglipEncoder(model *SentencePiece, unknown string, special []string) (*siglipEncoder, error) {
	e := &siglipEncoder{SentencePiece: model, unknownText: unknown, space: noToken}
	slices.Sort(special)
	var values []int32
	special = slices.DeleteFunc(slices.Compact(special), func(token string) bool {
		id, ok := model.Token(token)
		if ok {
			values = append(values, int32(id))
		}
		return !ok
	})
	e.special = newPrefixTrie(special, values)
	e.unknownCount = len(model.appendIDs(nil, unknown))
	if id, ok := model.Token(spaceSymbol); ok {
		e.space = id
	}
	return e, nil
}

// encode appends the tokens of text.
func (e *siglipEncoder) encode(ids []int64, text string) ([]int64, error) {
	start := len(ids)
	for i, p := range e.split(spaceSymbol + strings.ReplaceAll(text, spaceSymbol, " ")) {
		if p.token != noToken {
			// A space alone before a special token at the start is left out.
			if i == 1 && len(ids) == start+1 && ids[start] == e.space {
				ids = ids[:start]
			}
			ids = append(ids, p.token)
			continue
		}
		tokens := e.appendIDs(nil, e.unknownText+e.canonicalize(p.text))
		if len(tokens) >= e.unknownCount {
			tokens = tokens[e.unknownCount:]
		}
		ids = append(ids, tokens...)
	}
	return ids, nil
}

// canonicalize is canonicalize_text of the reference.
func (e *siglipEncoder) canonicalize(text string) string {
	text = removePunctuation(pythonLower(text))
	var out strings.Builder
	space := false
	for _, r := range text {
		if isPythonSpace(r) {
			space = true
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
		}
		out.WriteRune(r)
	}
	return strings.TrimFunc(out.String(), isPythonSpace)
}

// split finds the special tokens, and takes the spaces around them away.
func (e *siglipEncoder) split(text string) []piece {
	var pieces []piece
	last := 0
	stripLeft := false
	add := func(text string, stripRight bool) {
		if stripLeft {
			text = strings.TrimLeftFunc(text, isPythonSpace)
		}
		if stripRight {
			text = strings.TrimRightFunc(text, isPythonSpace)
		}
		if text != "" {
			pieces = append(pieces, piece{text: text, token: noToken})
		}
	}
	for i := 0; i < len(text); {
		length, value := e.special.longestPrefix(text[i:])
		if length == 0 {
			i++
			continue
		}
		add(text[last:i], true)
		pieces = append(pieces, piece{token: int64(value)})
		i += length
		last, stripLeft = i, true
	}
	add(text[last:], false)
	return pieces
}
