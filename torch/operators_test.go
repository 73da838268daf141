package torch_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

// An operatorCase is a call and what PyTorch gives for it; scripts/reference/reference_operators.py writes
// them.
type operatorCase struct {
	Name      string
	Function  bool // not a method of the first argument
	Arguments []json.RawMessage
	Results   []json.RawMessage
	Gradients []json.RawMessage
	InPlace   bool `json:"in_place"`
	UpToSign  bool `json:"up_to_sign"`
}

func (c operatorCase) isRandom() bool {
	for _, argument := range c.Arguments {
		if strings.Contains(string(argument), `"generator"`) {
			return true
		}
	}
	return false
}

// becomesBComplex32 reports whether bfloat16 meets a complex number. Up to libtorch 2.13 the result is
// complex64, later BComplex32, which has no arithmetic.
func (c operatorCase) becomesBComplex32() bool {
	bfloat16, complexNumber := false, false
	for _, argument := range c.Arguments {
		bfloat16 = bfloat16 || strings.Contains(string(argument), `"bfloat16"`)
		complexNumber = complexNumber || strings.Contains(string(argument), `"complex"`)
	}
	return bfloat16 && complexNumber && torch.BComplex32.IsAvailable()
}

// operatorFunctions are what is no method, which reflection cannot find by name.
var operatorFunctions = map[string]any{
	"BlockDiag": torch.BlockDiag, "BroadcastTensors": torch.BroadcastTensors,
	"CartesianProd": torch.CartesianProd,
	"Cat":           torch.Cat, "Complex": torch.Complex, "Einsum": torch.Einsum,
	"Embedding": torch.Embedding, "HStack": torch.HStack, "Meshgrid": torch.Meshgrid,
	"MultiDot": torch.MultiDot, "Polar": torch.Polar, "ScaledDotProductAttention": torch.ScaledDotProductAttention,
	"Stack": torch.Stack, "VStack": torch.VStack, "Where": torch.Where,
	"WhereScalar":    torch.WhereScalar,
	"BartlettWindow": torch.BartlettWindow, "BlackmanWindow": torch.BlackmanWindow,
	"ColumnStack": torch.ColumnStack, "DStack": torch.DStack, "EmbeddingBag": torch.EmbeddingBag,
	"EmbeddingWithPadding": torch.EmbeddingWithPadding, "FFTFreq": torch.FFTFreq,
	"HammingWindow": torch.HammingWindow, "HannWindow": torch.HannWindow,
	"KaiserWindow": torch.KaiserWindow, "Logspace": torch.Logspace, "RFFTFreq": torch.RFFTFreq,
	"TrilIndices": torch.TrilIndices, "TriuIndices": torch.TriuIndices,
}

// operatorNames are PyTorch's words for the named numbers.
var operatorNames = map[reflect.Type]map[string]any{
	reflect.TypeFor[torch.Reduction](): {
		"mean": torch.ReduceMean, "sum": torch.ReduceSum, "none": torch.ReduceNone,
	},
	reflect.TypeFor[torch.PadMode](): {
		"constant": torch.PadConstant, "reflect": torch.PadReflect,
		"replicate": torch.PadReplicate, "circular": torch.PadCircular,
	},
	reflect.TypeFor[torch.GridMode](): {
		"bilinear": torch.GridBilinear, "nearest": torch.GridNearest, "bicubic": torch.GridBicubic,
	},
	reflect.TypeFor[torch.GridPadding](): {
		"zeros": torch.GridZeros, "border": torch.GridBorder, "reflection": torch.GridReflection,
	},
	reflect.TypeFor[torch.InterpolateMode](): {
		"nearest": torch.InterpolateNearest, "nearest-exact": torch.InterpolateNearestExact,
		"linear": torch.InterpolateLinear, "bilinear": torch.InterpolateBilinear,
		"bicubic": torch.InterpolateBicubic, "trilinear": torch.InterpolateTrilinear,
		"area": torch.InterpolateArea,
	},
	reflect.TypeFor[torch.FFTNorm](): {
		"backward": torch.FFTBackward, "ortho": torch.FFTOrtho, "forward": torch.FFTForward,
	},
	reflect.TypeFor[torch.MeshgridIndexing](): {
		"ij": torch.MeshgridIJ, "xy": torch.MeshgridXY,
	},
	reflect.TypeFor[torch.ScatterReduction](): {
		"sum": torch.ScatterSum, "prod": torch.ScatterProduct, "mean": torch.ScatterMean,
		"amax": torch.ScatterMax, "amin": torch.ScatterMin,
	},
	reflect.TypeFor[torch.MatrixNormOrder](): {
		"fro": torch.NormFrobenius, "nuc": torch.NormNuclear,
	},
	reflect.TypeFor[torch.BagMode](): {
		"mean": torch.BagMean, "sum": torch.BagSum, "max": torch.BagMax,
	},
}

// tensorLiteral is a tensor as the reference file writes it.
type tensorLiteral struct {
	DType    string
	Shape    []int64
	Data     []json.RawMessage
	Constant bool // an argument in which no gradient is taken
}

// numbers are the elements as float64; complex ones as pairs.
func (l tensorLiteral) numbers(t *testing.T) []float64 {
	values := make([]float64, len(l.Data))
	for i, text := range l.Data {
		switch s := strings.Trim(string(text), `"`); s {
		case "true":
			values[i] = 1
		case "false":
		default:
			value, err := strconv.ParseFloat(s, 64)
			require.NoError(t, err)
			values[i] = value
		}
	}
	return values
}

func (l tensorLiteral) tensor(t *testing.T, device torch.Device) *torch.Tensor {
	dtype, err := torch.ParseDType(l.DType)
	require.NoError(t, err)
	shape := append([]int64{}, l.Shape...)
	if dtype == torch.Complex64 {
		pairs := torch.FromSlice(l.numbers(t), append(shape, 2), device)
		return pairs.To(torch.Float32).ViewAsComplex()
	}
	return torch.FromSlice(l.numbers(t), shape, device).To(dtype)
}

func parseTensor(t *testing.T, text json.RawMessage) tensorLiteral {
	var literal tensorLiteral
	require.NoError(t, json.Unmarshal(text, &literal))
	require.NotEmpty(t, literal.DType, "no tensor: %s", text)
	return literal
}

// parseNumber reads Python's int, float, bool or complex as Go's, so that it takes part in the dtypes
// as there.
func parseNumber(t *testing.T, text json.RawMessage) torch.Number {
	var pair struct{ Complex []float64 }
	switch s := strings.Trim(string(text), `"`); {
	case s == "true" || s == "false":
		return s == "true"
	case strings.HasPrefix(s, "{"):
		require.NoError(t, json.Unmarshal(text, &pair))
		require.Len(t, pair.Complex, 2)
		return complex(pair.Complex[0], pair.Complex[1])
	default:
		if whole, err := strconv.Atoi(s); err == nil {
			return whole
		}
		number, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return number
	}
}

// An operatorCall turns a case's arguments into Go's.
type operatorCall struct {
	t         *testing.T
	device    torch.Device
	gradients bool
	inputs    []*torch.Tensor // those that may have a gradient, in the file's order
}

// value makes an argument of the given type. own says that it is an input of its own, not an
// option's field.
func (c *operatorCall) value(text json.RawMessage, wanted reflect.Type, own bool) reflect.Value {
	result := reflect.New(wanted).Elem()
	if string(text) == "null" {
		return result
	}
	if names, ok := operatorNames[wanted]; ok {
		var name string
		require.NoError(c.t, json.Unmarshal(text, &name))
		require.Contains(c.t, names, name)
		return reflect.ValueOf(names[name])
	}
	switch wanted {
	case reflect.TypeFor[*torch.Tensor]():
		literal := parseTensor(c.t, text)
		x := literal.tensor(c.t, c.device)
		if own {
			if c.gradients && x.DType().IsFloatingPoint() && !literal.Constant {
				x = x.SetRequiresGrad(true)
			}
			c.inputs = append(c.inputs, x)
		}
		return reflect.ValueOf(x)
	case reflect.TypeFor[*torch.Generator]():
		var seeded struct{ Generator uint64 }
		require.NoError(c.t, json.Unmarshal(text, &seeded))
		generator, err := torch.NewGenerator(c.device, seeded.Generator)
		require.NoError(c.t, err)
		return reflect.ValueOf(generator)
	case reflect.TypeFor[torch.Number]():
		return reflect.ValueOf(parseNumber(c.t, text))
	case reflect.TypeFor[float64]():
		number, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
		require.NoError(c.t, err)
		return reflect.ValueOf(number)
	}
	switch wanted.Kind() {
	case reflect.Slice:
		var items []json.RawMessage
		require.NoError(c.t, json.Unmarshal(text, &items))
		for _, item := range items {
			result = reflect.Append(result, c.value(item, wanted.Elem(), own))
		}
	case reflect.Struct:
		var fields map[string]json.RawMessage
		require.NoError(c.t, json.Unmarshal(text, &fields))
		for name, field := range fields {
			to := result.FieldByName(name)
			require.True(c.t, to.IsValid(), "%s has no field %s", wanted, name)
			to.Set(c.value(field, to.Type(), false))
		}
	default:
		require.NoError(c.t, json.Unmarshal(text, result.Addr().Interface()))
	}
	return result
}

// arguments makes all arguments of a function, variadic ones included.
func (c *operatorCall) arguments(texts []json.RawMessage, function reflect.Type) []reflect.Value {
	var values []reflect.Value
	for i, text := range texts {
		variadic := function.IsVariadic() && i >= function.NumIn()-1
		switch {
		case variadic && len(text) > 0 && text[0] == '[': // a list, in Python too
			list := c.value(text, function.In(function.NumIn()-1), true)
			for j := range list.Len() {
				values = append(values, list.Index(j))
			}
		case variadic:
			values = append(values, c.value(text, function.In(function.NumIn()-1).Elem(), true))
		default:
			require.Less(c.t, i, function.NumIn(), "too many arguments")
			values = append(values, c.value(text, function.In(i), true))
		}
	}
	return values
}

// run makes the call and hands back its results, lists of tensors taken apart.
func (c *operatorCall) run(operator operatorCase) []any {
	var results []reflect.Value
	if operator.Function {
		function, ok := operatorFunctions[operator.Name]
		require.True(c.t, ok, "no function %s", operator.Name)
		f := reflect.ValueOf(function)
		results = f.Call(c.arguments(operator.Arguments, f.Type()))
	} else {
		receiver := c.value(operator.Arguments[0], reflect.TypeFor[*torch.Tensor](), true)
		method := receiver.MethodByName(operator.Name)
		require.True(c.t, method.IsValid(), "no method %s", operator.Name)
		results = method.Call(c.arguments(operator.Arguments[1:], method.Type()))
	}
	var flat []any
	for _, result := range results {
		if list, ok := result.Interface().([]*torch.Tensor); ok {
			for _, x := range list {
				flat = append(flat, x)
			}
			continue
		}
		flat = append(flat, result.Interface())
	}
	return flat
}

// elements are a tensor's as float64; complex ones as pairs.
func elements(x *torch.Tensor) []float64 {
	if dtype := x.DType(); dtype == torch.Complex64 || dtype == torch.Complex128 {
		x = x.ResolveConj().ViewAsReal()
	}
	return torch.ToSlice[float64](x.Detach().To(torch.Float64))
}

// assertTensor compares with the reference. The kernels are PyTorch's own, so that what is left is
// the rounding of another processor's vector units: 1e-5 of float32's seven digits, and more for
// cancellation in sums.
func assertTensor(t *testing.T, text json.RawMessage, got *torch.Tensor, upToSign bool, what string) {
	t.Helper()
	want := parseTensor(t, text)
	require.NotNil(t, got, what)
	require.Equal(t, want.DType, got.DType().String(), "%s: dtype", what)
	require.Equal(t, append([]int64{}, want.Shape...), got.Shape(), "%s: shape", what)
	expected, found := want.numbers(t), elements(got)
	require.Len(t, found, len(expected), what)
	for i := range expected {
		e, f := expected[i], found[i]
		if upToSign {
			e, f = math.Abs(e), math.Abs(f)
		}
		same := e == f || (math.IsNaN(e) && math.IsNaN(f))
		if !same && !(math.Abs(e-f) <= 2e-5*(1+math.Abs(e))) {
			assert.Fail(t, "differs", "%s: element %d is %g, PyTorch's is %g", what, i, f, e)
			return
		}
	}
}

func (c *operatorCall) check(operator operatorCase) {
	t := c.t
	results := c.run(operator)
	require.Len(t, results, len(operator.Results), "number of results")
	for i, result := range results {
		what := fmt.Sprintf("result %d", i)
		if x, ok := result.(*torch.Tensor); ok {
			assertTensor(t, operator.Results[i], x, operator.UpToSign, what)
		} else {
			text, err := json.Marshal(result)
			require.NoError(t, err)
			assert.JSONEq(t, string(operator.Results[i]), string(text), what)
		}
	}
	if operator.InPlace {
		assert.Same(t, c.inputs[0], results[0], "hands back its receiver")
	} else if !operator.Function {
		assertTensor(t, operator.Arguments[0], c.inputs[0], false, "the receiver, which stays,")
	}
	if operator.Gradients == nil {
		return
	}
	first := results[0].(*torch.Tensor)
	weights := make([]float64, first.NumElements())
	for i := range weights {
		weights[i] = float64((5*i)%7-3) / 4
	}
	w := torch.FromSlice(weights, append([]int64{}, first.Shape()...), c.device).To(torch.Float32)
	loss := first.Mul(w)
	if loss.DType() == torch.Complex64 {
		loss = loss.Real()
	}
	loss.Sum().Backward()
	var gradients []*torch.Tensor
	for _, input := range c.inputs {
		if input.RequiresGrad() {
			gradients = append(gradients, input.Grad())
		}
	}
	require.Len(t, gradients, len(operator.Gradients), "inputs with gradients")
	for i, want := range operator.Gradients {
		if string(want) == "null" {
			assert.Nil(t, gradients[i], "gradient %d", i)
			continue
		}
		assertTensor(t, want, gradients[i], false, fmt.Sprintf("gradient %d", i))
	}
}

func readOperatorCases(t *testing.T) []operatorCase {
	text, err := os.ReadFile("testdata/operators.json")
	require.NoError(t, err)
	var cases []operatorCase
	require.NoError(t, json.Unmarshal(text, &cases))
	return cases
}

// notOnCUDA are the operators that PyTorch does not have on a GPU.
var notOnCUDA = []string{"Histogram", "LstSq"}

func TestOperatorsGiveWhatPyTorchGives(t *testing.T) {
	cases := readOperatorCases(t)
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		for i, operator := range cases {
			t.Run(fmt.Sprintf("%s/%d", operator.Name, i), func(t *testing.T) {
				if operator.isRandom() && device.IsCUDA() {
					t.Skip("a GPU's random numbers are others")
				}
				if operator.becomesBComplex32() {
					t.Skip("later libtorchs have another result")
				}
				call := operatorCall{t: t, device: device, gradients: operator.Gradients != nil}
				err := torch.Try(func() error {
					call.check(operator)
					return nil
				})
				if device.IsCUDA() && slices.Contains(notOnCUDA, operator.Name) {
					require.Error(t, err)
					t.Skip(err)
				}
				require.NoError(t, err)
			})
		}
	})
}

// Every line of the list has a reference, or (behind a hand-written function) that function has.
func TestEveryListedOperatorHasAReference(t *testing.T) {
	list, err := os.ReadFile("../scripts/generate/operators.txt")
	require.NoError(t, err)
	have := map[string]bool{}
	for _, operator := range readOperatorCases(t) {
		have[operator.Name] = true
	}
	// No reference can be had for numbers from the default generator; they have a test below.
	have["RandLike"], have["RandNLike"], have["RandIntLike"] = true, true, true
	// TestForeach compares these with the methods of one tensor, and the trajectories of torch/optim's
	// optimizers the fused steps with PyTorch's.
	for name := range foreachCases {
		have[name] = true
	}
	// UnflattenDenseTensors is in a case of TestForeach, and ViewDType has a test of its own, as the gradient
	// scaler has.
	for _, name := range []string{"UnflattenDenseTensors", "ViewDType", "AmpUpdateScaleInPlace", "AmpForeachNonFiniteCheckAndUnscaleInPlace",
		"FusedSGDInPlace", "FusedAdamInPlace", "FusedAdamWInPlace", "FusedAdagradInPlace"} {
		have[name] = true
	}
	lines := regexp.MustCompile(`(?m)^(?:func )?(\w+) = .*?\)(?: -> [\w, ]+)?: (?:implements (\w+))?`)
	found := lines.FindAllStringSubmatch(string(list), -1)
	require.Greater(t, len(found), 300)
	for _, line := range found {
		name := line[1]
		if behind := line[2]; behind != "" {
			name = behind
		}
		assert.True(t, have[name], "%s has no case in scripts/reference/reference_operators.py", name)
	}
}

func TestRandomLike(t *testing.T) {
	x := torch.Zeros(torch.Shape{100, 100})
	u := x.RandLike()
	assert.Equal(t, x.Shape(), u.Shape())
	assert.InDelta(t, 0.5, u.Mean().Item(), 0.02)
	assert.GreaterOrEqual(t, u.Min().Item(), 0.0)
	assert.Less(t, u.Max().Item(), 1.0)
	i := x.RandIntLike(-2, 3)
	assert.Equal(t, x.Shape(), i.Shape())
	assert.InDelta(t, -2, i.Min().Item(), 0)
	assert.InDelta(t, 2, i.Max().Item(), 0)
	assert.InDelta(t, 0, i.Mean().Item(), 0.1)
	n := x.RandNLike()
	assert.InDelta(t, 0, n.Mean().Item(), 0.05)
	assert.InDelta(t, 1, n.Std(true).Item(), 0.05)
}

func TestNormalAndOptionsOfCreations(t *testing.T) {
	generator, err := torch.NewGenerator(torch.CPU, 5)
	require.NoError(t, err)
	x := torch.Normal(3, 0.5, torch.Shape{50, 200}, torch.Float64, generator)
	assert.Equal(t, torch.Float64, x.DType())
	assert.InDelta(t, 3, x.Mean().Item(), 0.05)
	assert.InDelta(t, 0.5, x.Std(true).Item(), 0.05)
	again, err := torch.NewGenerator(torch.CPU, 5)
	require.NoError(t, err)
	assert.True(t, x.Equal(torch.Normal(3, 0.5, torch.Shape{50, 200}, torch.Float64, again)))

	assert.Equal(t, torch.Float32, torch.HannWindow(4, true, torch.NoDType).DType())
	assert.Equal(t, torch.Float64, torch.HannWindow(4, true, torch.Float64).DType())
	assert.Equal(t, torch.Int32, torch.TrilIndices(2, 2, 0, torch.Int32).DType())
}

func TestTripletMarginTakesAnyDistance(t *testing.T) {
	a := torch.FromSlice([]float32{0, 0}, torch.Shape{1, 2})
	near := torch.FromSlice([]float32{1, 1}, torch.Shape{1, 2})
	far := torch.FromSlice([]float32{0, 3}, torch.Shape{1, 2})
	manhattan := func(a, b *torch.Tensor) *torch.Tensor {
		return a.Sub(b).Abs().SumDim([]int64{1}, false)
	}
	loss := a.TripletMarginWithDistanceLoss(near, far, 5, torch.TripletMarginOptions{Distance: manhattan})
	assert.InDelta(t, 2-3+5, loss.Item(), 1e-6)
}

func TestDropoutScalesWhatItKeeps(t *testing.T) {
	y := torch.Ones(torch.Shape{10000}).Dropout(0.25, true)
	kept := y.GtScalar(0)
	assert.InDelta(t, 7500, kept.Sum().Item(), 300)
	assert.InDelta(t, 1/0.75, y.MaskedSelect(kept).Mean().Item(), 1e-6)
}

func TestOperatorMisusePanicsWithAnError(t *testing.T) {
	a, b := torch.Zeros(torch.Shape{2, 3}), torch.Zeros(torch.Shape{4, 5})
	closed := torch.Zeros(torch.Shape{2, 3})
	closed.Close()
	var missing *torch.Tensor
	for name, test := range map[string]struct {
		operation string
		kind      error
		f         func()
	}{
		"shapes":          {"Add", torch.ErrInvalid, func() { a.Add(b) }},
		"matrix shapes":   {"MatMul", torch.ErrInvalid, func() { a.MatMul(b) }},
		"dimension":       {"SumDim", torch.ErrInvalid, func() { a.SumDim([]int64{7}, false) }},
		"size":            {"View", torch.ErrInvalid, func() { a.View(torch.Shape{5, 5}) }},
		"index":           {"IndexSelect", torch.ErrInvalid, func() { a.IndexSelect(0, torch.FromSlice([]int64{9}, nil)) }},
		"dtype":           {"MatMul", torch.ErrInvalid, func() { a.MatMul(a.T().To(torch.Float64)) }},
		"list":            {"Cat", torch.ErrInvalid, func() { torch.Cat([]*torch.Tensor{a, b}, 0) }},
		"empty list":      {"Cat", torch.ErrInvalid, func() { torch.Cat(nil, 0) }},
		"text":            {"Einsum", torch.ErrInvalid, func() { torch.Einsum("ij,jk->ik", []*torch.Tensor{a}) }},
		"in place":        {"AddInPlace", torch.ErrInvalid, func() { a.AddInPlace(b) }},
		"several results": {"TopK", torch.ErrInvalid, func() { a.TopK(9, 1, true) }},
		"truth":           {"AllClose", torch.ErrInvalid, func() { a.AllClose(b, 0, 0) }},
		"integer power":   {"PowScalar", torch.ErrInvalid, func() { torch.FromSlice([]int64{2}, nil).PowScalar(-1) }},
		"singular":        {"Inverse", torch.ErrInvalid, func() { torch.Zeros(torch.Shape{2, 2}).Inverse() }},
		"nil receiver":    {"Add", torch.ErrInvalid, func() { missing.Add(a) }},
		"nil argument":    {"Add", torch.ErrInvalid, func() { a.Add(nil) }},
		"nil in a list":   {"Stack", torch.ErrInvalid, func() { torch.Stack([]*torch.Tensor{a, nil}, 0) }},
		"closed receiver": {"Add", torch.ErrClosed, func() { closed.Add(a) }},
		"closed argument": {"Add", torch.ErrClosed, func() { a.Add(closed) }},
		"closed in list":  {"Stack", torch.ErrClosed, func() { torch.Stack([]*torch.Tensor{a, closed}, 0) }},
		"no such mode":    {"Pad", torch.ErrInvalid, func() { a.Pad([]int64{1, 1}, torch.PadMode(9), 0) }},
		"mode and shape": {"Interpolate", torch.ErrInvalid, func() {
			a.Interpolate([]int64{4}, torch.InterpolateOptions{Mode: torch.InterpolateBicubic})
		}},
		"no size": {"Interpolate", torch.ErrInvalid, func() {
			a.Reshape(torch.Shape{1, 1, 2, 3}).Interpolate(nil, torch.InterpolateOptions{})
		}},
		"two sizes": {"Interpolate", torch.ErrInvalid, func() {
			options := torch.InterpolateOptions{ScaleFactor: []float64{2}}
			a.Reshape(torch.Shape{1, 1, 2, 3}).Interpolate([]int64{4, 6}, options)
		}},
		"scale factors": {"Interpolate", torch.ErrInvalid, func() {
			options := torch.InterpolateOptions{ScaleFactor: []float64{2, 2, 2}}
			a.Reshape(torch.Shape{1, 1, 2, 3}).Interpolate(nil, options)
		}},
		"padding": {"ConvTranspose1d", torch.ErrInvalid, func() {
			options := torch.ConvTransposeOptions{ConvOptions: torch.ConvOptions{PadSame: true}}
			a.ConvTranspose1d(b, nil, options)
		}},
		"transformed dimensions": {"FFT2", torch.ErrInvalid, func() {
			a.FFT2(torch.FFTOptions{Dims: []int64{0}})
		}},
		"norm": {"FFT", torch.ErrInvalid, func() { a.FFT(torch.FFTOptions{Norm: 7}) }},
		"offsets": {"EmbeddingBag", torch.ErrInvalid, func() {
			indices := torch.Zeros(torch.Shape{5}, torch.Int64)
			offsets := torch.FromSlice([]int64{0, -1 << 40, 2}, nil)
			torch.EmbeddingBag(a, indices, offsets, torch.EmbeddingBagOptions{})
		}},
		"bags": {"EmbeddingBag", torch.ErrInvalid, func() {
			indices := torch.Zeros(torch.Shape{5}, torch.Int64)
			torch.EmbeddingBag(a, indices, nil, torch.EmbeddingBagOptions{})
		}},
		"channels": {"LocalResponseNorm", torch.ErrInvalid, func() {
			a.LocalResponseNorm(3, torch.LocalResponseNormOptions{})
		}},
		"negative variances": {"GaussianNLLLoss", torch.ErrInvalid, func() {
			a.GaussianNLLLoss(a, a.AddScalar(-1), torch.GaussianNLLOptions{})
		}},
		"no such dtype": {"Zeros", torch.ErrInvalid, func() { torch.Zeros(nil, torch.DType(99)) }},
	} {
		t.Run(name, func(t *testing.T) {
			err := failure(t, test.f)
			assert.Equal(t, test.operation, err.Operation)
			assert.ErrorIs(t, err, test.kind)
			assert.NotEmpty(t, err.Message)
		})
	}
	assert.InDelta(t, 0, a.Add(a).Sum().Item(), 0, "the tensors still work")
}

func TestAddOfOneElementAllocatesNoMoreThanItsTensor(t *testing.T) {
	if testkit.Instrumented {
		t.Skip("the count is the compiler's own here")
	}
	x := torch.Zeros(torch.Shape{1, 1})
	made := func(f func() *torch.Tensor) float64 {
		return testing.AllocsPerRun(200, func() { f().Close() })
	}
	alone := made(func() *torch.Tensor { return x.Alias() })
	assert.LessOrEqual(t, made(func() *torch.Tensor { return x.Add(x) }), alone)
	assert.LessOrEqual(t, made(func() *torch.Tensor { return x.View(torch.Shape{1}) }), alone)
	assert.LessOrEqual(t, made(func() *torch.Tensor { return x.SumDim([]int64{0, 1}, true) }), alone)
}

func ExampleTensor_SumDim() {
	x := torch.Arange(0, 6, 1).Reshape(torch.Shape{2, 3})
	fmt.Println(x.SumDim([]int64{1}, false).Float32s())
	// Output: [3 12]
}

func ExampleTensor_Slice() {
	x := torch.Arange(0, 6, 1)
	fmt.Println(x.Slice(0, 1, torch.End, 2).Float32s())
	// Output: [1 3 5]
}

func ExampleEinsum() {
	a := torch.FromSlice([]float32{1, 2, 3, 4}, torch.Shape{2, 2})
	b := torch.FromSlice([]float32{1, 0, 0, 10}, torch.Shape{2, 2})
	fmt.Println(torch.Einsum("ij,jk->ik", []*torch.Tensor{a, b}).Float32s())
	// Output: [1 20 3 40]
}

func ExampleTensor_Interpolate() {
	image := torch.Arange(0, 4, 1, torch.Float32).Reshape(torch.Shape{1, 1, 2, 2})
	twice := image.Interpolate(nil, torch.InterpolateOptions{ScaleFactor: []float64{1, 2}})
	fmt.Println(twice.Shape(), twice.Float32s())
	// Output: [1 1 2 4] [0 0 1 1 2 2 3 3]
}

func ExampleTensor_RFFT() {
	wave := torch.FromSlice([]float32{1, 0, -1, 0}, nil) // one turn in four samples
	fmt.Println(wave.RFFT(torch.FFTOptions{}).Abs().Float32s())
	// Output: [0 2 0]
}

func ExampleTensor_CrossEntropyLoss() {
	logits := torch.FromSlice([]float32{2, 0, 0, 2}, torch.Shape{2, 2})
	classes := torch.FromSlice([]int64{0, 1}, nil)
	loss := logits.CrossEntropyLoss(classes, torch.CrossEntropyOptions{LabelSmoothing: 0.1})
	fmt.Printf("%.4f\n", loss.Item())
	// Output: 0.2269
}

func ExampleTensor_Conv2d() {
	image := torch.Ones(torch.Shape{1, 1, 3, 3})
	kernel := torch.Ones(torch.Shape{1, 1, 3, 3})
	y := image.Conv2d(kernel, nil, torch.ConvOptions{Padding: []int64{1}})
	fmt.Println(y.Shape(), y.Float32s())
	// Output: [1 1 3 3] [4 6 4 6 9 6 4 6 4]
}
