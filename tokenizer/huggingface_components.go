package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A hostile file can make a text grow without end, or nest its components as deeply as it likes.
const (
	longestGrown = 8 << 20 // bytes
	deepestJSON  = 64
)

var errTextGrows = fmt.Errorf("the text grows to more than %d MiB", longestGrown>>20)

// checkDepth returns an error if data, which is JSON, is nested too deeply.
func checkDepth(data []byte) error {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '[' || c == '{':
			if depth++; depth > deepestJSON {
				return errors.New("it is nested too deeply")
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return nil
}

// componentType returns the type of a component of a tokenizer.json, or "" if it is null or not
// there.
func componentType(data json.RawMessage, part string) (string, error) {
	if isNull(data) {
		return "", nil
	}
	var tagged struct{ Type string }
	if err := json.Unmarshal(data, &tagged); err != nil {
		return "", fmt.Errorf("its %s cannot be read: %w", part, err)
	}
	if tagged.Type == "" {
		return "", fmt.Errorf("its %s has no type", part)
	}
	return tagged.Type, nil
}

func isNull(data json.RawMessage) bool {
	return len(data) == 0 || bytes.Equal(bytes.TrimSpace(data), []byte("null"))
}

// unmarshalComponent reads the options of a component.
func unmarshalComponent(data json.RawMessage, part string, options any) error {
	if err := json.Unmarshal(data, options); err != nil {
		return fmt.Errorf("its %s cannot be read: %w", part, err)
	}
	return nil
}

func unknownComponent(part, kind string) error {
	return fmt.Errorf("its %s is of the type %s, which is not supported", part, quoteShort(kind))
}

func componentError(part, kind string, err error) error {
	return fmt.Errorf("its %s %s: %w", part, kind, err)
}
