package guided

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
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
		c.Optimizer.validate(),
		check("latent_ema", c.LatentEMA, interval{high: 1, withoutHigh: true}),
		check("patience", c.Patience, notNegative),
		c.validateStart(),
		check("init_weight", c.InitWeight, notNegative),
		oneOf("init_distance", c.InitDistance, SquaredDistance, CosineDistance, SphericalDistance, PixelDistance),
		c.Losses.validate(),
		c.validateScorerWeights(),
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
	if err := cmp.Or(p.validateKind(field), check(field+".weight", p.Weight, finite), validateSchedule(field, p.Schedule)); err != nil || p.Stop == nil {
		return err
	}
	if p.Weight < 0 {
		// The signed distance is never above 0, so a larger stop would disable the prompt.
		finite.high, finite.withoutHigh = 0, true
	}
	return check(field+".stop", *p.Stop, finite)
}

// validateKind checks that the prompt is one thing.
func (p Prompt) validateKind(field string) error {
	switch {
	case p.Text != "" && p.Picture != "":
		return bad("%s has the text %q and the picture %q, wanted one of them", field, p.Text, p.Picture)
	case p.Noise != nil && p.Text+p.Picture != "":
		return bad("%s has noise and %q, wanted one of them", field, p.Text+p.Picture)
	case p.Picture == "" && p.Noise == nil && strings.TrimSpace(p.Text) == "":
		return bad("%s.text is %q, wanted a text", field, p.Text)
	case p.Text == "" && len(p.Templates) > 0:
		return bad("%s has templates and no text, wanted both", field)
	}
	for i, template := range p.Templates {
		if !strings.Contains(template, placeholder) {
			return bad("%s.templates[%d] is %q, wanted %s in it for the text", field, i, template, placeholder)
		}
	}
	return nil
}

func validateSchedule(field string, keys []Key) error {
	least := 1.0
	for i, key := range keys {
		name := fmt.Sprintf("%s.schedule[%d]", field, i)
		err := cmp.Or(check(name+".step", key.Step, interval{low: least, high: math.Inf(1)}),
			check(name+".share", key.Share, interval{high: math.Inf(1)}))
		if err != nil {
			return err
		}
		least = float64(key.Step) + 1
	}
	return nil
}

func (c Config) validateStart() error {
	if err := oneOf("start", c.Start, starts...); err != nil {
		return err
	}
	if c.Start != PictureStart && c.Init != "" {
		return bad("init is %q, wanted none with start %q, or start %q", c.Init, c.Start, PictureStart)
	}
	return nil
}

func (c Config) validateScorerWeights() error {
	pulls := false
	for i, weight := range c.ScorerWeights {
		if err := check(fmt.Sprintf("scorer_weights[%d]", i), weight, interval{high: math.Inf(1)}); err != nil {
			return err
		}
		pulls = pulls || weight > 0
	}
	switch {
	case len(c.ScorerWeights) == 0:
		return bad("scorer_weights is empty, wanted a weight for each scorer, as 1")
	case !pulls:
		return bad("scorer_weights are all 0, wanted one above 0")
	}
	return nil
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

// oneOf returns an error if the value is not among the allowed ones.
func oneOf[S ~string](field string, value S, allowed ...S) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	quoted := make([]string, len(allowed))
	for i, one := range allowed {
		quoted[i] = strconv.Quote(string(one))
	}
	last := len(quoted) - 1
	return bad("%s is %q, wanted %s or %s", field, value, strings.Join(quoted[:last], ", "), quoted[last])
}

func bad(format string, arguments ...any) error {
	return badValue(fmt.Sprintf(format, arguments...))
}
