package archive

import (
	"archive/zip"
	"fmt"
	"path"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// IsArchive reports whether a file is a TorchScript archive with a description of its model, which
// [Load] loads.
func IsArchive(name string) bool {
	file, err := zip.OpenReader(name)
	if err != nil {
		return false
	}
	defer file.Close()
	for _, entry := range file.File {
		if path.Base(entry.Name) == ConfigFile && path.Base(path.Dir(entry.Name)) == "extra" {
			return true
		}
	}
	return false
}

// CheckStorage returns an error if weights cannot be stored in a dtype; nil means that they keep
// theirs.
func CheckStorage(dtype *torch.DType) error {
	if dtype == nil || *dtype == torch.Float32 || *dtype == torch.Float16 || *dtype == torch.BFloat16 {
		return nil
	}
	return fmt.Errorf("weights cannot be stored as %s: give float32, float16 or bfloat16: %w", *dtype, torch.ErrInvalid)
}

// Store converts a module's weights to a dtype, unless it is nil, and checks that they are finite.
// It writes the dtype of the first weight to name.
func Store(module *jit.Module, name *string, dtype *torch.DType) error {
	if dtype != nil {
		if err := module.To(*dtype); err != nil {
			return err
		}
	}
	parameters, err := module.NamedParameters()
	if err != nil {
		return err
	}
	return torch.Try(func() error {
		for i, parameter := range parameters {
			if i == 0 {
				*name = parameter.Tensor.DType().String()
			}
			finite := parameter.Tensor.IsFinite().All().Item() != 0
			parameter.Tensor.Close()
			if !finite {
				return fmt.Errorf("%s has values that are not finite in %s: %w", parameter.Name, *name, torch.ErrModel)
			}
		}
		return nil
	})
}
