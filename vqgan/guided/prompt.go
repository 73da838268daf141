package guided

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Prompt is a text that the image moves towards or away from. [NewPrompt] returns one with weight
// 1; a literal without a weight has weight 0.
type Prompt struct {
	// Text is the text for CLIP. It must not be empty.
	Text string `json:"text" yaml:"text"`
	// Weight is the factor of the prompt's loss. If it is negative, the image moves away from the
	// text. If it is 0, the distance is computed but has no effect. In JSON and YAML a missing
	// weight means 1.
	Weight float64 `json:"weight" yaml:"weight"`
	// Stop ends the prompt's effect on each cutout whose distance times the sign of Weight is below
	// it. So 0.3 ignores cutouts that are closer than 0.3; and -1.2, with a negative weight, those
	// that are farther than 1.2. nil means never. Distances are half the square of the angle
	// between the embeddings in radians, from 0 to 4.9.
	Stop *float64 `json:"stop,omitempty" yaml:"stop,omitempty"`
}

// NewPrompt returns a prompt with weight 1 and no stop.
func NewPrompt(text string) Prompt { return Prompt{Text: text, Weight: 1} }

// likeNumber matches what is meant as a number, well formed or not.
var likeNumber = regexp.MustCompile(`^[+-]*[.,]?[0-9]([0-9.,_xXeE+-]*[0-9])?$`)

// ParsePrompt parses "text", "text:weight" or "text:weight:stop", the syntax of VQGAN-CLIP. The
// default weight is 1. Only numbers are taken off the end, so the text may contain colons ("ratio
// 3:2 frame", "a: b").
//
// It returns an error if the text is empty, the weight is 0, or a number is not finite ("nan",
// "inf") or too large ("1e400").
func ParsePrompt(s string) (Prompt, error) {
	text, numbers := s, []float64{}
	for len(numbers) < 2 {
		at := strings.LastIndexByte(text, ':')
		if at < 0 {
			break
		}
		last := strings.TrimSpace(text[at+1:])
		number, err := strconv.ParseFloat(last, 64)
		numeric := likeNumber.MatchString(last)
		// A number that is too large is ±Inf with an error.
		if math.IsNaN(number) || math.IsInf(number, 0) || numeric && (err != nil || strings.Contains(last, "_")) {
			start := strings.TrimSpace(text[:at])
			return Prompt{}, bad(`the prompt %q has the number %s, wanted a finite one, as in "%s:1"; a text that ends so is written "%s:%s:1:0"`,
				s, last, start, start, last)
		}
		if err != nil {
			break
		}
		text, numbers = text[:at], append(numbers, number)
	}
	prompt := NewPrompt(strings.TrimSpace(text))
	switch len(numbers) { // the last one comes first
	case 1:
		prompt.Weight = numbers[0]
	case 2:
		prompt.Weight, prompt.Stop = numbers[1], &numbers[0]
	}
	switch {
	case prompt.Text == "":
		return Prompt{}, bad("the prompt %q has no text", s)
	case prompt.Weight == 0:
		return Prompt{}, bad("the prompt %q has the weight 0, wanted another number, as 1", s)
	}
	return prompt, nil
}

// UnmarshalJSON decodes an object. A missing weight means 1.
func (p *Prompt) UnmarshalJSON(data []byte) error {
	return p.unmarshal(func(into any) error { return json.Unmarshal(data, into) })
}

// UnmarshalYAML decodes a mapping. A missing weight means 1.
func (p *Prompt) UnmarshalYAML(unmarshal func(any) error) error { return p.unmarshal(unmarshal) }

func (p *Prompt) unmarshal(unmarshal func(any) error) error {
	type plain Prompt // without these methods
	read := plain(NewPrompt(""))
	if err := unmarshal(&read); err != nil {
		return err
	}
	*p = Prompt(read)
	return nil
}
