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
	// And no warnings at all:
	torch.SetWarningHandler(nil)
}
