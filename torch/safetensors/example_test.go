package safetensors_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func Example() {
	folder, err := os.MkdirTemp("", "safetensors")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.safetensors")

	weights := []torch.NamedTensor{
		{Name: "weight", Tensor: torch.Ones(torch.Shape{2, 3})},
		{Name: "bias", Tensor: torch.Zeros(torch.Shape{2})},
	}
	if err := safetensors.Save(path, weights, map[string]string{"format": "pt"}); err != nil {
		log.Fatal(err)
	}
	tensors, metadata, err := safetensors.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(metadata)
	for _, named := range tensors {
		fmt.Println(named.Name, named.Tensor.Shape())
	}
	// Output:
	// map[format:pt]
	// weight [2 3]
	// bias [2]
}

// Load one tensor of a large file.
func ExampleOpen() {
	file, err := safetensors.Open(filepath.Join("testdata", "module.safetensors"))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	for _, info := range file.Tensors() {
		if info.DType == torch.Int64 {
			tensor, err := file.Tensor(info.Name)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(info.Name, info.Shape, tensor.ItemInt64())
		}
	}
	// Output: norm.num_batches_tracked [] 2
}
