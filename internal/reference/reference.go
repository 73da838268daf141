// Package reference reads the files written by scripts/reference/reference_models.py, for tests.
package reference

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// A File is a reference file: values by name.
type File struct {
	t      testing.TB
	path   string
	values map[string]json.RawMessage
}

// Open reads a file, or fails the test.
func Open(t testing.TB, path string) *File {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	f := &File{t: t, path: path}
	require.NoError(t, json.Unmarshal(data, &f.values))
	return f
}

// Decode decodes a value that is not an array.
func (f *File) Decode(name string, into any) {
	f.t.Helper()
	raw, ok := f.values[name]
	require.True(f.t, ok, "%s has no %s", f.path, name)
	require.NoError(f.t, json.Unmarshal(raw, into))
}

// Tensor returns an array as a tensor on the CPU.
func (f *File) Tensor(name string) *torch.Tensor {
	f.t.Helper()
	var array struct {
		Shape []int64 `json:"shape"`
		DType string  `json:"dtype"`
		Data  string  `json:"data"`
	}
	f.Decode(name, &array)
	data, err := base64.StdEncoding.DecodeString(array.Data)
	require.NoError(f.t, err)
	switch array.DType {
	case "float32":
		values := make([]float32, len(data)/4)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return torch.FromSlice(values, array.Shape)
	case "int64":
		values := make([]int64, len(data)/8)
		for i := range values {
			values[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
		return torch.FromSlice(values, array.Shape)
	}
	require.Fail(f.t, fmt.Sprintf("%s: %s is %s", f.path, name, array.DType))
	return nil
}

// Cosine returns the cosine of two arrays, each taken as one vector, computed in float64.
func Cosine(a, b []float32) float64 {
	var product, squaresA, squaresB float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		product += x * y
		squaresA += x * x
		squaresB += y * y
	}
	return product / math.Sqrt(squaresA*squaresB)
}

// LargestDifference returns the largest difference between elements, relative to the largest
// element of want.
func LargestDifference(got, want []float32) float64 {
	var difference, largest float64
	for i := range want {
		difference = max(difference, math.Abs(float64(got[i])-float64(want[i])))
		largest = max(largest, math.Abs(float64(want[i])))
	}
	return difference / largest
}
