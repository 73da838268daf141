package archive

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// IsArchive reports whether a file is a TorchScript archive with a description of its model, which
// [Load] loads.
func IsArchive(name string) bool {
	description, err := readDescription(name)
	return err == nil && description != nil
}

// ReadConfig reads the description of a model of the kind, without the model.
func ReadConfig(name, kind string, config any) error {
	description, err := readDescription(name)
	if err != nil {
		return fail(name, kind, err.Error())
	}
	return decode(name, kind, description, config)
}

// Kind returns the kind of model in an archive, or "" if the file is none.
func Kind(name string) string {
	var header struct {
		Kind string `json:"kind"`
	}
	description, err := readDescription(name)
	if err != nil || json.Unmarshal(description, &header) != nil {
		return ""
	}
	return header.Kind
}

// largestFile is far above the size of any description or vocabulary.
const largestFile = 1 << 28

// readDescription returns the description in an archive, or nil if it has none.
func readDescription(name string) ([]byte, error) {
	files, err := ExtraFiles(name, ConfigFile)
	return files[ConfigFile], err
}

// ExtraFiles reads the extra files with the names, as far as the archive has them.
func ExtraFiles(name string, wanted ...string) (map[string][]byte, error) {
	file, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	files := map[string][]byte{}
	for _, entry := range file.File {
		// The first folder is the archive's own.
		_, base, _ := strings.Cut(entry.Name, "/extra/")
		if !slices.Contains(wanted, base) {
			continue
		}
		contents, err := entry.Open()
		if err != nil {
			return nil, err
		}
		files[base], err = io.ReadAll(io.LimitReader(contents, largestFile))
		contents.Close()
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Describe writes a description into a module's extra files.
func Describe(module *jit.Module, config any) error {
	data, err := json.MarshalIndent(config, "", " ")
	if err != nil {
		return err
	}
	return module.SetExtraFile(ConfigFile, data)
}

// Save describes a module and writes its archive.
func Save(module *jit.Module, output string, config any) error {
	if err := Describe(module, config); err != nil {
		return err
	}
	return module.Save(output)
}

// CheckOutput returns an error if no archive can be written to a path, or weights cannot be stored in a
// dtype; nil means that they keep theirs.
func CheckOutput(path string, dtype *torch.DType) error {
	if err := atomicfile.Check(path); err != nil {
		return err
	}
	if dtype == nil || *dtype == torch.Float32 || *dtype == torch.Float16 || *dtype == torch.BFloat16 {
		return nil
	}
	return fmt.Errorf("weights cannot be stored as %s: give float32, float16 or bfloat16: %w", *dtype, torch.ErrInvalid)
}

// Store converts a module's weights to a dtype, unless it is nil, and checks that they are finite.
// It writes the dtype that most weights have to name.
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
		elements := map[torch.DType]int64{}
		most := torch.Float32
		for _, parameter := range parameters {
			own := parameter.Tensor.DType()
			elements[own] += parameter.Tensor.NumElements()
			if elements[own] > elements[most] {
				most = own
			}
			finite := parameter.Tensor.IsFinite().All().Item() != 0
			parameter.Tensor.Close()
			if !finite {
				return fmt.Errorf("%s has values that are not finite in %s: %w", parameter.Name, own, torch.ErrModel)
			}
		}
		*name = most.String()
		return nil
	})
}
