package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An addedToken is a token that is found in the text before it is split, such as <|endoftext|>.
type addedToken struct {
	Content    string
	SingleWord bool `json:"single_word"` // only if no letter is beside it
	LeftStrip  bool `json:"lstrip"`      // with the spaces before it
	RightStrip bool `json:"rstrip"`      // with the spaces after it
	Normalized bool // found in the normalized text
	Special    bool
}

// addedTokens finds the added tokens in a text (tokenizer/added_vocabulary.rs).
type addedTokens struct {
	tokens map[int64]addedToken
	ids    map[string]int64
	// shown is what a token is decoded from, if that is not its content.
	shown map[int64]string
	// One trie for the text as it is, one for the normalized text; nil: no tokens. The values are
	// token numbers.
	plain, normalized *prefixTrie
	largest           int64
}

// parseAddedTokens reads the part "added_tokens" of a tokenizer.json.
func parseAddedTokens(data json.RawMessage, model tokenModel, normalize normalizer) (*addedTokens, error) {
	var list []addedToken
	if !isNull(data) {
		if err := unmarshalComponent(data, "added tokens", &list); err != nil {
			return nil, err
		}
	}
	return newAddedTokens(list, model, normalize)
}

// newAddedTokens adds tokens to those of a model. As in the reference, the number of a token is the
// vocabulary's, or else the next free one; that in the file does not count.
func newAddedTokens(list []addedToken, model tokenModel, normalize normalizer) (*addedTokens, error) {
	a := &addedTokens{tokens: make(map[int64]addedToken), ids: make(map[string]int64), shown: make(map[int64]string), largest: -1}
	next := int64(model.size())
	var plain, normalized []string
	var plainIDs, normalizedIDs []int32
	for _, token := range list {
		if token.Content == "" {
			continue
		}
		id, ok := a.ids[token.Content]
		if ok && a.tokens[id] == token {
			continue
		}
		if !ok {
			if id, ok = model.id(token.Content); !ok {
				id = next
				next++
			}
		}
		pattern := token.Content
		if token.Normalized {
			if normalize != nil {
				var err error
				if pattern, _, err = normalize(pattern); err != nil {
					return nil, err
				}
				if pattern != token.Content {
					a.shown[id] = pattern
				}
			}
			normalized, normalizedIDs = append(normalized, pattern), append(normalizedIDs, int32(id))
		} else {
			plain, plainIDs = append(plain, pattern), append(plainIDs, int32(id))
		}
		a.ids[token.Content], a.tokens[id] = id, token
		a.largest = max(a.largest, id)
	}
	if a.largest >= 1<<31-1 {
		return nil, fmt.Errorf("its tokens have numbers up to %d, which is too large", a.largest)
	}
	if len(plain) > 0 {
		a.plain = newPrefixTrie(plain, plainIDs)
	}
	if len(normalized) > 0 {
		a.normalized = newPrefixTrie(normalized, normalizedIDs)
	}
	return a, nil
}

// split appends the tokens in a text that a trie has, and what is between.
func (a *addedTokens) split(pieces []piece, p piece, trie *prefixTrie) []piece {
	text := p.text
	if trie == nil {
		if text == "" {
			return pieces
		}
		return append(pieces, p)
	}
	done := 0 // up to here text is in pieces
	for i := 0; i < len(text); {
		length, value := trie.longestPrefix(text[i:])
		if length == 0 {
			i++
			continue
		}
		start, end := i, i+length
		i = end
		token := a.tokens[int64(value)]
		if token.SingleWord && (endsWithWord(text[:start]) || startsWithWord(text[end:])) {
			continue
		}
		if token.LeftStrip {
			start = max(len(strings.TrimRightFunc(text[:start], unicode.IsSpace)), done)
		}
		if token.RightStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if done < start {
			pieces = append(pieces, piece{text[done:start], noToken, max(p.start-done, 0)})
		}
		pieces = append(pieces, piece{token: int64(value)})
		done = end
	}
	if done < len(text) {
		pieces = append(pieces, piece{text[done:], noToken, max(p.start-done, 0)})
	}
	return pieces
}

func startsWithWord(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	return size > 0 && isRustWord(r)
}

func endsWithWord(text string) bool {
	r, size := utf8.DecodeLastRuneInString(text)
	return size > 0 && isRustWord(r)
}
