package torch_test

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
	"github.com/clipvqgan/clipvqgan/torch"
)

// onEachDevice runs a test on the CPU and, where there is one, on a GPU.
var onEachDevice = testkit.OnEachDevice

// failure is the *torch.Error that f panics with.
func failure(t *testing.T, f func()) *torch.Error {
	t.Helper()
	err := torch.Try(func() error {
		f()
		return nil
	})
	require.Error(t, err)
	var failed *torch.Error
	require.ErrorAs(t, err, &failed)
	assert.NotContains(t, failed.Error(), "\n", "an error is one line")
	return failed
}

func roundTrip[T torch.Element](t *testing.T, data []T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.FromSlice(data, nil, device)
		assert.Equal(t, []int64{int64(len(data))}, x.Shape())
		assert.Equal(t, device, x.Device())
		assert.Equal(t, data, torch.ToSlice[T](x))
	})
}

func TestSlicesRoundTrip(t *testing.T) {
	t.Run("float32", func(t *testing.T) { roundTrip(t, []float32{1, -2.5, math.MaxFloat32}) })
	t.Run("float64", func(t *testing.T) { roundTrip(t, []float64{1, -2.5, math.SmallestNonzeroFloat64}) })
	t.Run("int64", func(t *testing.T) { roundTrip(t, []int64{1, math.MinInt64}) })
	t.Run("int32", func(t *testing.T) { roundTrip(t, []int32{1, math.MinInt32}) })
	t.Run("int16", func(t *testing.T) { roundTrip(t, []int16{1, -2}) })
	t.Run("int8", func(t *testing.T) { roundTrip(t, []int8{1, -2}) })
	t.Run("uint8", func(t *testing.T) { roundTrip(t, []uint8{0, 255}) })
	t.Run("bool", func(t *testing.T) { roundTrip(t, []bool{true, false, true}) })
	t.Run("float16", func(t *testing.T) { roundTrip(t, []torch.Float16Bits{0x3c00, 0xc100}) })
	t.Run("bfloat16", func(t *testing.T) { roundTrip(t, []torch.BFloat16Bits{0x3f80, 0xc020}) })
	t.Run("complex64", func(t *testing.T) { roundTrip(t, []complex64{1 + 2i}) })
	t.Run("complex128", func(t *testing.T) { roundTrip(t, []complex128{1 + 2i}) })
	t.Run("empty", func(t *testing.T) { roundTrip(t, []float32{}) })
}

func TestHalfHasTheValueOfItsBits(t *testing.T) {
	x := torch.FromSlice([]torch.Float16Bits{0x3c00, 0xc100}, nil)
	assert.Equal(t, torch.Float16, x.DType())
	assert.Equal(t, []float32{1, -2.5}, x.Float32s())
	y := torch.FromSlice([]torch.BFloat16Bits{0x3f80, 0xc020}, nil)
	assert.Equal(t, torch.BFloat16, y.DType())
	assert.Equal(t, []float32{1, -2.5}, y.Float32s())
}

func TestCreation(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		assert.Equal(t, []float32{0, 0}, torch.ToSlice[float32](torch.Zeros(torch.Shape{2}, device)))
		assert.Equal(t, []float32{1, 1}, torch.ToSlice[float32](torch.Ones(torch.Shape{2}, device)))
		assert.Equal(t, []int32{7, 7}, torch.ToSlice[int32](torch.Full(torch.Shape{2}, 7, torch.Int32, device)))
		assert.Equal(t, []int64{2, 5, 8}, torch.ToSlice[int64](torch.Arange(2, 9, 3, device)))
		assert.Equal(t, []float64{0, 0.5, 1}, torch.ToSlice[float64](torch.Linspace(0, 1, 3, torch.Float64, device)))
		assert.Equal(t, []float32{1, 0, 0, 0, 1, 0}, torch.ToSlice[float32](torch.Eye(2, 3, device)))
		assert.Equal(t, []int64{4, 5}, torch.Empty(torch.Shape{4, 5}, device).Shape())
		assert.Equal(t, 2.5, torch.Scalar(2.5, device).Item())
		assert.ElementsMatch(t, []int64{0, 1, 2, 3}, torch.ToSlice[int64](torch.RandPerm(4, device)))
		for _, n := range torch.ToSlice[int64](torch.RandInt(3, 6, torch.Shape{50}, device)) {
			assert.True(t, n >= 3 && n < 6)
		}
	})
}

func TestGeneratorsDependOnTheirSeedAlone(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		draw := func(seed uint64, others int64) []float32 {
			generator, err := torch.NewGenerator(device, seed)
			require.NoError(t, err)
			torch.RandN(torch.Shape{others}, device) // from the default generator
			return torch.ToSlice[float32](torch.RandN(torch.Shape{8}, device, generator))
		}
		assert.Equal(t, draw(7, 1), draw(7, 100))
		assert.NotEqual(t, draw(7, 1), draw(8, 1))

		generator, err := torch.NewGenerator(device, 3)
		require.NoError(t, err)
		state := generator.State()
		first := torch.ToSlice[float32](torch.Rand(torch.Shape{4}, device, generator))
		assert.NotEqual(t, first, torch.ToSlice[float32](torch.Rand(torch.Shape{4}, device, generator)))
		require.NoError(t, generator.SetState(state))
		assert.Equal(t, first, torch.ToSlice[float32](torch.Rand(torch.Shape{4}, device, generator)))
	})
}

func TestManualSeed(t *testing.T) {
	torch.ManualSeed(1)
	first := torch.ToSlice[float32](torch.RandN(torch.Shape{4}))
	torch.ManualSeed(1)
	assert.Equal(t, first, torch.ToSlice[float32](torch.RandN(torch.Shape{4})))
}

func TestMisusePanicsWithAnError(t *testing.T) {
	x := torch.Zeros(torch.Shape{2, 3})
	assert.ErrorIs(t, failure(t, func() { torch.FromSlice([]float32{1, 2, 3}, torch.Shape{2, 2}) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { torch.ToSlice[int64](x) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { torch.CopyToSlice(x, make([]float32, 5)) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { x.Item() }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { x.Size(2) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { torch.Scalar(1.5).ItemInt64() }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { (*torch.Tensor)(nil).Shape() }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { torch.Zeros(torch.Shape{-1}) }), torch.ErrInvalid)
	assert.ErrorIs(t, failure(t, func() { torch.Zeros(torch.Shape{1 << 50}) }), torch.ErrOutOfMemory)
	assert.ErrorIs(t, failure(t, func() { x.Index(torch.FromSlice([]int64{5}, nil)) }), torch.ErrInvalid)
	assert.Equal(t, "Size", failure(t, func() { x.Size(9) }).Operation)
}

func TestTryLetsOtherPanicsThrough(t *testing.T) {
	assert.PanicsWithValue(t, "mine", func() {
		_ = torch.Try(func() error { panic("mine") })
	})
	assert.NoError(t, torch.Try(func() error { return nil }))
}

func TestClose(t *testing.T) {
	x := torch.Ones(torch.Shape{2})
	y := x.Alias()
	x.Close()
	x.Close()
	assert.ErrorIs(t, failure(t, func() { x.Shape() }), torch.ErrClosed)
	assert.Equal(t, []float32{1, 1}, torch.ToSlice[float32](y), "the alias lives on")
	assert.Contains(t, x.String(), "closed")
}

func TestCloseWhileOthersUseIt(t *testing.T) {
	for range 50 {
		x := torch.Ones(torch.Shape{1000})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for {
					err := torch.Try(func() error {
						assert.Equal(t, float32(1), x.Float32s()[999])
						return nil
					})
					if err != nil {
						assert.ErrorIs(t, err, torch.ErrClosed)
						return
					}
				}
			})
		}
		x.Close()
		group.Wait()
	}
}

func TestTo(t *testing.T) {
	x := torch.FromSlice([]float32{1.5, -2}, nil)
	assert.Equal(t, []int64{1, -2}, torch.ToSlice[int64](x.To(torch.Int64)))
	assert.Equal(t, torch.Float32, x.To(torch.CPU).DType())
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		y := x.To(torch.Float64, device)
		assert.Equal(t, device, y.Device())
		assert.Equal(t, []float64{1.5, -2}, torch.ToSlice[float64](y))
	})
}

func TestIndexing(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.FromSlice([]float32{0, 1, 2, 3, 4, 5}, torch.Shape{2, 3}, device)
		columns := torch.FromSlice([]int64{2, 0}, nil, device)
		assert.Equal(t, []float32{2, 0, 5, 3}, x.Index(nil, columns).Float32s())
		mask := torch.FromSlice([]bool{false, true}, nil, device)
		assert.Equal(t, []float32{3, 4, 5}, x.Index(mask).Float32s())
		row := torch.FromSlice([]int64{1, 1}, nil, device)
		x.IndexPutAddInPlace(torch.Ones(torch.Shape{2, 3}, device), row)
		assert.Equal(t, []float32{0, 1, 2, 5, 6, 7}, x.Float32s())
		x.IndexPutInPlace(torch.Scalar(9, device), nil, columns)
		assert.Equal(t, []float32{9, 1, 9, 9, 6, 9}, x.Float32s())
	})
}

func TestDTypesAndDevicesByName(t *testing.T) {
	for _, name := range []string{"uint8", "int64", "float16", "bfloat16", "float32", "bool"} {
		dtype, err := torch.ParseDType(name)
		require.NoError(t, err)
		assert.Equal(t, name, dtype.String())
	}
	_, err := torch.ParseDType("float33")
	assert.ErrorIs(t, err, torch.ErrInvalid)

	device, err := torch.ParseDevice("cpu")
	require.NoError(t, err)
	assert.Equal(t, torch.CPU, device)
	_, err = torch.ParseDevice("auto")
	require.NoError(t, err)
	for _, name := range []string{"gpu", "cuda:x", "cuda:-1", "cpu:1"} {
		_, err = torch.ParseDevice(name)
		assert.ErrorIs(t, err, torch.ErrInvalid, name)
	}
	_, err = torch.ParseDevice("cuda:99")
	assert.ErrorIs(t, err, torch.ErrDevice)
	assert.ErrorContains(t, err, "cuda:99 is not there")
	assert.NoError(t, torch.CPU.Synchronize())
}

func TestVersion(t *testing.T) {
	assert.Regexp(t, `^2\.\d+\.\d+`, torch.Version())
}

func TestNumThreadsHoldsOnEveryThread(t *testing.T) {
	before := torch.NumThreads()
	defer func() { require.NoError(t, torch.SetNumThreads(before)) }()
	require.NoError(t, torch.SetNumThreads(1))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { assert.Equal(t, 1, torch.NumThreads()) })
	}
	group.Wait()
	assert.ErrorIs(t, torch.SetNumThreads(0), torch.ErrInvalid)
}
