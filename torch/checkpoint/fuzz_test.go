package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// FuzzPickle: whatever the pickle in an archive says, reading it ends with a value or an error. The
// archive around it is whole, so that its checksum does not hide the rest.
func FuzzPickle(f *testing.F) {
	for _, name := range []string{"dtypes.pt", "module.pt", "optimizer.pt", "views.pt", "values.pt", "class.pt", "protocol4.pt"} {
		archive, err := zip.OpenReader(savedByPython(name))
		require.NoError(f, err)
		file, err := archive.Open(archive.File[0].Name)
		require.NoError(f, err)
		data, err := io.ReadAll(file)
		require.NoError(f, err)
		require.NoError(f, archive.Close())
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var file bytes.Buffer
		writer := zip.NewWriter(&file)
		for name, contents := range map[string][]byte{"a/data.pkl": data, "a/data/0": make([]byte, 96), "a/data/1": make([]byte, 8)} {
			entry, err := writer.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			require.NoError(t, err)
			_, err = entry.Write(contents)
			require.NoError(t, err)
		}
		require.NoError(t, writer.Close())
		if value, err := checkpoint.Read(bytes.NewReader(file.Bytes())); err == nil {
			if dict, ok := value.(*torch.Dict); ok {
				dict.Close()
			}
		}
		readAll(file.Bytes())
	})
}

// FuzzSavedFile: the same for a whole file, the format from before PyTorch 1.6 among them.
func FuzzSavedFile(f *testing.F) {
	for _, name := range []string{"legacy.pt", "protocol4.pt", "script.pt"} {
		data, err := os.ReadFile(savedByPython(name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if value, err := checkpoint.Read(bytes.NewReader(data)); err == nil {
			if dict, ok := value.(*torch.Dict); ok {
				dict.Close()
			}
		}
		readAll(data)
	})
}

// readAll reads all tensors of a file one at a time.
func readAll(data []byte) {
	file, err := checkpoint.NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	defer file.Close()
	tensors, _ := checkpoint.Tensors(file.Value())
	for _, each := range tensors {
		if tensor, err := each.Tensor.Read(); err == nil {
			tensor.Close()
		}
	}
}
