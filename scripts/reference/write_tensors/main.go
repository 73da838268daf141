// Write_tensors writes files of tensors for scripts/reference/test_io.py, which reads them with the packages
// that define their formats.
//
//	go run ./scripts/reference/write_tensors FOLDER CHECKPOINT
//
// CHECKPOINT is a file of torch.save, which is read and written again as FOLDER/checkpoint.pt.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/numpy"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: write_tensors FOLDER CHECKPOINT")
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func write(folder, source string) error {
	var all, numpys, safe []torch.NamedTensor
	matrix := torch.FromSlice([]float64{0, 1, 1, 2, 3, 100}, torch.Shape{2, 3})
	for _, dtype := range []torch.DType{torch.Bool, torch.Uint8, torch.Int8, torch.Int16, torch.Int32, torch.Int64,
		torch.Float16, torch.BFloat16, torch.Float32, torch.Float64, torch.Complex64, torch.Complex128, torch.Complex32,
		torch.Uint16, torch.Uint32, torch.Uint64, torch.Float8E4M3FN, torch.Float8E4M3FNUZ, torch.Float8E5M2,
		torch.Float8E5M2FNUZ, torch.Float8E8M0FNU} {
		x := matrix.To(dtype)
		for suffix, tensor := range map[string]*torch.Tensor{
			"": x, "_scalar": x.Select(0, 1).Select(0, 2), "_empty": torch.Empty(torch.Shape{2, 0}, dtype), "_transposed": x.T(),
		} {
			named := torch.NamedTensor{Name: dtype.String() + suffix, Tensor: tensor}
			all = append(all, named)
			if dtype != torch.BFloat16 && dtype != torch.Complex32 && !strings.HasPrefix(dtype.String(), "float8") {
				numpys = append(numpys, named)
			}
			if dtype != torch.Complex128 && dtype != torch.Complex32 {
				safe = append(safe, named)
			}
		}
	}
	value, err := checkpoint.Load(source)
	if err != nil {
		return err
	}
	path := func(name string) string { return filepath.Join(folder, name) }
	for _, save := range []func() error{
		func() error { return checkpoint.Save(path("all.pt"), torch.StateDict(all)) },
		func() error { return checkpoint.Save(path("checkpoint.pt"), value) },
		func() error {
			return safetensors.Save(path("all.safetensors"), safe, map[string]string{"format": "pt"})
		},
		func() error { return numpy.SaveZ(path("all.npz"), numpys) },
		func() error { return numpy.SaveZCompressed(path("small.npz"), numpys) },
		func() error { return numpy.Save(path("one.npy"), matrix.T()) },
	} {
		if err := save(); err != nil {
			return err
		}
	}
	return nil
}
