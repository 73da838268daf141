package checkpoint_test

import (
	"fmt"
	"log"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// sameValues compares a value of a File with that of Load, and returns the number of tensors.
func sameValues(t *testing.T, where string, stored, loaded any) int {
	t.Helper()
	switch s := stored.(type) {
	case *checkpoint.StoredTensor:
		wanted, ok := loaded.(*torch.Tensor)
		require.True(t, ok, "%s is a %T", where, loaded)
		got, err := s.Read()
		require.NoError(t, err, where)
		assert.Equal(t, []int64(wanted.Shape()), s.Shape, where)
		assert.Equal(t, wanted.DType(), s.DType, where)
		assert.Equal(t, wanted.RequiresGrad(), s.RequiresGrad, where)
		assert.Equal(t, wanted.String(), got.SetRequiresGrad(wanted.RequiresGrad()).String(), where)
		again, err := s.Read(torch.CPU)
		require.NoError(t, err, "a second time")
		assert.Equal(t, wanted.Shape(), again.Shape())
		return 1
	case *torch.Dict:
		wanted, ok := loaded.(*torch.Dict)
		require.True(t, ok, where)
		require.Equal(t, wanted.Len(), s.Len(), where)
		count := 0
		for key, item := range s.All() {
			count += sameValues(t, fmt.Sprintf("%s.%v", where, key), item, wanted.Get(key))
		}
		return count
	case []any:
		count := 0
		for i, item := range s {
			count += sameValues(t, fmt.Sprintf("%s[%d]", where, i), item, loaded.([]any)[i])
		}
		return count
	case torch.Tuple:
		return sameValues(t, where, []any(s), []any(loaded.(torch.Tuple)))
	case *torch.Object:
		wanted := loaded.(*torch.Object)
		assert.Equal(t, wanted.Class, s.Class, where)
		assert.Equal(t, wanted.Problem, s.Problem, where)
		return sameValues(t, where+".state", s.State, wanted.State) + sameValues(t, where+"()", s.Arguments, wanted.Arguments)
	}
	assert.Equal(t, loaded, stored, where)
	return 0
}

func TestStoredTensorsAreThoseOfLoad(t *testing.T) {
	paths, err := filepath.Glob(savedByPython("*.pt"))
	require.NoError(t, err)
	count := 0
	for _, path := range paths {
		loaded, loadErr := checkpoint.Load(path)
		file, err := checkpoint.Open(path)
		if file != nil && file.IsModule() {
			require.Error(t, loadErr)
			require.NoError(t, err)
			continue
		}
		if loadErr != nil {
			assert.EqualError(t, err, loadErr.Error()[:len("torch: checkpoint.")]+"Open"+loadErr.Error()[len("torch: checkpoint.Load"):])
			continue
		}
		require.NoError(t, err, path)
		count += sameValues(t, path, file.Value(), loaded)
		require.NoError(t, file.Close())
	}
	assert.Greater(t, count, 30)
}

func TestTensorsOfTorchScriptArchives(t *testing.T) {
	for _, name := range []string{"net.pt", "tiny.pt"} {
		path := filepath.Join("..", "jit", "testdata", "modules", name)
		module, err := jit.Load(path)
		require.NoError(t, err)
		parameters, err := module.NamedParameters()
		require.NoError(t, err)
		buffers, err := module.NamedBuffers()
		require.NoError(t, err)
		wanted := map[string]string{}
		for _, each := range append(parameters, buffers...) {
			wanted[each.Name] = each.Tensor.Detach().String()
		}
		module.Close()

		file, err := checkpoint.Open(path)
		require.NoError(t, err)
		assert.True(t, file.IsModule())
		tensors, err := checkpoint.Tensors(file.Value())
		require.NoError(t, err)
		got := map[string]string{}
		for _, each := range tensors {
			tensor, err := each.Tensor.Read()
			require.NoError(t, err)
			got[each.Name] = tensor.String()
		}
		assert.Equal(t, wanted, got, name)
		require.NoError(t, file.Close())
		_, err = tensors[0].Tensor.Read()
		assert.ErrorIs(t, err, torch.ErrClosed)
		require.NotEmpty(t, got)
	}
}

func TestReadStoredTensorAsAnotherDType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "half.pt")
	require.NoError(t, checkpoint.Save(path, torch.NewDict("a", torch.NewDict("b", torch.FromSlice([]float32{1, 2}, nil).To(torch.Float16)))))
	file, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer file.Close()
	tensors, err := checkpoint.Tensors(file.Value())
	require.NoError(t, err)
	require.Len(t, tensors, 1)
	assert.Equal(t, "a.b", tensors[0].Name)
	tensor, err := tensors[0].Tensor.Read(torch.Float32)
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 2}, tensor.Float32s())
}

func ExampleOpen() {
	file, err := checkpoint.Open("testdata/saved/module.pt")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	tensors, err := checkpoint.Tensors(file.Value())
	if err != nil {
		log.Fatal(err)
	}
	first, err := tensors[0].Tensor.Read(torch.Float64)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tensors[0].Name, first.Shape(), first.DType())
	// Output: first.weight [4 3] float64
}
