package guided

import (
	"math"
	"strconv"
	"strings"
)

// A Prompt is a text that the picture moves towards, or away from.
type Prompt struct {
	// Text is what CLIP reads.
	Text string
	// Weight says how much the prompt counts; below 0 the picture moves away from it. 0 means 1.
	Weight float64
	// Stop is the distance below which the prompt no longer pulls, for a weight above 0. Zero
	// means never.
	Stop float64
}

// ParsePrompt reads "text", "text:weight" or "text:weight:stop". Only numbers are peeled off the
// end, so a text may hold colons ("ratio 3:2 frame", "a: b").
func ParsePrompt(s string) (Prompt, error) {
	text, numbers := s, []float64{}
	for len(numbers) < 2 {
		at := strings.LastIndexByte(text, ':')
		if at < 0 {
			break
		}
		number, err := strconv.ParseFloat(strings.TrimSpace(text[at+1:]), 64)
		if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
			break
		}
		text, numbers = text[:at], append([]float64{number}, numbers...)
	}
	prompt := Prompt{Text: strings.TrimSpace(text), Weight: 1}
	if len(numbers) > 0 {
		prompt.Weight = numbers[0]
	}
	if len(numbers) > 1 {
		prompt.Stop = numbers[1]
	}
	switch {
	case prompt.Text == "":
		return Prompt{}, bad("the prompt %q has no text", s)
	case prompt.Weight == 0:
		return Prompt{}, bad("the prompt %q has the weight 0", s)
	}
	return prompt, nil
}

func (p Prompt) weight() float64 {
	if p.Weight == 0 {
		return 1
	}
	return p.Weight
}
