package safetensors_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// FuzzSafetensors: whatever is in a file, reading it ends with tensors or an error; and what was read
// can be written, but for dtypes that only reading knows.
func FuzzSafetensors(f *testing.F) {
	for _, name := range []string{"dtypes", "empty", "module"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".safetensors"))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, metadata, err := safetensors.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, safetensors.Write(&again, tensors, metadata))
		for _, named := range tensors {
			named.Tensor.Close()
		}
	})
}
