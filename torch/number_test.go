package torch_test

import (
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

// A float64 holds neither of these.
const (
	large = 1<<60 + 1
	odd   = math.MaxInt64
)

func TestWholeNumbersOf64BitsAreExact(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		vector := func(values ...int64) *torch.Tensor { return torch.FromSlice(values, nil, device) }
		mask := torch.FromSlice([]bool{true, false}, nil, device)
		first := vector(0)
		for name, test := range map[string]struct {
			want []int64
			got  *torch.Tensor
		}{
			"AddScalar":            {[]int64{large, large + 1}, vector(0, 1).AddScalar(large)},
			"AddScalarInPlace":     {[]int64{large, large + 1}, vector(0, 1).AddScalarInPlace(large)},
			"AddScaled":            {[]int64{large, 0}, vector(0, 0).AddScaled(vector(1, 0), large)},
			"SubScalar":            {[]int64{0, -large}, vector(large, 0).SubScalar(large)},
			"RSubScalar":           {[]int64{0, large}, vector(large, 0).RSubScalar(large)},
			"MulScalar":            {[]int64{large, -large}, vector(1, -1).MulScalar(large)},
			"RemainderScalar":      {[]int64{0, 1}, vector(large, 1).RemainderScalar(large)},
			"RPowScalar":           {[]int64{1, large}, vector(0, 1).RPowScalar(large)},
			"Clamp":                {[]int64{large, large + 2}, vector(0, odd).Clamp(large, large+2)},
			"ClampMin":             {[]int64{large, odd}, vector(0, odd).ClampMin(large)},
			"ClampMax":             {[]int64{0, large}, vector(0, odd).ClampMax(large)},
			"ClampInPlace":         {[]int64{large, large + 2}, vector(0, odd).ClampInPlace(large, large+2)},
			"BitwiseAndScalar":     {[]int64{large, 1}, vector(odd, 1).BitwiseAndScalar(large)},
			"BitwiseAndScalar 60":  {[]int64{1 << 60, 0}, vector(odd, 1).BitwiseAndScalar(1 << 60)},
			"BitwiseOrScalar":      {[]int64{large, large + 2}, vector(0, 2).BitwiseOrScalar(large)},
			"BitwiseXorScalar":     {[]int64{0, large}, vector(large, 0).BitwiseXorScalar(large)},
			"WhereScalar":          {[]int64{5, large}, torch.WhereScalar(mask, vector(5, 5), large)},
			"MaskedFill":           {[]int64{large, 5}, vector(5, 5).MaskedFill(mask, large)},
			"MaskedFillInPlace":    {[]int64{large, 5}, vector(5, 5).MaskedFillInPlace(mask, large)},
			"FillInPlace":          {[]int64{large, large}, vector(5, 5).FillInPlace(large)},
			"IndexFill":            {[]int64{large, 5}, vector(5, 5).IndexFill(0, first, large)},
			"ScatterScalar":        {[]int64{large, 5}, vector(5, 5).ScatterScalar(0, first, large)},
			"SetAt":                {[]int64{large, 5}, vector(5, 5).SetAt(large, 0)},
			"Threshold":            {[]int64{large, odd}, vector(large, odd).Threshold(large, large)},
			"Full":                 {[]int64{large, large}, torch.Full(torch.Shape{2}, large, torch.Int64, device)},
			"Full of an int64":     {[]int64{odd}, torch.Full(torch.Shape{1}, int64(odd), torch.Int64, device)},
			"FullLike":             {[]int64{large, large}, vector(0, 0).FullLike(large)},
			"NewFull":              {[]int64{large}, first.NewFull(torch.Shape{1}, large)},
			"Arange":               {[]int64{large, large + 1}, torch.Arange(large, large+2, 1, device)},
			"the smallest":         {[]int64{math.MinInt64}, vector(0).AddScalar(math.MinInt64)},
			"FloorDivideScalar":    {[]int64{1, 0}, vector(large, large-1).FloorDivideScalar(large)},
			"TruncDivideScalar":    {[]int64{-1, 0}, vector(-large, large-1).TruncDivideScalar(large)},
			"FModScalar":           {[]int64{0, large - 1}, vector(large, large-1).FModScalar(large)},
			"FillDiagonalInPlace":  {[]int64{large}, vector(0).Reshape(torch.Shape{1, 1}).FillDiagonalInPlace(large)},
			"AddCMul":              {[]int64{large}, vector(0).AddCMul(vector(1), vector(1), large)},
			"SubScalarInPlace":     {[]int64{0}, vector(large).SubScalarInPlace(large)},
			"IndexFillInPlace":     {[]int64{large}, vector(0).IndexFillInPlace(0, first, large)},
			"another type of Go's": {[]int64{large}, vector(0).AddScalar(uint64(large))},
		} {
			assert.Equal(t, torch.Int64, test.got.DType(), name)
			assert.Equal(t, test.want, torch.ToSlice[int64](test.got), name)
		}
		x := vector(large-1, large, large+1)
		for name, test := range map[string]struct {
			want []bool
			got  *torch.Tensor
		}{
			"EqScalar": {[]bool{false, true, false}, x.EqScalar(large)},
			"NeScalar": {[]bool{true, false, true}, x.NeScalar(large)},
			"LtScalar": {[]bool{true, false, false}, x.LtScalar(large)},
			"LeScalar": {[]bool{true, true, false}, x.LeScalar(large)},
			"GtScalar": {[]bool{false, false, true}, x.GtScalar(large)},
			"GeScalar": {[]bool{false, true, true}, x.GeScalar(large)},
		} {
			assert.Equal(t, test.want, torch.ToSlice[bool](test.got), name)
		}
	})
}

type count int16

func TestNumbersOfEveryTypeOfGo(t *testing.T) {
	x := torch.Zeros(torch.Shape{1}, torch.Int64)
	for value, want := range map[torch.Number]torch.DType{
		int(2): torch.Int64, int8(2): torch.Int64, int16(2): torch.Int64, int32(2): torch.Int64,
		int64(2): torch.Int64, uint(2): torch.Int64, uint8(2): torch.Int64, uint16(2): torch.Int64,
		uint32(2): torch.Int64, uint64(2): torch.Int64, count(2): torch.Int64,
		float32(2): torch.Float32, float64(2): torch.Float32,
		complex64(2): torch.Complex64, complex128(2): torch.Complex64,
	} {
		y := x.AddScalar(value)
		assert.Equal(t, want, y.DType(), "%T", value)
		assert.Equal(t, complex128(2), y.ItemComplex128(), "%T", value)
	}
	assert.Equal(t, int64(1), x.AddScalar(true).ItemInt64())
	assert.Equal(t, torch.Bool, torch.Full(nil, true, torch.Bool).MulScalar(true).DType())
}

func TestWhatIsNoNumberPanics(t *testing.T) {
	x := torch.Zeros(torch.Shape{1}, torch.Int64)
	for name, test := range map[string]struct {
		message string
		f       func()
	}{
		"AddScalar":        {"the value is a string", func() { x.AddScalar("2") }},
		"MulScalarInPlace": {"the value is nil, wanted a number", func() { x.MulScalarInPlace(nil) }},
		"EqScalar":         {"the value is a *torch.Tensor", func() { x.EqScalar(x) }},
		"Full":             {"the value is a []int", func() { torch.Full(nil, []int{1}) }},
		"Arange":           {"overflow", func() { torch.Arange(0, uint64(math.MaxUint64), 1) }},
		"SetAt":            {"the value is a string", func() { x.SetAt("2", 0) }},
		// As in Python, what the tensor's dtype cannot hold is refused in place.
		"AddScalarInPlace": {"Float", func() { x.AddScalarInPlace(2.5) }},
		"Item":             {"ItemComplex128", func() { torch.Full(nil, 1i, torch.Complex64).Item() }},
	} {
		err := failure(t, test.f)
		assert.Equal(t, name, err.Operation)
		assert.ErrorIs(t, err, torch.ErrInvalid, name)
		assert.Contains(t, err.Message, test.message, name)
	}
	assert.InDelta(t, 0, x.Item(), 0)
}

// TestUnsignedNumbersBeyondAnInt64 are exact in uint64, and numbers like any other for real tensors.
func TestUnsignedNumbersBeyondAnInt64(t *testing.T) {
	for _, value := range []uint64{1 << 63, math.MaxUint64} {
		full := torch.Full(torch.Shape{2}, value, torch.Uint64)
		assert.Equal(t, []uint64{value, value}, torch.ToSlice[uint64](full))
		assert.Equal(t, []uint64{value}, torch.ToSlice[uint64](torch.Zeros(torch.Shape{1}, torch.Uint64).FillInPlace(value)))
		assert.Equal(t, float64(value), torch.Full(nil, value, torch.Float64).Item())
		assert.Equal(t, float64(value), torch.Scalar(value).Item())
		assert.Equal(t, float64(value), torch.Ones(nil).MulScalar(value).Item())
		x := torch.Zeros(torch.Shape{2}, torch.Uint64)
		x.SetAt(value, 1)
		assert.Equal(t, []uint64{0, value}, torch.ToSlice[uint64](x))
	}
	failed := failure(t, func() { torch.Full(nil, uint64(1<<63), torch.Int64) })
	assert.ErrorIs(t, failed, torch.ErrInvalid)
	assert.Contains(t, failed.Message, "without overflow")
}

// TestMessagesCount: one element is no "elements".
func TestMessagesCount(t *testing.T) {
	one := torch.Zeros(torch.Shape{1}, torch.Uint8)
	for want, f := range map[string]func(){
		"the shape needs 2 bytes, the data has 1":    func() { torch.FromSlice([]uint8{1}, torch.Shape{2}) },
		"the shape needs 1 byte, the data has 2":     func() { torch.FromSlice([]uint8{1, 2}, torch.Shape{1}) },
		"the tensor has 1 byte, there is room for 2": func() { torch.CopyToSlice(one, make([]uint8, 2)) },
		"2 gradients for 1 tensor": func() {
			torch.Backward([]*torch.Tensor{one}, torch.BackwardOptions{Gradients: []*torch.Tensor{one, one}})
		},
		"the value is nil, wanted":                          func() { one.SetAt(nil, 0) },
		"index 0 is an image.Point, wanted":                 func() { one.At(image.Point{}) },
		"the value is a *torch.Dict, wanted a tensor, a nu": func() { one.SetAt(torch.NewDict(), 0) },
	} {
		assert.Contains(t, failure(t, f).Message, want)
	}
}

func TestComplexNumbers(t *testing.T) {
	z := torch.Full(torch.Shape{1}, 1+2i, torch.Complex128)
	assert.Equal(t, 1+2i, z.ItemComplex128())
	assert.Equal(t, torch.Complex128, z.AddScalar(1).DType())
	assert.Equal(t, 4+1i, z.AddScalar(3-1i).ItemComplex128())
	assert.Equal(t, -2+1i, z.MulScalar(1i).ItemComplex128())
	assert.Equal(t, -3+4i, z.MulInPlace(z).ItemComplex128())
	assert.Equal(t, 5i, z.FillInPlace(5i).ItemComplex128())
	assert.Equal(t, 7-1i, z.SetAt(7-1i, 0).ItemComplex128())
	assert.Equal(t, []bool{true}, torch.ToSlice[bool](z.EqScalar(7-1i)))
	spaced := torch.Linspace(0, 2+2i, 3, torch.Complex64)
	assert.Equal(t, 1+1i, spaced.Select(0, 1).ItemComplex128())
	// A real tensor becomes a complex one, with its own precision.
	assert.Equal(t, torch.Complex64, torch.Ones(nil).AddScalar(1i).DType())
	assert.Equal(t, torch.Complex128, torch.Ones(nil, torch.Float64).AddScalar(1i).DType())
}

func TestNumbersAllocateNothing(t *testing.T) {
	if testkit.Instrumented {
		t.Skip("the count is the compiler's own here")
	}
	x := torch.Zeros(torch.Shape{1})
	value, whole := 0.5, int64(math.MaxInt32)
	assert.Zero(t, testing.AllocsPerRun(200, func() {
		value++
		whole++
		x.AddScalarInPlace(value)
		x.AddScalarInPlace(whole)
		x.ClampInPlace(-value, value)
	}))
}

func TestChoicesAreChecked(t *testing.T) {
	x := torch.Zeros(torch.Shape{2, 2})
	index := torch.Zeros(torch.Shape{2}, torch.Int64)
	for name, f := range map[string]func(){
		"Meshgrid":      func() { torch.Meshgrid([]*torch.Tensor{x.Select(0, 0)}, torch.MeshgridIndexing(2)) },
		"ScatterReduce": func() { x.ScatterReduce(0, index, x, torch.ScatterReduction(-1), true) },
		"IndexReduce":   func() { x.IndexReduce(0, index, x, torch.ScatterReduction(5), true) },
		"MatrixNorm":    func() { x.MatrixNorm(torch.MatrixNormOrder(2)) },
		"Pad":           func() { x.Pad([]int64{1, 1}, torch.PadMode(4), 0) },
		"MSELoss":       func() { x.MSELoss(x, torch.Reduction(3)) },
		"FFT":           func() { x.FFT(torch.FFTOptions{Norm: 3}) },
		"GridSample":    func() { x.GridSample(x, torch.GridSampleOptions{Mode: 3}) },
		"EmbeddingBag": func() {
			torch.EmbeddingBag(x, index.Reshape(torch.Shape{1, 2}), nil, torch.EmbeddingBagOptions{Mode: 3})
		},
	} {
		err := failure(t, f)
		assert.Equal(t, name, err.Operation)
		assert.ErrorIs(t, err, torch.ErrInvalid, name)
		assert.Contains(t, err.Message, "there is no ", name)
	}
	// libtorch has no sum here.
	require.Error(t, torch.Try(func() error {
		x.IndexReduce(0, index, x, torch.ScatterSum, true)
		return nil
	}))
}

func ExampleNumber() {
	counts := torch.FromSlice([]int64{1, 2}, nil)
	fmt.Println(counts.MulScalar(2).DType(), counts.MulScalar(0.5).DType(), counts.MulScalar(1i).DType())
	// Output: int64 float32 complex64
}
