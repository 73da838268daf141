package torch_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

type printCase struct {
	DType   string
	Shape   []int64
	Data    string
	Steps   []string
	Options struct {
		Precision, Threshold, EdgeItems, LineWidth *int
		SciMode                                    *bool `json:"sci_mode"`
	}
	Text string
}

func (c printCase) options() torch.PrintOptions {
	options := torch.DefaultPrintOptions()
	for _, given := range []struct{ from, to *int }{
		{c.Options.Precision, &options.Precision}, {c.Options.Threshold, &options.Threshold},
		{c.Options.EdgeItems, &options.EdgeItems}, {c.Options.LineWidth, &options.LineWidth},
	} {
		if given.from != nil {
			*given.to = *given.from
		}
	}
	if c.Options.SciMode != nil {
		options.SciMode = torch.SciNever
		if *c.Options.SciMode {
			options.SciMode = torch.SciAlways
		}
	}
	return options
}

// fromBytes is the tensor whose elements have these little-endian bytes.
func fromBytes(t *testing.T, data []byte, dtype torch.DType, shape []int64) *torch.Tensor {
	x, err := torch.ReadElements(bytes.NewReader(data), shape, dtype, binary.LittleEndian)
	require.NoError(t, err)
	return x
}

func (c printCase) tensor(t *testing.T) *torch.Tensor {
	data, err := base64.StdEncoding.DecodeString(c.Data)
	require.NoError(t, err)
	dtype, err := torch.ParseDType(c.DType)
	require.NoError(t, err)
	// Made of bytes, so that NaN, -0 and half precision stay what they are.
	x := fromBytes(t, data, dtype, c.Shape)
	for _, step := range c.Steps {
		switch step {
		case "requires_grad":
			x = x.SetRequiresGrad(true)
		case "add":
			x = x.AddScalar(1)
		case "transpose":
			x = x.Transpose(0, 1)
		case "conj":
			x = x.Conj()
		case "imaginary":
			x = x.Imag()
		case "sum":
			x = x.Sum()
		case "first":
			x = x.Select(0, 0)
		case "add_in_place":
			x = x.AddScalarInPlace(1)
		case "expand":
			x = x.Expand(torch.Shape{1000, 1000, 1000})
		default:
			t.Fatalf("unknown step %q", step)
		}
	}
	return x
}

func readPrintCases(t *testing.T) (cases []printCase) {
	file, err := os.Open("testdata/print.json.gz")
	require.NoError(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(unpacked).Decode(&cases))
	return cases
}

func TestPrintsAsPython(t *testing.T) {
	cases := readPrintCases(t)
	require.Greater(t, len(cases), 1000)
	for i, c := range cases {
		if dtype, err := torch.ParseDType(c.DType); err == nil && !dtype.IsAvailable() {
			continue // an older libtorch
		}
		x := c.tensor(t)
		assert.Equal(t, c.Text, c.options().Sprint(x), "case %d: %s%v %v", i, c.DType, c.Shape, c.Steps)
		if c.options() == torch.DefaultPrintOptions() {
			assert.Equal(t, c.Text, x.String())
		}
	}
}

// Printing takes no memory and no time for what is not shown: this one would need 4 exabytes.
func TestPrintsTheEndsOfAHugeTensor(t *testing.T) {
	x := torch.Arange(0, 8, 1).Unsqueeze(1).Expand(torch.Shape{8, 1 << 57})
	assert.Equal(t, `tensor([[0, 0, 0,  ..., 0, 0, 0],
        [1, 1, 1,  ..., 1, 1, 1],
        [2, 2, 2,  ..., 2, 2, 2],
        ...,
        [5, 5, 5,  ..., 5, 5, 5],
        [6, 6, 6,  ..., 6, 6, 6],
        [7, 7, 7,  ..., 7, 7, 7]])`, x.String())
}

func TestPrintingClosedAndNilTensors(t *testing.T) {
	closed := torch.Ones(torch.Shape{2})
	closed.Close()
	var none *torch.Tensor
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%f", "%.2e"} {
		assert.Equal(t, "tensor(closed)", fmt.Sprintf(format, closed), format)
		assert.Equal(t, "tensor(nil)", fmt.Sprintf(format, none), format)
	}
	assert.Equal(t, "tensor(closed)", closed.Describe())
	assert.Equal(t, "tensor(nil)", none.String())
}

func TestPrintVerbs(t *testing.T) {
	x := torch.FromSlice([]float32{1.25, -2}, nil)
	for format, want := range map[string]string{
		"%v":   "tensor([ 1.2500, -2.0000])",
		"%s":   "tensor([ 1.2500, -2.0000])",
		"%.1v": "tensor([ 1.2, -2.0])",
		"%.2f": "tensor([ 1.25, -2.00])",
		"%.1e": "tensor([ 1.2e+00, -2.0e+00])",
		"%+v":  "tensor(shape=[2], dtype=float32, device=cpu)",
		"%#v":  "tensor(shape=[2], dtype=float32, device=cpu)",
		"%d":   "%!d(tensor(shape=[2], dtype=float32, device=cpu))",
	} {
		assert.Equal(t, want, fmt.Sprintf(format, x), format)
	}
}

func TestPrintingOnEachDevice(t *testing.T) {
	onEachDevice(t, func(t *testing.T, device torch.Device) {
		x := torch.Arange(0, 2000, 1, torch.Float32, device).SetRequiresGrad(true)
		got := x.String()
		assert.Contains(t, got, "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,\n")
		if device.IsCUDA() {
			assert.Contains(t, got, "device='"+device.String()+"'")
		} else {
			assert.NotContains(t, got, "device")
		}
	})
}

// The options are the process's; whoever prints meanwhile sees the old ones or the new.
func TestSetPrintOptionsWhileOthersPrint(t *testing.T) {
	before := torch.CurrentPrintOptions()
	defer func() { assert.NoError(t, torch.SetPrintOptions(before)) }()
	x := torch.FromSlice([]float32{0.125}, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				assert.Contains(t, []string{"tensor([0.1250])", "tensor([0.12])"}, x.String())
			}
		})
	}
	for range 50 {
		require.NoError(t, torch.SetPrintOptions(torch.ShortPrintOptions()))
		assert.Equal(t, torch.ShortPrintOptions(), torch.CurrentPrintOptions())
		require.NoError(t, torch.SetPrintOptions(before))
	}
	all.Wait()
}

func TestSetPrintOptionsRefusesNonsense(t *testing.T) {
	before := torch.CurrentPrintOptions()
	for says, edit := range map[string]func(*torch.PrintOptions){
		"Precision is -1":       func(o *torch.PrintOptions) { o.Precision = -1 },
		"Threshold is -2":       func(o *torch.PrintOptions) { o.Threshold = -2 },
		"EdgeItems is -3":       func(o *torch.PrintOptions) { o.EdgeItems = -3 },
		"LineWidth is -4":       func(o *torch.PrintOptions) { o.LineWidth = -4 },
		"there is no SciMode 7": func(o *torch.PrintOptions) { o.SciMode = 7 },
	} {
		options := before
		edit(&options)
		err := torch.SetPrintOptions(options)
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.ErrorContains(t, err, says)
		assert.Equal(t, before, torch.CurrentPrintOptions())
	}
}

// Nonsense in the options is no reason for printing to fail.
func TestPrintOptionsOutOfRange(t *testing.T) {
	x := torch.Ones(torch.Shape{3, 4})
	for _, number := range []int{-5, -1, 0} {
		options := torch.PrintOptions{Precision: number, Threshold: number, EdgeItems: number, LineWidth: number}
		assert.Contains(t, options.Sprint(x), "tensor(")
	}
}

// Whoever prints what another goroutine closes sees all of it or that it is closed.
func TestPrintingWhatIsBeingClosed(t *testing.T) {
	for range 200 {
		x := torch.Ones(torch.Shape{2})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				assert.Contains(t, []string{"tensor([1., 1.])", "tensor(closed)"}, x.String())
				assert.Contains(t, []string{"tensor(shape=[2], dtype=float32, device=cpu)", "tensor(closed)"}, x.Describe())
			})
		}
		x.Close()
		all.Wait()
	}
}

// Printing is no part of what is differentiated, and leaves nothing behind.
func TestPrintingLeavesNothingBehind(t *testing.T) {
	x := torch.Ones(torch.Shape{2000}).SetRequiresGrad(true)
	y := x.MulScalar(2)
	before := torch.NativeBytes()
	for range 10 {
		assert.Contains(t, y.String(), "grad_fn=<MulBackward")
	}
	assert.LessOrEqual(t, torch.NativeBytes(), before)
	torch.InferenceMode(func() { assert.Contains(t, torch.Ones(torch.Shape{2}).String(), "tensor([1., 1.])") })
}
