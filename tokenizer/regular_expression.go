package tokenizer

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/dlclark/regexp2/v2"
)

// regularExpression compiles a regular expression in the syntax of Oniguruma, which the tokenizers
// package uses, to one of package regexp2. Where the two differ the expression is rewritten, or
// refused if that cannot be done; \p uses the Unicode tables of Go. Expressions that many models
// have are not compiled, but written in Go.
func regularExpression(expression string) (pattern, error) {
	switch expression {
	case clipExpression, clipExpressionOfFiles:
		return wordPattern(clipWordLength), nil
	case gpt2Expression:
		return wordPattern(gpt2WordLength), nil
	}
	rewritten, err := rewriteOniguruma(expression)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %s %w", quoteShort(expression), err)
	}
	compiled, err := regexp2.Compile(rewritten, regexp2.Multiline)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %s cannot be compiled: %w", quoteShort(expression), err)
	}
	// An expression can take exponential time; a hostile file must not stop the program.
	compiled.MatchTimeout = 10 * time.Second
	return func(text string) ([]span, error) {
		matches, err := compiled.FindAllStringIndex(text, -1)
		if err != nil {
			return nil, fmt.Errorf("the regular expression %s cannot be matched: %w", quoteShort(expression), err)
		}
		var spans []span
		last := 0
		for _, m := range matches {
			if last < m[0] {
				spans = append(spans, span{last, m[0], false})
			}
			spans = append(spans, span{m[0], m[1], true})
			last = m[1]
		}
		if last < len(text) {
			spans = append(spans, span{last, len(text), false})
		}
		return spans, nil
	}, nil
}

// What \w of Oniguruma matches inside of a character class, and outside of one: there it is also
// superscripts and fractions. In regexp2 \w has fewer characters.
const (
	onigurumaWordInClass = `\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\p{Other_Alphabetic}`
	onigurumaWord        = `[` + onigurumaWordInClass + `\u00b2\u00b3\u00b9\u00bc-\u00be]`
	onigurumaNoWord      = `[^` + onigurumaWordInClass + `\u00b2\u00b3\u00b9\u00bc-\u00be]`
)

// rewriteOniguruma rewrites an expression for regexp2. The error is the end of a sentence.
func rewriteOniguruma(expression string) (string, error) {
	var out strings.Builder
	inClass, classStart := false, 0
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		rest := expression[i:]
		if name, negated, ok := cutProperty(rest); ok && !inClass && laterCharacters[name] != "" {
			out.WriteString("[")
			if negated {
				out.WriteString("^")
			}
			out.WriteString(`\p{` + name + "}" + laterCharacters[name] + "]")
			i += len(`\p{`) + len(name)
			continue
		}
		switch {
		case c == '\\':
			if len(rest) == 1 {
				return "", fmt.Errorf(`ends with \`)
			}
			escaped, err := rewriteEscape(rest[1], inClass)
			if err != nil {
				return "", err
			}
			out.WriteString(escaped)
			i++
			if strings.IndexByte("pPx", rest[1]) >= 0 && strings.HasPrefix(rest[2:], "{") {
				name, _, _ := strings.Cut(rest[3:], "}")
				out.WriteString("{" + name + "}")
				i += len(name) + 2
				if inClass && rest[1] == 'p' {
					out.WriteString(laterCharacters[name])
				}
			}
			continue
		case inClass && c == '[':
			return "", fmt.Errorf("has a [ in a character class, whose meaning differs between libraries")
		case inClass && strings.HasPrefix(rest, "&&"):
			return "", fmt.Errorf("has an intersection of character classes, which is not supported")
		case inClass && c == ']' && i > classStart:
			inClass = false
		case inClass:
		case c == '[':
			inClass, classStart = true, i+1
			if strings.HasPrefix(rest, "[^") {
				classStart++
			}
		case strings.HasPrefix(rest, "(?") && !hasAnyPrefix(rest, "(?:", "(?=", "(?!", "(?<", "(?>", "(?#", "(?i:", "(?i)", "(?-i:", "(?-i)"):
			return "", fmt.Errorf("has a group that starts with %s, which is not supported", quoteShort(rest[:min(4, len(rest))]))
		case strings.HasPrefix(rest, "{,"), strings.HasPrefix(rest, "}+"):
			return "", fmt.Errorf("has a quantifier with %s, whose meaning differs between libraries", rest[:2])
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// cutProperty returns the name of a property such as \p{L} at the start of an expression.
func cutProperty(expression string) (name string, negated, ok bool) {
	if !hasAnyPrefix(expression, `\p{`, `\P{`) {
		return "", false, false
	}
	name, _, ok = strings.Cut(expression[len(`\p{`):], "}")
	return name, expression[1] == 'P', ok
}

// laterCharacters are the letters and numbers of the reference that Go's tables lack, in the syntax
// of a character class.
var laterCharacters = map[string]string{
	"L": classOf(onigurumaLetters, unicode.L),
	"N": classOf(onigurumaNumbers, unicode.N),
}

// classOf writes what is in one table and not in the other as ranges.
func classOf(table, other *unicode.RangeTable) string {
	var out strings.Builder
	low, high := rune(-1), rune(-1)
	flush := func() {
		if low >= 0 {
			out.WriteString(string(low) + "-" + string(high))
		}
	}
	eachRune(table, func(r rune) {
		switch {
		case unicode.Is(other, r):
		case low >= 0 && r == high+1:
			high = r
		default:
			flush()
			low, high = r, r
		}
	})
	flush()
	return out.String()
}

// eachRune calls visit for each character of a table in order.
func eachRune(table *unicode.RangeTable, visit func(r rune)) {
	for _, one := range table.R16 {
		for r := rune(one.Lo); r <= rune(one.Hi); r += rune(one.Stride) {
			visit(r)
		}
	}
	for _, one := range table.R32 {
		for r := rune(one.Lo); r <= rune(one.Hi); r += rune(one.Stride) {
			visit(r)
		}
	}
}

// rewriteEscape rewrites a backslash and the character c.
func rewriteEscape(c byte, inClass bool) (string, error) {
	switch {
	case c == 'w' && inClass:
		return onigurumaWordInClass, nil
	case c == 'w':
		return onigurumaWord, nil
	case c == 'W' && !inClass:
		return onigurumaNoWord, nil
	case c == 'b' && !inClass:
		return "(?:(?<=" + onigurumaWord + ")(?!" + onigurumaWord + ")|(?<!" + onigurumaWord + ")(?=" + onigurumaWord + "))", nil
	case strings.IndexByte("nrtfvaesSdDpPxAzZ", c) >= 0, isDecimal(c), !isAlphanumeric(c):
		return `\` + string(rune(c)), nil
	}
	return "", fmt.Errorf(`has \%c, which is not supported`, c)
}

func hasAnyPrefix(text string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
