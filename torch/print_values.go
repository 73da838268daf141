package torch

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch/internal/lists"
)

// Limits for printing containers.
const (
	mostPrintedItems = 100 // of a container; the rest are only counted
	mostPrintedText  = 200 // bytes of a string
	deepestPrinted   = 20
)

// String returns the dict as Python prints it, with one entry in a line. A tensor of one number is shown, others come without their
// elements:
//
//	{
//	  'weight': tensor(shape=[2 3], dtype=float32, device=cpu),
//	  'epoch': 3,
//	}
//
// Long dicts, lists and strings are cut.
func (d *Dict) String() string { return printed(d) }

// String returns the tuple as Python prints it, with tensors without their elements.
func (t Tuple) String() string { return printed(t) }

// String returns the tuple as Python prints it, (x=1, y=2), with tensors without their elements.
func (t NamedTuple) String() string { return printed(t) }

// String returns the set as Python prints it.
func (s Set) String() string { return printed(s) }

// String returns the class and contents of the object.
func (o *Object) String() string { return printed(o) }

// String returns the name and [Tensor.Describe] of the tensor.
func (n NamedTensor) String() string { return n.Name + ": " + n.Tensor.Describe() }

func printed(value any) string {
	var p valuePrinter
	p.value(value, 0)
	return p.out.String()
}

type valuePrinter struct{ out strings.Builder }

func (p *valuePrinter) value(value any, depth int) {
	if depth > deepestPrinted {
		p.out.WriteString("...")
		return
	}
	switch v := value.(type) {
	case nil:
		p.out.WriteString("None")
	case bool:
		p.out.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case string:
		p.text(v)
	case []byte:
		p.out.WriteString(fmt.Sprintf("bytes(%d)", len(v)))
	case float64:
		p.out.WriteString(pythonFloat(v))
	case complex128:
		p.out.WriteString(strings.NewReplacer("+0i", "+0j", "i", "j").Replace(fmt.Sprint(v)))
	case []float64:
		p.items("[", lists.Anys(v), "]", depth)
	case []int64:
		p.items("[", lists.Anys(v), "]", depth)
	case []bool:
		p.items("[", lists.Anys(v), "]", depth)
	case []string:
		p.items("[", lists.Anys(v), "]", depth)
	case map[string]any:
		p.dict(dictOf(v), depth)
	case *big.Int:
		p.out.WriteString(v.String())
	case *Tensor:
		p.tensor(v)
	case DType:
		p.out.WriteString("torch." + v.String())
	case Device:
		p.out.WriteString("device('" + v.String() + "')")
	case *Dict:
		p.dict(v, depth)
	case *Object:
		p.object(v, depth)
	case Tuple:
		p.items("(", v, ")", depth)
	case Set:
		if len(v) == 0 {
			p.out.WriteString("set()")
			return
		}
		p.items("{", v, "}", depth)
	case []any:
		p.items("[", v, "]", depth)
	case []*Tensor:
		p.items("[", anys(v), "]", depth)
	case NamedTuple:
		p.fields(v, depth)
	default:
		p.out.WriteString(fmt.Sprint(v))
	}
}

// tensor writes one number as it is, and of anything larger what it is.
func (p *valuePrinter) tensor(t *Tensor) {
	text := t.Describe()
	_ = Try(func() error {
		if t != nil && t.Dim() == 0 {
			text = t.String()
		}
		return nil
	})
	p.out.WriteString(text)
}

func anys(tensors []*Tensor) []any {
	all := make([]any, len(tensors))
	for i, tensor := range tensors {
		all[i] = tensor
	}
	return all
}

// pythonFloat writes a number so that it is seen to be none of the whole numbers.
func pythonFloat(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if strings.ContainsAny(text, ".eIN") {
		return strings.ToLower(strings.TrimPrefix(text, "+"))
	}
	return text + ".0"
}

func dictOf(values map[string]any) *Dict {
	d := &Dict{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		d.Set(key, values[key])
	}
	return d
}

func (p *valuePrinter) text(text string) {
	if len(text) > mostPrintedText {
		p.out.WriteString(quoted(strings.ToValidUTF8(text[:mostPrintedText], "")))
		p.out.WriteString(fmt.Sprintf("... (%d bytes)", len(text)))
		return
	}
	p.out.WriteString(quoted(text))
}

// quoted returns a string in Python's notation.
func quoted(text string) string {
	q := strconv.Quote(text)
	if strings.Contains(text, "'") {
		return q
	}
	return "'" + strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + "'"
}

func (p *valuePrinter) items(open string, items []any, end string, depth int) {
	p.out.WriteString(open)
	for i, item := range items {
		if i == mostPrintedItems {
			p.out.WriteString(fmt.Sprintf(", ... (%d in all)", len(items)))
			break
		}
		if i > 0 {
			p.out.WriteString(", ")
		}
		p.value(item, depth+1)
	}
	if open == "(" && len(items) == 1 {
		p.out.WriteString(",")
	}
	p.out.WriteString(end)
}

func (p *valuePrinter) fields(tuple NamedTuple, depth int) {
	p.out.WriteString("(")
	for i, field := range tuple {
		if i > 0 {
			p.out.WriteString(", ")
		}
		p.out.WriteString(field.Name + "=")
		p.value(field.Value, depth+1)
	}
	p.out.WriteString(")")
}

func (p *valuePrinter) dict(d *Dict, depth int) {
	if d.Len() == 0 {
		p.out.WriteString("{}")
		return
	}
	indent := strings.Repeat("  ", depth+1)
	p.out.WriteString("{\n")
	count := 0
	for key, value := range d.All() {
		if count == mostPrintedItems {
			p.out.WriteString(fmt.Sprintf("%s... (%d in all)\n", indent, d.Len()))
			break
		}
		count++
		p.out.WriteString(indent)
		p.value(key, depth+1)
		p.out.WriteString(": ")
		p.value(value, depth+1)
		p.out.WriteString(",\n")
	}
	p.out.WriteString(indent[2:] + "}")
}

func (p *valuePrinter) object(o *Object, depth int) {
	if o == nil {
		p.out.WriteString("None")
		return
	}
	p.out.WriteString("<" + o.Class)
	for _, part := range []struct {
		name  string
		value any
		there bool
	}{
		{"", o.Arguments, len(o.Arguments) > 0}, {" named ", o.Named, o.Named.Len() > 0},
		{" state ", o.State, o.State != nil}, {" items ", o.Items, len(o.Items) > 0}, {" items ", o.Pairs, o.Pairs.Len() > 0},
	} {
		if part.there {
			p.out.WriteString(part.name)
			p.value(part.value, depth+1)
		}
	}
	if o.Problem != "" {
		p.out.WriteString(": " + o.Problem)
	}
	p.out.WriteString(">")
}
