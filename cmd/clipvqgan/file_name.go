package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// A fileName is the name of a file in JSON. A name need not be UTF-8, as JSON must be: each byte XX
// that is not is written as \udcXX, as Python's surrogateescape does, so that os.fsencode gives the
// name back.
type fileName string

// MarshalJSON encodes the name.
func (f fileName) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('"')
	for rest := string(f); rest != ""; {
		valid := len(rest)
		for i, r := range rest {
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(rest[i:]); size == 1 {
					valid = i
					break
				}
			}
		}
		if err := writeJSONText(&out, rest[:valid]); err != nil {
			return nil, err
		}
		if rest = rest[valid:]; rest != "" {
			fmt.Fprintf(&out, `\udc%02x`, rest[0])
			rest = rest[1:]
		}
	}
	out.WriteByte('"')
	return out.Bytes(), nil
}

// writeJSONText writes text as JSON without the quotes around it.
func writeJSONText(out *bytes.Buffer, text string) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return err
	}
	quoted := bytes.TrimSpace(encoded.Bytes())
	out.Write(quoted[1 : len(quoted)-1])
	return nil
}
