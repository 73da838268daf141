package optim

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/lists"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// States of optimizers and schedules are nested values as Python stores them. Python may store an
// integer where Go has a float64, and a tensor of one element in place of a number.

// A field is a variable with the name that it is stored under. to points to a float64, int, int64,
// bool, string ("" is Python's None), [2]float64, []float64, []int64, map[int]int, []cyclePhase,
// any or []any.
type field struct {
	name string
	to   any
}

func writeFields(fields []field, to *torch.Dict) {
	for _, field := range fields {
		to.Set(field.name, writtenValue(field.to))
	}
}

func writtenValue(from any) any {
	switch v := from.(type) {
	case *float64:
		return *v
	case *int:
		return int64(*v)
	case *int64:
		return *v
	case *bool:
		return *v
	case *string:
		if *v == "" {
			return nil
		}
		return *v
	case *[2]float64:
		return torch.Tuple{v[0], v[1]}
	case *[]float64:
		return lists.Anys(*v)
	case *[]int64:
		return lists.Anys(*v)
	case *any:
		return *v
	case *[]any:
		return slices.Clone(*v)
	case *[]cyclePhase:
		list := make([]any, len(*v))
		for i := range list {
			phase := torch.NewDict()
			writeFields((*v)[i].fields(), phase)
			list[i] = phase
		}
		return list
	case *map[int]int:
		counts := torch.NewDict()
		for _, key := range slices.Sorted(maps.Keys(*v)) {
			counts.Set(key, int64((*v)[key]))
		}
		return counts
	default:
		panic(fmt.Sprintf("torch: a field of type %T", from))
	}
}

// readFields sets fields from values. If one does not fit, those before it have been changed.
func readFields(fields []field, values *torch.Dict) error {
	for _, field := range fields {
		value, ok := values.Lookup(field.name)
		if !ok {
			continue
		}
		if err := readValue(value, field.to); err != nil {
			return fmt.Errorf("%s %w", field.name, err)
		}
	}
	return nil
}

func readValue(value, to any) error {
	switch v := to.(type) {
	case *float64:
		return readNumber(value, v)
	case *int:
		var number int64
		err := readValue(value, &number)
		*v = int(number)
		return err
	case *int64:
		var number float64
		if err := readNumber(value, &number); err != nil {
			return err
		}
		if number != math.Trunc(number) {
			return fmt.Errorf("is %v, no whole number", number)
		}
		*v = int64(number)
		return nil
	case *bool:
		on, ok := value.(bool)
		if !ok {
			return fmt.Errorf("is %s, no bool", describeValue(value))
		}
		*v = on
		return nil
	case *string:
		text, ok := value.(string)
		if !ok && value != nil {
			return fmt.Errorf("is %s, no text", describeValue(value))
		}
		*v = text
		return nil
	case *[2]float64:
		var pair []float64
		if err := readList(value, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return fmt.Errorf("has %s instead of 2", words.Count(len(pair), "number"))
		}
		*v = [2]float64(pair)
		return nil
	case *[]float64:
		return readList(value, v)
	case *[]int64:
		return readList(value, v)
	case *[]any:
		return readList(value, v)
	case *[]cyclePhase:
		return readList(value, v)
	case *any:
		*v = value
		return nil
	case *cyclePhase:
		phase, ok := value.(*torch.Dict)
		if !ok {
			return fmt.Errorf("is %s, no dict", describeValue(value))
		}
		return readFields(v.fields(), phase)
	case *map[int]int:
		return readCounts(value, v)
	default:
		panic(fmt.Sprintf("torch: a field of type %T", to))
	}
}

func readNumber(value any, to *float64) error {
	number, ok := asNumber(value)
	if !ok {
		return fmt.Errorf("is %s, no number", describeValue(value))
	}
	*to = number
	return nil
}

func readList[T any](value any, to *[]T) error {
	items, ok := anyList(value)
	if !ok {
		return fmt.Errorf("is %s, no list", describeValue(value))
	}
	read := make([]T, len(items))
	for i, item := range items {
		if err := readValue(item, any(&read[i])); err != nil {
			return fmt.Errorf("item %d %w", i, err)
		}
	}
	*to = read
	return nil
}

func readCounts(value any, to *map[int]int) error {
	items, ok := value.(*torch.Dict)
	if !ok {
		return fmt.Errorf("is %s, no dict", describeValue(value))
	}
	read := map[int]int{}
	for key, item := range items.All() {
		var at, count int
		if readValue(key, &at) != nil || readValue(item, &count) != nil {
			return fmt.Errorf("maps %v to %v, instead of whole numbers", key, item)
		}
		read[at] = count
	}
	*to = read
	return nil
}

func describeValue(value any) string {
	switch value.(type) {
	case nil:
		return "missing or None"
	case string, float64, int64, int, bool:
		return fmt.Sprintf("%v", value)
	default:
		return words.Type(value)
	}
}

// asNumber returns a number, whatever type it is stored as.
func asNumber(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case *torch.Tensor:
		if v == nil || v.NumElements() != 1 {
			return 0, false
		}
		return v.Item(), true
	default:
		return 0, false
	}
}

func anyList(value any) ([]any, bool) {
	switch v := value.(type) {
	case []any:
		return v, true
	case torch.Tuple:
		return v, true
	default:
		return nil, false
	}
}
