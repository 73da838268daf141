// Resave loads a TorchScript module and saves it again, for scripts/reference/test_modules.py.
//
//	go run ./scripts/reference/resave module.pt resaved.pt
package main

import (
	"log"
	"os"

	"github.com/clipvqgan/clipvqgan/torch/jit"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: resave module.pt resaved.pt")
	}
	module, err := jit.Load(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	if err := module.SetExtraFile("resaved.txt", []byte("in Go")); err != nil {
		log.Fatal(err)
	}
	if err := module.Save(os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
