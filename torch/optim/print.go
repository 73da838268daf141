package optim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// String returns the options of each group, as Python prints an optimizer.
func (o *Optimizer) String() string {
	if o == nil {
		return "Optimizer(nil)"
	}
	return o.describe()
}

// String returns the options, as Python prints an optimizer.
func (o *LBFGSOptimizer) String() string {
	if o == nil {
		return "LBFGSOptimizer(nil)"
	}
	return o.describe()
}

func (g *paramGroups) describe() string {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.kind == nil {
		return "Optimizer()"
	}
	var text strings.Builder
	text.WriteString(g.printedName() + " (")
	for i, group := range g.groupDicts() {
		fmt.Fprintf(&text, "\nParameter Group %d\n", i)
		var lines []string
		for name, value := range group.(*torch.Dict).All() {
			if name != "params" {
				lines = append(lines, fmt.Sprintf("    %s: %s\n", name, printedValue(value)))
			}
		}
		slices.Sort(lines)
		text.WriteString(strings.Join(lines, ""))
	}
	text.WriteString(")")
	return text.String()
}

// printedName returns Python's name of the class. AdamW is a kind of Adam here.
func (g *paramGroups) printedName() string {
	if len(g.groups) > 0 {
		if rule, ok := g.groups[0].rule.(*adamRule); ok && rule.DecoupledWeightDecay {
			return "AdamW"
		}
	}
	return g.kind.name
}

// printedValue returns a value of a group in Python's notation. Whole numbers are without a point,
// as Python's defaults are.
func printedValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(value)
}

// String returns the scale and the options. It waits for the device.
func (s *GradScaler) String() string {
	if s == nil {
		return "GradScaler(nil)"
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.closed:
		return "GradScaler(closed)"
	case s.stages == nil:
		return "GradScaler()"
	}
	scale := s.options.InitScale
	if s.scale != nil {
		scale = s.scale.Item()
	}
	return fmt.Sprintf("GradScaler(scale=%s, growth_factor=%s, backoff_factor=%s, growth_interval=%d)", printedValue(scale),
		printedValue(s.options.GrowthFactor), printedValue(s.options.BackoffFactor), s.options.GrowthInterval)
}

// String returns the name of the schedule, its epoch and the learning rates.
func (s *LRScheduler) String() string {
	if s == nil {
		return "LRScheduler(nil)"
	}
	return printedSchedule(cmp.Or(s.name, "LRScheduler"), s.epoch, s.last)
}

// String returns the name of the schedule, its epoch and the learning rates.
func (s *PlateauScheduler) String() string {
	if s == nil {
		return "PlateauScheduler(nil)"
	}
	return printedSchedule("ReduceLROnPlateau", s.epoch, s.last)
}

// String returns the name of the schedule, its epoch, the learning rates and its parts.
func (s *SequentialScheduler) String() string {
	if s == nil {
		return "SequentialScheduler(nil)"
	}
	text := printedSchedule("SequentialLR", s.epoch, s.last)
	for _, part := range s.parts {
		text += "\n  " + part.String()
	}
	return text
}

// String returns the parts.
func (s *ChainedLRScheduler) String() string {
	if s == nil {
		return "ChainedLRScheduler(nil)"
	}
	text := "ChainedScheduler"
	for _, part := range s.parts {
		text += "\n  " + strings.ReplaceAll(fmt.Sprint(part), "\n", "\n  ")
	}
	return text
}

func printedSchedule(name string, epoch int, rates []float64) string {
	texts := make([]string, len(rates))
	for i, rate := range rates {
		texts[i] = printedValue(rate)
	}
	return fmt.Sprintf("%s(last_epoch=%d, last_lr=[%s])", name, epoch, strings.Join(texts, ", "))
}
