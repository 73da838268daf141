// Command create_vqgan writes a VQGAN with fresh weights, which train_vqgan.py trains.
//
//	go run ./scripts/training/create_vqgan ARCHITECTURE SEED OUTPUT
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "create_vqgan:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("%d arguments were given, wanted ARCHITECTURE SEED OUTPUT", len(arguments))
	}
	seed, err := strconv.ParseUint(arguments[1], 10, 64)
	if err != nil {
		return fmt.Errorf("the seed is %q, wanted a whole number", arguments[1])
	}
	torch.ManualSeed(seed)
	_, err = vqgan.Create(arguments[2], arguments[0])
	return err
}
