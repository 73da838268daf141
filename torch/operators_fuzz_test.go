package torch_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/clipvqgan/clipvqgan/torch"
)

// An argumentMaker makes arguments that mostly do not fit: small shapes, small and negative
// numbers, words that may be modes, nil.
type argumentMaker struct{ *rand.Rand }

func (m argumentMaker) integer() int64 { return m.Int64N(9) - 3 }

func (m argumentMaker) tensor() *torch.Tensor {
	if m.IntN(20) == 0 {
		return nil
	}
	shape := make([]int64, m.IntN(5))
	count := int64(1)
	for i := range shape {
		shape[i] = m.Int64N(4)
		count *= shape[i]
	}
	data := make([]float64, count)
	for i := range data {
		data[i] = float64(m.IntN(13)-6) / 2
	}
	dtypes := []torch.DType{
		torch.Float32, torch.Float32, torch.Float32, torch.Float64, torch.Int64, torch.Int64,
		torch.Bool, torch.Complex64, torch.Float16, torch.BFloat16, torch.Uint8,
	}
	x := torch.FromSlice(data, shape).To(dtypes[m.IntN(len(dtypes))])
	if len(shape) > 1 && m.IntN(4) == 0 {
		x = x.Transpose(0, 1)
	}
	return x
}

func (m argumentMaker) value(wanted reflect.Type) reflect.Value {
	result := reflect.New(wanted).Elem()
	switch wanted {
	case reflect.TypeFor[*torch.Tensor]():
		return reflect.ValueOf(m.tensor())
	case reflect.TypeFor[*torch.Generator]():
		return result
	case reflect.TypeFor[torch.Number]():
		half := float64(m.integer()) / 2
		numbers := []any{int(m.integer()), half, half, float32(half), complex(half, 1), m.IntN(2) == 0, nil}
		if value := numbers[m.IntN(len(numbers))]; value != nil {
			result.Set(reflect.ValueOf(value))
		}
		return result
	case reflect.TypeFor[torch.Option]():
		options := []torch.Option{torch.Float64, torch.Int64, torch.Bool, torch.CPU, torch.NoDType}
		result.Set(reflect.ValueOf(options[m.IntN(len(options))]))
	}
	switch wanted.Kind() {
	case reflect.Int, reflect.Int64:
		result.SetInt(m.integer())
	case reflect.Float64:
		result.SetFloat(float64(m.integer()) / 2)
	case reflect.Bool:
		result.SetBool(m.IntN(2) == 0)
	case reflect.String:
		words := []string{"", "ij", "xy", "ij,jk->ik", "...,...", "sum", "amax", "fro", "nuc", "é\x00"}
		result.SetString(words[m.IntN(len(words))])
	case reflect.Slice:
		for range m.IntN(5) {
			result = reflect.Append(result, m.value(wanted.Elem()))
		}
	case reflect.Struct:
		for i := range result.NumField() {
			result.Field(i).Set(m.value(wanted.Field(i).Type))
		}
	case reflect.Pointer:
		if m.IntN(2) == 0 {
			result.Set(reflect.New(wanted.Elem()))
			result.Elem().Set(m.value(wanted.Elem()))
		}
	}
	return result
}

// callWith calls an operator with arguments from a seed. It may panic with a *torch.Error alone.
func callWith(name string, function any, seed uint64) error {
	m := argumentMaker{rand.New(rand.NewPCG(seed, 1))}
	return torch.Try(func() error {
		torch.Scope(func(*torch.TensorScope) {
			f := reflect.ValueOf(function)
			if function == nil {
				f = reflect.ValueOf(m.tensor()).MethodByName(name)
			}
			arguments := make([]reflect.Value, f.Type().NumIn())
			for i := range arguments {
				arguments[i] = m.value(f.Type().In(i))
			}
			if f.Type().IsVariadic() {
				f.CallSlice(arguments)
			} else {
				f.Call(arguments)
			}
		})
		return nil
	})
}

func operatorsWithReferences(t *testing.T) []operatorCase {
	cases := readOperatorCases(t)
	slices.SortFunc(cases, func(a, b operatorCase) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(cases, func(a, b operatorCase) bool { return a.Name == b.Name })
}

// Whatever an operator is given, it works or panics with a *torch.Error; the process lives.
func TestOperatorsSurviveAnyArguments(t *testing.T) {
	worked := 0
	for _, operator := range operatorsWithReferences(t) {
		for seed := range uint64(10) {
			if callWith(operator.Name, operatorFunctions[operator.Name], seed) == nil {
				worked++
			}
		}
	}
	if worked < 400 {
		t.Errorf("only %d calls were sound: the arguments are too wild to test anything", worked)
	}
}

func FuzzOperators(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(uint16(seed*47), seed)
	}
	var operators []operatorCase
	f.Fuzz(func(t *testing.T, which uint16, seed uint64) {
		if operators == nil {
			operators = operatorsWithReferences(t)
		}
		operator := operators[int(which)%len(operators)]
		_ = callWith(operator.Name, operatorFunctions[operator.Name], seed)
	})
}
