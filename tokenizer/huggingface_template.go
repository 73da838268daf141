package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A template is what stands before and after the tokens of a text.
type template struct{ before, after []int64 }

// parseTemplate reads the part "post_processor" of a tokenizer.json, for single texts. It follows
// tokenizers/src/processors.
func parseTemplate(data json.RawMessage) (template, error) {
	kind, err := componentType(data, "post-processor")
	if err != nil || kind == "" {
		return template{}, err
	}
	switch kind {
	case "TemplateProcessing":
		return parseTemplateProcessing(data)
	case "RobertaProcessing", "BertProcessing":
		return parseBertProcessing(data)
	case "ByteLevel": // is about the places of tokens, not about tokens
		return template{}, nil
	case "Sequence":
		return parseTemplateSequence(data)
	}
	return template{}, unknownComponent("post-processor", kind)
}

// parseTemplateSequence reads a sequence; of its parts at most one can add tokens.
func parseTemplateSequence(data json.RawMessage) (template, error) {
	var parts struct{ Processors []json.RawMessage }
	if err := unmarshalComponent(data, "post-processor", &parts); err != nil {
		return template{}, err
	}
	var result template
	for _, part := range parts.Processors {
		t, err := parseTemplate(part)
		if err != nil {
			return template{}, err
		}
		if len(t.before)+len(t.after) == 0 {
			continue
		}
		if len(result.before)+len(result.after) > 0 {
			return template{}, errors.New("its post-processor adds tokens twice, which is not supported")
		}
		result = t
	}
	return result, nil
}

func parseTemplateProcessing(data json.RawMessage) (template, error) {
	type item struct {
		ID string
	}
	var file struct {
		Single []struct {
			SpecialToken *item
			Sequence     *item
		}
		SpecialTokens map[string]struct{ IDs []int64 } `json:"special_tokens"`
	}
	if err := unmarshalComponent(data, "post-processor", &file); err != nil {
		return template{}, err
	}
	var t template
	texts := 0
	for _, part := range file.Single {
		switch {
		case part.Sequence != nil:
			texts++
		case part.SpecialToken != nil:
			special, ok := file.SpecialTokens[part.SpecialToken.ID]
			if !ok {
				return template{}, fmt.Errorf("its post-processor has no number for the token %s", quoteShort(part.SpecialToken.ID))
			}
			if texts == 0 {
				t.before = append(t.before, special.IDs...)
			} else {
				t.after = append(t.after, special.IDs...)
			}
		}
	}
	if texts != 1 {
		return template{}, fmt.Errorf("its post-processor has the text %d times, and not once", texts)
	}
	return t, nil
}

// parseBertProcessing reads the start cls and the end sep, each a pair of a text and a number.
func parseBertProcessing(data json.RawMessage) (template, error) {
	var file struct{ Sep, Cls []json.RawMessage }
	if err := unmarshalComponent(data, "post-processor", &file); err != nil {
		return template{}, err
	}
	if len(file.Sep) != 2 || len(file.Cls) != 2 {
		return template{}, errors.New("its post-processor has no sep and cls")
	}
	t := template{make([]int64, 1), make([]int64, 1)}
	if err := json.Unmarshal(file.Cls[1], &t.before[0]); err != nil {
		return template{}, fmt.Errorf("its post-processor cannot be read: %w", err)
	}
	if err := json.Unmarshal(file.Sep[1], &t.after[0]); err != nil {
		return template{}, fmt.Errorf("its post-processor cannot be read: %w", err)
	}
	return t, nil
}
