package guided

import (
	"cmp"
	"fmt"
	"math"
	"strings"
)

const (
	// largestSide limits the memory that a typing error can ask for.
	largestSide = 8192
	// largestCutout limits how small the image may become in a cutout.
	largestCutout = 4
)

// Validate returns an error for the first field with an invalid value, or nil. The error is one
// line with the field's name in JSON, its value, and what is allowed. [Generate] checks what
// depends on the VQGAN.
func (c Config) Validate() error {
	notNegative := interval{high: math.Inf(1)}
	return cmp.Or(
		c.validatePrompts(),
		check("width", c.Width, interval{low: 1, high: largestSide}),
		check("height", c.Height, interval{low: 1, high: largestSide}),
		check("steps", c.Steps, notNegative),
		check("learning_rate", c.LearningRate, notNegative),
		c.validateStart(),
		check("init_weight", c.InitWeight, notNegative),
		check("margin", c.Margin, notNegative),
		check("total_variation", c.TotalVariation, notNegative),
		c.Cutouts.validate(),
		check("batch", c.Batch, interval{low: 1, high: math.Inf(1)}),
	)
}

func (c Config) validatePrompts() error {
	pulls := false
	for i, prompt := range c.Prompts {
		if err := prompt.validate(fmt.Sprintf("prompts[%d]", i)); err != nil {
			return err
		}
		pulls = pulls || prompt.Weight != 0
	}
	switch {
	case len(c.Prompts) == 0:
		return bad("prompts is empty: there is no prompt, wanted at least one")
	case !pulls:
		return bad("prompts[0].weight is 0 and so are all, wanted one that is not; NewPrompt gives 1")
	}
	return nil
}

func (p Prompt) validate(field string) error {
	finite := interval{low: math.Inf(-1), high: math.Inf(1)}
	if strings.TrimSpace(p.Text) == "" {
		return bad("%s.text is %q, wanted a text", field, p.Text)
	}
	if err := check(field+".weight", p.Weight, finite); err != nil || p.Stop == nil {
		return err
	}
	if p.Weight < 0 {
		// The signed distance is never above 0, so a larger stop would disable the prompt.
		finite.high, finite.withoutHigh = 0, true
	}
	return check(field+".stop", *p.Stop, finite)
}

func (c Config) validateStart() error {
	switch c.Start {
	case PictureStart:
		return nil
	case RandomStart, CenteredStart:
		if c.Init != "" {
			return bad("init is %q, wanted none with start %q, or start %q", c.Init, c.Start, PictureStart)
		}
		return nil
	}
	return bad("start is %q, wanted %q, %q or %q", c.Start, RandomStart, CenteredStart, PictureStart)
}

func (c Cutouts) validate() error {
	share, belowOne := interval{high: 1}, interval{high: 1, withoutHigh: true}
	return cmp.Or(
		check("cutouts.number", c.Number, interval{low: 1, high: mostCutouts}),
		check("cutouts.max_size", c.MaxSize, interval{withoutLow: true, high: largestCutout}),
		check("cutouts.min_size", c.MinSize, interval{high: c.MaxSize}),
		check("cutouts.power", c.Power, interval{high: math.Inf(1)}),
		check("cutouts.rotation", c.Rotation, interval{high: 180}),
		check("cutouts.translation", c.Translation, share),
		check("cutouts.zoom", c.Zoom, belowOne),
		check("cutouts.shear", c.Shear, interval{high: 90, withoutHigh: true}),
		check("cutouts.perspective", c.Perspective, belowOne),
		check("cutouts.flip", c.Flip, share),
		check("cutouts.jitter", c.Jitter, share),
		check("cutouts.noise", c.Noise, interval{high: math.Inf(1)}),
	)
}

// An interval is the finite numbers from low to high; each end may be excluded.
type interval struct {
	low, high               float64
	withoutLow, withoutHigh bool
}

func (i interval) contains(x float64) bool {
	switch {
	case math.IsNaN(x), math.IsInf(x, 0), x < i.low, x > i.high:
		return false
	}
	return !(i.withoutLow && x == i.low) && !(i.withoutHigh && x == i.high)
}

// String describes the interval: "a number from 0 to below 1".
func (i interval) String() string {
	below := ""
	if i.withoutHigh {
		below = "below "
	}
	switch {
	case math.IsInf(i.low, -1) && math.IsInf(i.high, 1):
		return "a finite number"
	case math.IsInf(i.low, -1):
		return fmt.Sprintf("a finite number, %s%v", cmp.Or(below, "at most "), i.high)
	case math.IsInf(i.high, 1):
		return fmt.Sprintf("a finite number, %v or more", i.low)
	case i.withoutLow:
		return fmt.Sprintf("a number above %v, up to %s%v", i.low, below, i.high)
	}
	return fmt.Sprintf("a number from %v to %s%v", i.low, below, i.high)
}

func check[N int | float64](field string, value N, allowed interval) error {
	if allowed.contains(float64(value)) {
		return nil
	}
	return bad("%s is %v, wanted %v", field, value, allowed)
}

func bad(format string, arguments ...any) error {
	return badValue(fmt.Sprintf(format, arguments...))
}
