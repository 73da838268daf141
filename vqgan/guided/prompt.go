package guided

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Prompt is what the image moves towards or away from: a text, a picture, or noise. [NewPrompt]
// returns a text with weight 1; a literal without a weight has weight 0.
type Prompt struct {
	// Text is the text for CLIP. It is empty if there is a Picture or Noise.
	Text string `json:"text,omitempty" yaml:"text,omitempty"`
	// Templates are texts in which "{}" stands for Text. If there are any, the prompt is the
	// normalized mean of their embeddings, as with names of classes (Radford et al. 2021, section
	// 3.1.4).
	Templates []string `json:"templates,omitempty" yaml:"templates,omitempty"`
	// Picture is the path of an image that is the prompt instead of a text.
	Picture string `json:"picture,omitempty" yaml:"picture,omitempty"`
	// Noise is the seed of a random direction that is the prompt instead of a text.
	Noise *uint64 `json:"noise,omitempty" yaml:"noise,omitempty"`
	// Weight is the factor of the prompt's loss. If it is negative, the image moves away from the
	// prompt. If it is 0, the distance is computed but has no effect. In JSON and YAML a missing
	// weight means 1.
	Weight float64 `json:"weight" yaml:"weight"`
	// Schedule changes the weight over the steps: it is multiplied by the Share of each Key in the
	// Key's step, by what lies on the line between two Keys in the steps between them, and by the
	// first or the last Share before and after all. Steps rise. Without a schedule the weight stays.
	Schedule []Key `json:"schedule,omitempty" yaml:"schedule,omitempty"`
	// Stop ends the prompt's effect on each cutout whose distance times the sign of Weight is below
	// it. So 0.3 ignores cutouts that are closer than 0.3; and -1.2, with a negative weight, those
	// that are farther than 1.2. nil means never. Distances are half the square of the angle
	// between the embeddings in radians, from 0 to 4.9.
	Stop *float64 `json:"stop,omitempty" yaml:"stop,omitempty"`
}

// A Key is a point of a prompt's schedule: the share, 0 or more, of its weight in a step, 1 or more.
type Key struct {
	Step  int     `json:"step" yaml:"step"`
	Share float64 `json:"share" yaml:"share"`
}

// placeholder stands for the text in templates.
const placeholder = "{}"

// String describes the prompt without its numbers: the text, or "picture a.png" or "noise 7".
func (p Prompt) String() string {
	switch {
	case p.Picture != "":
		return "picture " + p.Picture
	case p.Noise != nil:
		return "noise " + strconv.FormatUint(*p.Noise, 10)
	}
	return p.Text
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
	type plain Prompt // without this method
	read := plain(NewPrompt(""))
	if err := unmarshal(&read); err != nil {
		return err
	}
	*p = Prompt(read)
	return nil
}
