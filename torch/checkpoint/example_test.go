package checkpoint_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// A module's state dict, as torch.save(net.state_dict(), path) writes it.
func ExampleLoad() {
	value, err := checkpoint.Load(filepath.Join("testdata", "saved", "module.pt"))
	if err != nil {
		log.Fatal(err)
	}
	weights, err := value.(*torch.Dict).Tensors()
	if err != nil {
		log.Fatal(err)
	}
	for _, named := range weights[:3] {
		fmt.Println(named.Name, named.Tensor.Shape())
	}
	// Output:
	// first.weight [4 3]
	// first.bias [4]
	// norm.weight [4]
}

// A checkpoint that Python's torch.load(path) reads.
func ExampleSave() {
	folder, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "checkpoint.pt")

	saved := torch.NewDict("epoch", 3, "weights", torch.NewDict("w", torch.Ones(torch.Shape{2})))
	if err := checkpoint.Save(path, saved); err != nil {
		log.Fatal(err)
	}
	value, err := checkpoint.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.(*torch.Dict).Get("epoch"))
	// Output: 3
}
