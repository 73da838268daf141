package testkit

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// An ExpectedTensor is the description of a tensor by scripts/reference/reference_io.py.
type ExpectedTensor struct {
	DType  string        `json:"dtype"`
	Shape  []int64       `json:"shape"`
	Values []numberOrInf `json:"values"`
}

// A numberOrInf is a number, or an infinity, which JSON does not have.
type numberOrInf float64

func (n *numberOrInf) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"inf"`:
		*n = numberOrInf(math.Inf(1))
		return nil
	case `"-inf"`:
		*n = numberOrInf(math.Inf(-1))
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// ExpectedTensors reads the expected tensors, by file and name.
func ExpectedTensors(t testing.TB, path string) map[string]map[string]ExpectedTensor {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var expected map[string]map[string]ExpectedTensor
	require.NoError(t, json.Unmarshal(text, &expected))
	for _, tensors := range expected {
		for name, tensor := range tensors {
			if dtype, err := torch.ParseDType(tensor.DType); err == nil && !dtype.IsAvailable() {
				delete(tensors, name) // an older libtorch
			}
		}
	}
	return expected
}

// Check compares a tensor with the expected one, bit for bit.
func (e ExpectedTensor) Check(t testing.TB, got *torch.Tensor) {
	t.Helper()
	assert.Equal(t, e.DType, got.DType().String())
	assert.Equal(t, e.Shape, got.Shape())
	real := got.Detach()
	switch name := real.DType().String(); {
	case real.DType() == torch.Complex32: // the view is of what libtorch has few operators for
		real = real.To(torch.Complex64).ViewAsReal()
	case real.DType().IsComplex():
		real = real.ViewAsReal()
	case strings.HasPrefix(name, "bits") || strings.HasPrefix(name, "float4"):
		real = real.ViewDType(torch.Uint8)
	}
	values := []numberOrInf{}
	for _, value := range torch.ToSlice[float64](real.To(torch.Float64, torch.CPU)) {
		values = append(values, numberOrInf(value))
	}
	assert.Equal(t, e.Values, values)
}

// Listed returns tensors by name, and checks that no name occurs twice.
func Listed(t testing.TB, tensors []torch.NamedTensor) map[string]*torch.Tensor {
	t.Helper()
	byName := map[string]*torch.Tensor{}
	for _, named := range tensors {
		byName[named.Name] = named.Tensor
	}
	require.Len(t, byName, len(tensors))
	return byName
}

// CheckAll compares tensors with the expected ones, by name.
func CheckAll(t testing.TB, want map[string]ExpectedTensor, got map[string]*torch.Tensor) {
	t.Helper()
	require.Len(t, got, len(want))
	for name, expected := range want {
		require.Contains(t, got, name)
		expected.Check(t, got[name])
		require.False(t, t.Failed(), name)
	}
}

// EachDType returns by name a matrix, a tensor without dimensions and an empty one of every dtype,
// and tensors that are not contiguous.
func EachDType() []torch.NamedTensor {
	matrix := torch.FromSlice([]float64{0, 1, 1, 2, 3, 100}, torch.Shape{2, 3})
	var tensors []torch.NamedTensor
	add := func(name string, t *torch.Tensor) {
		tensors = append(tensors, torch.NamedTensor{Name: name, Tensor: t})
	}
	for _, dtype := range []torch.DType{torch.Bool, torch.Uint8, torch.Int8, torch.Int16, torch.Int32, torch.Int64,
		torch.Float16, torch.BFloat16, torch.Float32, torch.Float64, torch.Complex64, torch.Complex128,
		torch.Complex32, torch.Uint16, torch.Uint32, torch.Uint64, torch.Float8E5M2, torch.Float8E4M3FN,
		torch.Float8E5M2FNUZ, torch.Float8E4M3FNUZ, torch.Float8E8M0FNU} {
		x := matrix.To(dtype)
		add(dtype.String(), x)
		add(dtype.String()+"_scalar", x.Select(0, 1).Select(0, 2))
		add(dtype.String()+"_empty", torch.Empty(torch.Shape{2, 0, 3}, dtype))
		add(dtype.String()+"_transposed", x.T())
	}
	for _, dtype := range []torch.DType{torch.Float4E2M1FNX2, torch.Bits1x8, torch.Bits2x4, torch.Bits4x2, torch.Bits8} {
		if dtype.IsAvailable() {
			add(dtype.String(), matrix.To(torch.Uint8).ViewDType(dtype))
		}
	}
	add("bits16", matrix.To(torch.Int16).ViewDType(torch.Bits16))
	return tensors
}

// Same compares two tensors bit for bit.
func Same(t testing.TB, want, got *torch.Tensor) {
	t.Helper()
	assert.Equal(t, want.DType(), got.DType())
	assert.Equal(t, want.Shape(), got.Shape())
	bytes := func(x *torch.Tensor) []byte {
		var elements bytes.Buffer
		_, err := x.WriteElements(&elements)
		require.NoError(t, err)
		return elements.Bytes()
	}
	assert.Equal(t, bytes(want), bytes(got))
}

// RequireFormatError checks that the error for a damaged file has one line and is of kind
// ErrFormat, or says that the tensor is too large.
func RequireFormatError(t *testing.T, err error) {
	t.Helper()
	var known *torch.Error
	require.ErrorAs(t, err, &known)
	assert.Contains(t, []error{torch.ErrFormat, torch.ErrOutOfMemory}, known.Kind)
	assert.NotContains(t, err.Error(), "\n")
}
