package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parseJSON(tb testing.TB, name string) *HuggingFace {
	tb.Helper()
	t, err := ParseTokenizerJSON(readGzip(tb, name+".json.gz"))
	require.NoError(tb, err)
	return t
}

func TestHuggingFaceEqualsReference(t *testing.T) {
	tokenizers := make(map[string]*HuggingFace)
	eachReference(t, "huggingface.jsonl.gz", func(want reference) {
		require.NotEmpty(t, want.Tokens)
		for name, tokens := range want.Tokens {
			if tokenizers[name] == nil {
				tokenizers[name] = parseJSON(t, name)
			}
			got, err := tokenizers[name].Encode(want.Text)
			require.NoError(t, err)
			if len(tokens) == 0 {
				assert.Empty(t, got, "%s: %+q", name, want.Text)
			} else {
				assert.Equal(t, tokens, got, "%s: %+q", name, want.Text)
			}
			if decoded, ok := want.Decoded[name]; ok {
				assert.Equal(t, decoded, tokenizers[name].Decode(tokens), "%s: %v", name, tokens)
			}
		}
	})
}

func TestComponentsEqualReference(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(readGzip(t, "components.jsonl.gz")))
	lines.Buffer(nil, 1<<26)
	count := 0
	for lines.Scan() {
		var want struct {
			Kind      string
			Component json.RawMessage
			Cases     [][2]json.RawMessage
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		apply := parseComponent(t, want.Kind, want.Component)
		failures := 0
		for _, one := range want.Cases {
			if got := apply(one[0]); !assert.JSONEq(t, string(one[1]), got, "%.200s: %s", want.Component, one[0]) {
				if failures++; failures > 3 {
					break
				}
			}
			count++
		}
	}
	require.NoError(t, lines.Err())
	require.Greater(t, count, 1000)
}

// parseComponent returns what a component does, from JSON to JSON.
func parseComponent(t *testing.T, kind string, data json.RawMessage) func(input json.RawMessage) string {
	toJSON := func(v any, err error) string {
		require.NoError(t, err)
		out, err := json.Marshal(v)
		require.NoError(t, err)
		return string(out)
	}
	var text string
	switch kind {
	case "normalizer":
		n, err := parseNormalizer(data)
		require.NoError(t, err)
		return func(input json.RawMessage) string {
			require.NoError(t, json.Unmarshal(input, &text))
			normalized, _, err := n(text)
			return toJSON(normalized, err)
		}
	case "pre_tokenizer":
		p, err := parsePreTokenizer(data)
		require.NoError(t, err)
		return func(input json.RawMessage) string {
			require.NoError(t, json.Unmarshal(input, &text))
			pieces, err := p(nil, piece{text, noToken, firstLength(text)})
			texts := []string{}
			for _, one := range pieces {
				texts = append(texts, one.text)
			}
			return toJSON(texts, err)
		}
	}
	d, err := parseDecoder(data)
	require.NoError(t, err)
	return func(input json.RawMessage) string {
		var tokens []string
		require.NoError(t, json.Unmarshal(input, &tokens))
		decoded, err := d.decodeAll(tokens)
		return toJSON(decoded, err)
	}
}
