package tokenizer

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// parsePrecompiled reads a map of characters of SentencePiece. It is not applied as SentencePiece
// does: a whole cluster of characters, of less than 6 bytes, becomes what its shortest prefix in
// the map becomes (normalizers/precompiled.rs, and the crate spm_precompiled).
func parsePrecompiled(data json.RawMessage) (normalizer, error) {
	var options struct {
		Map []byte `json:"precompiled_charsmap"`
	}
	if err := unmarshalComponent(data, "normalizer", &options); err != nil {
		return nil, err
	}
	m, err := parseCharsMap(options.Map)
	if err != nil {
		return nil, componentError("normalizer", "Precompiled", err)
	}
	if m == nil {
		return nil, nil
	}
	return m.normalizeClusters, nil
}

// findPrecompiled returns the first Precompiled of a normalizer or of its sequence; nil: none.
func findPrecompiled(data json.RawMessage) (normalizer, error) {
	switch kind, err := componentType(data, "normalizer"); {
	case err != nil:
		return nil, err
	case kind == "Precompiled":
		return parsePrecompiled(data)
	case kind != "Sequence":
		return nil, nil
	}
	var parts struct{ Normalizers []json.RawMessage }
	if err := unmarshalComponent(data, "normalizer", &parts); err != nil {
		return nil, err
	}
	for _, part := range parts.Normalizers {
		if kind, err := componentType(part, "normalizer"); err != nil || kind == "Precompiled" {
			return findPrecompiled(part)
		}
	}
	return nil, nil
}

// normalizeClusters applies the map to a text.
func (m *charsMap) normalizeClusters(text string) (normalized string, start int, err error) {
	const longestCluster = 5
	out := clusterWriter{start: firstCharacter}
	out.Grow(len(text) + len(text)/4)
	for text != "" {
		cluster := firstCluster(text)
		text = text[len(cluster):]
		if len(cluster) <= longestCluster {
			if replacement, ok := m.shortest(cluster); ok {
				out.replace(cluster, replacement)
				continue
			}
		}
		for i, r := range cluster {
			character := cluster[i : i+utf8.RuneLen(r)]
			if replacement, ok := m.shortest(character); ok {
				out.replace(character, replacement)
			} else {
				out.WriteString(character)
			}
		}
	}
	return out.String(), out.start, nil
}

// A clusterWriter collects a normalized text, and how many bytes of it stand for the first
// character of the text.
type clusterWriter struct {
	strings.Builder
	start int
}

// replace writes what becomes of a part of the text. All of what the first character becomes stands
// for it; but if the characters after it are left out, the last one stands for them.
func (w *clusterWriter) replace(part, replacement string) {
	switch {
	case w.Len() == 0 && replacement != "" && utf8.RuneCountInString(part) == 1:
		w.start = len(replacement)
	case replacement == "" && w.Len() > 0 && w.Len() == w.start:
		if text := w.String(); firstLength(text) < len(text) {
			_, size := utf8.DecodeLastRuneInString(text)
			w.start -= size
		}
	}
	w.WriteString(replacement)
}

// firstCluster returns the grapheme cluster at the start of text.
func firstCluster(text string) string {
	if text[0] < utf8.RuneSelf && text[0] != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return text[:1]
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
	return cluster
}
