package cuda_test

import (
	"fmt"
	"log"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
)

func ExampleMemoryStatsOf() {
	for i := range cuda.DeviceCount() {
		stats, err := cuda.MemoryStatsOf(torch.CUDA(i))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %d MiB in tensors, %d MiB free\n", torch.CUDA(i), stats.Allocated>>20, stats.Free>>20)
	}
}

// Work on a side stream, and what each stream must wait for.
func ExampleWithStream() {
	if !cuda.IsAvailable() {
		return
	}
	device := torch.CUDA(0)
	current, err := cuda.CurrentStream(device)
	if err != nil {
		log.Fatal(err)
	}
	side, err := cuda.NewStream(device, 0)
	if err != nil {
		log.Fatal(err)
	}
	x := torch.Ones(torch.Shape{4}, device)
	if err := side.WaitStream(current); err != nil {
		log.Fatal(err)
	}
	var y *torch.Tensor
	if err := cuda.WithStream(side, func() { y = x.MulScalar(2) }); err != nil {
		log.Fatal(err)
	}
	if err := current.WaitStream(side); err != nil {
		log.Fatal(err)
	}
	if err := cuda.RecordStream(y, current); err != nil {
		log.Fatal(err)
	}
	fmt.Println(y)
}
