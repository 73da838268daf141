package tokenizer

import (
	"encoding/json"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// parseBertNormalizer reads the normalizer of BERT (normalizers/bert.rs).
func parseBertNormalizer(data json.RawMessage) (normalizer, error) {
	options := bertOptions{}
	if err := unmarshalComponent(data, "normalizer", &options); err != nil {
		return nil, err
	}
	return options.normalize, nil
}

type bertOptions struct {
	CleanText          bool  `json:"clean_text"`
	HandleChineseChars bool  `json:"handle_chinese_chars"`
	StripAccents       *bool `json:"strip_accents"` // null: as Lowercase
	Lowercase          bool  `json:"lowercase"`
}

func (o bertOptions) normalize(text string) (string, int, error) {
	start := firstCharacter
	if o.CleanText {
		text, start, _ = filter(func(r rune) bool { return !unicode.Is(bertControls, r) })(text)
		text = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return ' '
			}
			return r
		}, text)
	}
	if o.HandleChineseChars {
		text = spaceChinese(text)
	}
	if o.StripAccents != nil && *o.StripAccents || o.StripAccents == nil && o.Lowercase {
		var s int
		text, s, _ = filter(func(r rune) bool { return !unicode.Is(bertMarks, r) })(rustNormalize(norm.NFD, text))
		if s == 0 {
			start = 0
		}
	}
	if o.Lowercase {
		text = rustLower(text)
	}
	return text, start, nil
}

// spaceChinese puts spaces around Chinese characters.
func spaceChinese(text string) string {
	if strings.IndexFunc(text, isChinese) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if isChinese(r) {
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// isChinese reports whether r is in one of the blocks that BERT takes for Chinese.
func isChinese(r rune) bool {
	switch {
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3400 && r <= 0x4dbf, r >= 0x20000 && r <= 0x2a6df,
		r >= 0x2a700 && r <= 0x2b73f, r >= 0x2b740 && r <= 0x2b81f, r >= 0x2b920 && r <= 0x2ceaf,
		r >= 0xf900 && r <= 0xfaff, r >= 0x2f800 && r <= 0x2fa1f:
		return true
	}
	return false
}
