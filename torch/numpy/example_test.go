package numpy_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/numpy"
)

func Example() {
	folder, err := os.MkdirTemp("", "numpy")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "x.npy")

	if err := numpy.Save(path, torch.Arange(0, 6, 1).View(torch.Shape{2, 3})); err != nil {
		log.Fatal(err)
	}
	x, err := numpy.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x.DType(), x.Shape(), torch.ToSlice[int64](x))
	// Output: int64 [2 3] [0 1 2 3 4 5]
}

// A file of np.savez_compressed.
func ExampleLoadZ() {
	arrays, err := numpy.LoadZ(filepath.Join("testdata", "compressed.npz"))
	if err != nil {
		log.Fatal(err)
	}
	for _, array := range arrays[:3] {
		fmt.Println(array.Name, array.Tensor.DType(), array.Tensor.Shape())
	}
	// Output:
	// bool bool [2 3]
	// bool_scalar bool []
	// bool_empty bool [2 0]
}
