// Command fresh writes a network with fresh weights, which train_clip.py and train_vqgan.py train.
//
//	go run ./scripts/training/fresh clip|vqgan ARCHITECTURE SEED OUTPUT
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fresh:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 4 {
		return fmt.Errorf("%d arguments were given, wanted clip|vqgan ARCHITECTURE SEED OUTPUT", len(arguments))
	}
	family, architecture, output := arguments[0], arguments[1], arguments[3]
	seed, err := strconv.ParseUint(arguments[2], 10, 64)
	if err != nil {
		return fmt.Errorf("the seed is %q, wanted a whole number", arguments[2])
	}
	torch.ManualSeed(seed)
	switch family {
	case "clip":
		_, err = clip.Create(output, architecture)
	case "vqgan":
		_, err = vqgan.Create(output, architecture)
	default:
		err = fmt.Errorf("the family is %q, wanted clip or vqgan", family)
	}
	return err
}
