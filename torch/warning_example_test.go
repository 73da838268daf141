package torch_test

import (
	"fmt"
	"os"

	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleSetWarningHandler() {
	torch.SetWarningHandler(func(message string) {
		fmt.Fprintln(os.Stderr, "libtorch warns:", message)
	})
	// Drop all warnings:
	torch.SetWarningHandler(nil)
}
