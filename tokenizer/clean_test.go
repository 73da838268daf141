package tokenizer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/unicode/norm"
)

// The expected texts are those of ftfy 6.3.1.
func TestFixText(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                            "plain",
		"schÃ¶n":                           "schön",
		"voilÃ le travail":                 "voilà le travail",
		"âœ” No problems":                  "✔ No problems",
		"&macr;\\_(ã\u0083\u0084)_/&macr;": "¯\\_(ツ)_/¯",
		"it&#x2019;s ﬂubberiﬁc!":           "it's flubberific!",
		"ＬＯＵＤ　ＮＯＩＳＥＳ":                      "LOUD NOISES",
		"â€œ like this â€\ufffd":           "\" like this \ufffd",
		"<b>&amp;</b>\n&amp;":              "<b>&amp;</b>\n&amp;",
		"&amp;\n<b>&amp;":                  "&\n<b>&amp;",
		"BUNDESSTRA&SZLIG;E &nTILDE;":      "BUNDESSTRASSE &nTILDE;",
		"\x1b[36;44mblue\x1b[0m \x1b[!":    "blue [!",
		"í\u00a0½í¸\u0080":                 "😀",
		"Å is a letter, à la carte":        "Å is a letter, à la carte",
	} {
		assert.Equal(t, want, fixText(text), "%+q", text)
	}
}

func TestUnescapeHTML(t *testing.T) {
	for text, want := range map[string]string{
		"&lt;&gt;&amp;":                        "<>&",
		"&notit; &notin;":                      "¬it; ∉",
		"&#65;&#x41&#X42;":                     "AAB",
		"&#0;&#xd800;":                         "\ufffd\ufffd",
		"&#1;&#xfdd0;":                         "",
		"&#x80;":                               "€",
		"&nGt;&nLt;":                           "≫⃒≪⃒",
		"&unknown; & &#;":                      "&unknown; & &#;",
		"&semi;&semi":                          ";&semi",
		"&#" + strings.Repeat("9", 5000) + ";": "\ufffd",
	} {
		assert.Equal(t, want, unescapeHTML(text), "%+q", text)
	}
}

func TestPythonLower(t *testing.T) {
	for text, want := range map[string]string{
		"ΟΔΟΣ":      "οδος",
		"ΟΔΟΣ.":     "οδος.",
		"ΟΔΟΣ.Α":    "οδοσ.α",
		"Σ":         "σ",
		"ΑΣ\u00adΑ": "ασ\u00adα",
		"İI":        "i\u0307i",
	} {
		assert.Equal(t, want, pythonLower(text), "%+q", text)
	}
}

func TestNormalizeLongRunsOfMarks(t *testing.T) {
	// The norm package would put a U+034F into the run.
	text := "e" + strings.Repeat("\u0301", 40)
	assert.Equal(t, "é"+strings.Repeat("\u0301", 39), normalizeNFC(text))
	// On what norm composes without it, both agree.
	for _, text := range []string{
		"a\u0323\u0302 \u1e9b\u0323", "\u1112\u1161\u11ab", "q\u0307\u0323", "\u0344", "\u0958", "\u09c7\u09be", "\u0b47\u0300\u0b3e",
		"\u0301a", "Å\u0327", "\u2adc\u0338", "\U00011099\U000110ba", "ậ\u0323\u0302",
	} {
		assert.Equal(t, norm.NFC.String(text), normalizeLong(norm.NFC, text), "%+q", text)
	}
}

func TestBadnessClassesFit(t *testing.T) {
	assert.NotZero(t, newCharClassifier().next, "there are more classes than bits")
}

func FuzzClean(f *testing.F) {
	f.Add("cafÃ© &amp;eacute; Σ")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\ufffd")
		clean := Clean(text)
		assert.Equal(t, clean, collapseSpace(clean))
		if runs := []rune(text); len(runs) < 20 {
			assert.Equal(t, norm.NFC.String(text), normalizeLong(norm.NFC, text))
		}
	})
}
