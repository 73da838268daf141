package tokenizer

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// This file repairs mojibake: UTF-8 that was decoded in a single-byte encoding. It follows ftfy
// 6.3.1 step by step (fix_encoding in ftfy/__init__.py, ftfy/chardata.py, ftfy/bad_codecs).

// singleByte is a single-byte encoding that agrees with ASCII below 0x80.
type singleByte struct {
	// sloppy encodings encode U+FFFD as the byte 0x1A, which marks a lost byte; they cannot encode
	// U+001A.
	sloppy    bool
	toByte    map[rune]byte // for bytes from 0x80
	restoreA0 bool          // whether a space may stand for a byte 0xA0
}

// singleByteEncodings are the encodings that text may have been wrongly decoded in, in the order in
// which they are tried.
var singleByteEncodings = sync.OnceValue(func() []singleByte {
	var all []singleByte
	for _, e := range []struct {
		charmap           *charmap.Charmap
		sloppy, restoreA0 bool
	}{
		{charmap.ISO8859_1, false, true},
		{charmap.Windows1252, true, true},
		{charmap.Windows1251, true, true},
		{charmap.Windows1250, true, true},
		{charmap.Windows1253, true, true},
		{charmap.Windows1254, true, true},
		{charmap.Windows1257, true, true},
		{charmap.ISO8859_2, false, true},
		// In MacRoman, an en dash followed by a space would look like it.
		{charmap.Macintosh, false, false},
		{charmap.CodePage437, false, true},
	} {
		toByte := make(map[rune]byte, 128)
		for b := 0x80; b <= 0xff; b++ {
			toByte[decodeSloppy(e.charmap, byte(b))] = byte(b)
		}
		all = append(all, singleByte{sloppy: e.sloppy, toByte: toByte, restoreA0: e.restoreA0})
	}
	return all
})

// decodeSloppy decodes b. Bytes that the encoding leaves unassigned become the character with the
// same number, as in browsers.
func decodeSloppy(c *charmap.Charmap, b byte) rune {
	if r := c.DecodeByte(b); r != utf8.RuneError {
		return r
	}
	return rune(b)
}

// encode encodes text; it returns false if text has characters outside the encoding.
func (e *singleByte) encode(text string) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case r == 0x1a && e.sloppy:
			return nil, false
		case r < 0x80:
			out = append(out, byte(r))
		case r == utf8.RuneError && e.sloppy:
			out = append(out, 0x1a)
		default:
			b, ok := e.toByte[r]
			if !ok {
				return nil, false
			}
			out = append(out, b)
		}
	}
	return out, true
}

// fixEncoding repairs mojibake until nothing changes.
func fixEncoding(text string) string {
	for {
		fixed := fixEncodingOnce(text)
		if fixed == text {
			return text
		}
		text = fixed
	}
}

// fixEncodingOnce reverses one wrong decoding, if text looks as if there was one.
func fixEncodingOnce(text string) string {
	if isASCII(text) || !isBad(text) {
		return text
	}

	encodings := singleByteEncodings()
	for i := range encodings {
		e := &encodings[i]
		encoded, ok := e.encode(text)
		if !ok {
			continue
		}
		if e.restoreA0 {
			encoded = restoreByteA0(encoded)
		}
		if e.sloppy {
			encoded = replaceLossySequences(encoded)
		}
		if bytes.IndexByte(encoded, 0xed) >= 0 || bytes.IndexByte(encoded, 0xc0) >= 0 {
			if fixed, ok := decodeUTF8Variants(encoded); ok {
				return fixed
			}
		} else if utf8.Valid(encoded) {
			return string(encoded)
		}
	}

	if fixed := decodeInconsistentUTF8(text); fixed != text {
		return fixed
	}

	// Latin-1 with C1 controls was meant to be Windows-1252.
	if latin1, ok := encodings[0].encode(text); ok {
		if fixed, ok := decodeWindows1252(latin1); ok && fixed != text {
			return fixed
		}
	}
	return fixC1Controls(text)
}

// fixC1Controls replaces C1 controls by the characters that Windows-1252 has in their places.
func fixC1Controls(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && r <= 0x9f {
			return decodeSloppy(charmap.Windows1252, byte(r))
		}
		return r
	}, text)
}

// decodeWindows1252 decodes strictly: it returns false if a byte is unassigned.
func decodeWindows1252(encoded []byte) (string, bool) {
	var out strings.Builder
	for _, b := range encoded {
		r := charmap.Windows1252.DecodeByte(b)
		if r == utf8.RuneError {
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), true
}

// restoreByteA0 restores the byte 0xA0 where it became a space inside what would be a UTF-8
// sequence.
func restoreByteA0(encoded []byte) []byte {
	if !replaceMatches(nil, encoded, alteredUTF8) {
		return encoded
	}
	// "à" as a word of its own keeps its space.
	out := make([]byte, 0, len(encoded)+8)
	for i := 0; i < len(encoded); i++ {
		out = append(out, encoded[i])
		if encoded[i] == 0xc3 && i+1 < len(encoded) && encoded[i+1] == ' ' && !startsContraction(encoded[i+2:]) {
			out = append(out, 0xa0, ' ')
			i++
		}
	}
	encoded = out
	out = make([]byte, 0, len(encoded))
	replaceMatches(&out, encoded, alteredUTF8)
	return out
}

// startsContraction reports whether what follows "à" makes it one of the Portuguese words "às",
// "àquele", "àquela" or "àquilo", or is another space.
func startsContraction(rest []byte) bool {
	for _, word := range []string{" ", "quele", "quela", "quilo", "s "} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return true
		}
	}
	return false
}

// replaceMatches copies encoded to out, with sequences that match finds replaced, and reports
// whether there were any. With a nil out it only reports.
func replaceMatches(out *[]byte, encoded []byte, match func([]byte) (n int, replacement []byte)) bool {
	found := false
	for i := 0; i < len(encoded); {
		n, replacement := match(encoded[i:])
		if n > 0 {
			if out == nil {
				return true
			}
			found = true
			*out = append(*out, replacement...)
			i += n
			continue
		}
		if out != nil {
			*out = append(*out, encoded[i])
		}
		i++
	}
	return found
}

// alteredUTF8 matches a UTF-8 sequence in which a space stands for the byte 0xA0, except for
// unlikely characters.
func alteredUTF8(b []byte) (int, []byte) {
	tail := func(c byte) bool { return c >= 0x80 && c <= 0xbf }
	unlikely := func(c byte) bool { return c == 0x85 || c == 0xa0 }
	switch lead := b[0]; {
	case lead == 0xc2, lead == 0xc3, lead == 0xc5, lead == 0xce, lead == 0xd0, lead == 0xd9:
		if len(b) >= 2 && b[1] == ' ' {
			return 2, []byte{lead, 0xa0}
		}
	case lead >= 0xe0 && lead <= 0xe3 && len(b) >= 3:
		switch {
		case lead >= 0xe2 && b[1] == ' ' && tail(b[2]) && !unlikely(b[2]):
			return 3, []byte{lead, 0xa0, b[2]}
		case tail(b[1]) && !unlikely(b[1]) && b[2] == ' ':
			return 3, []byte{lead, b[1], 0xa0}
		}
	case lead == 0xf0 && len(b) >= 4:
		spaces := bytes.Count(b[1:4], []byte{' '})
		tails := 0
		for _, c := range b[1:4] {
			if tail(c) {
				tails++
			}
		}
		if spaces == 1 && tails == 2 {
			return 4, bytes.ReplaceAll(b[:4], []byte{' '}, []byte{0xa0})
		}
	}
	return 0, nil
}

// replaceLossySequences replaces by U+FFFD what would be a UTF-8 sequence if some of its bytes had
// not been lost.
func replaceLossySequences(encoded []byte) []byte {
	out := make([]byte, 0, len(encoded))
	replaceMatches(&out, encoded, lossyUTF8)
	return out
}

// lossyUTF8 matches UTF-8 and CESU-8 sequences in which bytes have become 0x1A or one has become
// "?", and any other 0x1A.
func lossyUTF8(b []byte) (int, []byte) {
	replacement := []byte("\ufffd")
	lead := b[0]
	if lead == 0x1a {
		return 1, replacement
	}
	if lead < 0xc2 {
		return 0, nil
	}
	in := func(i int, low, high byte) bool { return b[i] >= low && b[i] <= high }
	lost := func(i int) bool { return b[i] == 0x1a || b[i] == '?' }
	tail := func(i int) bool { return b[i] == 0x1a || in(i, 0x80, 0xbf) }
	switch {
	case lead <= 0xdf:
		if len(b) >= 2 && (b[1] == 0x1a || (lead <= 0xc3 && b[1] == '?')) {
			return 2, replacement
		}
	case lead <= 0xef:
		if lead == 0xed && len(b) >= 6 && in(1, 0xa0, 0xaf) && b[3] == 0xed && in(4, 0xb0, 0xbf) {
			if (lost(2) && (lost(5) || tail(5))) || ((lost(2) || tail(2)) && lost(5)) {
				return 6, replacement
			}
		}
		if len(b) >= 3 && ((lost(1) && tail(2)) || (tail(1) && lost(2))) {
			return 3, replacement
		}
	case lead <= 0xf4:
		if len(b) >= 4 && ((lost(1) && tail(2) && tail(3)) || (tail(1) && lost(2) && tail(3)) ||
			(tail(1) && tail(2) && lost(3))) {
			return 4, replacement
		}
	}
	return 0, nil
}

// decodeUTF8Variants decodes UTF-8, CESU-8 (each half of a surrogate pair in three bytes) and
// Java's C0 80 for U+0000. It returns false if encoded is none of them.
//
// As in the reference, a line feed at the very end is taken as the last byte of such a sequence,
// since the regular expression's "$" matches before it.
func decodeUTF8Variants(encoded []byte) (string, bool) {
	var out strings.Builder
	start := 0 // of the plain UTF-8 that has not been written yet
	flush := func(end int) bool {
		out.Write(encoded[start:end])
		return utf8.Valid(encoded[start:end])
	}
	for i := 0; i < len(encoded); {
		rest := encoded[i:]
		size := 0
		var r rune
		switch {
		case rest[0] == 0xc0 && len(rest) >= 2 && (rest[1] == 0x80 || (rest[1] == '\n' && len(rest) == 2)):
			r, size = 0, 2
		case isCESU8(rest):
			r = rune(rest[1]&0x0f)<<16 + rune(rest[2]&0x3f)<<10 + rune(rest[4]&0x0f)<<6 + rune(rest[5]&0x3f) + 0x10000
			size = 6
		}
		if size == 0 {
			i++
			continue
		}
		if !flush(i) {
			return "", false
		}
		out.WriteRune(r)
		i += size
		start = i
	}
	if !flush(len(encoded)) {
		return "", false
	}
	return out.String(), true
}

func isCESU8(b []byte) bool {
	in := func(i int, low, high byte) bool { return b[i] >= low && b[i] <= high }
	return len(b) >= 6 && b[0] == 0xed && in(1, 0xa0, 0xaf) && in(2, 0x80, 0xbf) &&
		b[3] == 0xed && in(4, 0xb0, 0xbf) && (in(5, 0x80, 0xbf) || (b[5] == '\n' && len(b) == 6))
}

// The roles of a character in UTF-8 that was decoded in an encoding similar to Latin-1.
type utf8Role uint8

const (
	leadOf2      utf8Role = 1 << iota // bytes C2 to DF
	leadOf3                           // bytes E0 to EF
	leadOf4                           // bytes F0 and F3, the only ones in use
	continuation                      // bytes 80 to BF, and the space for A0
	// A continuation that does not often stand for itself beside mojibake: no space, dash, bullet,
	// quotation mark or ellipsis.
	strictContinuation
)

var utf8Roles = sync.OnceValue(func() map[rune]utf8Role {
	roles := map[rune]utf8Role{' ': continuation}
	for _, c := range []*charmap.Charmap{charmap.ISO8859_1, charmap.Windows1250, charmap.Windows1251,
		charmap.Windows1252, charmap.Windows1253, charmap.Windows1254, charmap.Windows1257} {
		for b := 0x80; b <= 0xff; b++ {
			r := c.DecodeByte(byte(b))
			if r == utf8.RuneError {
				continue
			}
			switch {
			case b <= 0xbf:
				roles[r] |= continuation
				if !strings.ContainsRune("–—―‘’‚“”„•…", r) {
					roles[r] |= strictContinuation
				}
			case b >= 0xc2 && b <= 0xdf:
				roles[r] |= leadOf2
			case b >= 0xe0 && b <= 0xef:
				roles[r] |= leadOf3
			case b == 0xf0, b == 0xf3:
				roles[r] |= leadOf4
			}
		}
	}
	return roles
})

// decodeInconsistentUTF8 repairs runs of characters that look like wrongly decoded UTF-8, in text
// that is not in a single wrong encoding as a whole.
func decodeInconsistentUTF8(text string) string {
	table := utf8Roles()
	runes := []rune(text)
	roles := make([]utf8Role, len(runes))
	for i, r := range runes {
		roles[i] = table[r]
	}
	var out strings.Builder
	for i := 0; i < len(runes); {
		n := 0
		if i == 0 || roles[i-1]&strictContinuation == 0 {
			n = mojibakeLength(roles[i:])
		}
		if n == 0 {
			out.WriteRune(runes[i])
			i++
			continue
		}
		run := string(runes[i : i+n])
		// If the run is the whole text it is left alone, or this would never end.
		if n < len(runes) && isBad(run) {
			run = fixEncoding(run)
		}
		out.WriteString(run)
		i += n
	}
	return out.String()
}

// mojibakeLength returns the number of characters at the start of roles that form consecutive UTF-8
// sequences.
func mojibakeLength(roles []utf8Role) int {
	n := 0
	for n < len(roles) {
		tail := 0
		switch role := roles[n]; {
		case role&leadOf2 != 0:
			tail = 1
		case role&leadOf3 != 0:
			tail = 2
		case role&leadOf4 != 0:
			tail = 3
		default:
			return n
		}
		if n+1+tail > len(roles) {
			return n
		}
		for _, role := range roles[n+1 : n+1+tail] {
			if role&continuation == 0 {
				return n
			}
		}
		n += 1 + tail
	}
	return n
}
