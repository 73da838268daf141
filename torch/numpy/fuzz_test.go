package numpy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch/numpy"
)

// FuzzNpy: whatever is in a file, reading it ends with arrays or an error; and what was read can be
// written.
func FuzzNpy(f *testing.F) {
	for _, name := range []string{"matrix.npy", "fortran_big.npy", "version3.npy", "scalar.npy", "objects.npy", "compressed.npz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if x, err := numpy.Read(bytes.NewReader(data)); err == nil {
			require.NoError(t, numpy.Write(&bytes.Buffer{}, x))
			x.Close()
		}
		if arrays, err := numpy.ReadZ(bytes.NewReader(data), int64(len(data))); err == nil {
			for _, named := range arrays {
				named.Tensor.Close()
			}
		}
	})
}
