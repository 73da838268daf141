// Package archive loads model files: TorchScript archives that carry their own description.
package archive

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// ConfigFile is the description's name among an archive's extra files.
const ConfigFile = "config.json"

// newestVersion is the newest version of the description that is understood.
const newestVersion = 1

// A Contract is what a kind of model must bring.
type Contract struct {
	// Kind is the description's "kind", as "clip".
	Kind string
	// Methods are the TorchScript methods that are called.
	Methods []string
	// Files are the extra files that are needed beside the description.
	Files []string
}

// A Loaded is a model that keeps its contract: in eval mode, its parameters without gradients.
type Loaded struct {
	Module *torch.Module
	Files  map[string][]byte
	Device torch.Device
	DType  torch.DType
}

// Load loads a model, checks it against the contract, decodes its description into config, and
// brings it to float32 on the CPU or to what where says. Its errors name the file and what is
// missing.
func Load(path string, contract Contract, config any, where ...torch.Option) (*Loaded, error) {
	module, files, err := torch.LoadModule(path, torch.CPU, contract.files()...)
	return finish(path, module, files, err, contract, config, where)
}

// Read is Load from a stream.
func Read(r io.Reader, contract Contract, config any, where ...torch.Option) (*Loaded, error) {
	module, files, err := torch.ReadModule(r, torch.CPU, contract.files()...)
	return finish("the data", module, files, err, contract, config, where)
}

func (c Contract) files() []string { return append([]string{ConfigFile}, c.Files...) }

func finish(name string, module *torch.Module, files map[string][]byte, err error,
	contract Contract, config any, where []torch.Option) (*Loaded, error) {
	if err != nil {
		return nil, wrap(contract.Kind, err)
	}
	loaded := &Loaded{Module: module, Files: files}
	if err := loaded.prepare(name, contract, config, where); err != nil {
		module.Close()
		return nil, err
	}
	return loaded, nil
}

func (l *Loaded) prepare(path string, contract Contract, config any, where []torch.Option) error {
	if err := l.check(path, contract, config); err != nil {
		return err
	}
	if err := l.Module.Eval(); err != nil {
		return wrap(contract.Kind, err)
	}
	if err := l.Module.SetRequiresGrad(false); err != nil {
		return wrap(contract.Kind, err)
	}
	if err := l.Module.To(append([]torch.Option{torch.Float32}, where...)...); err != nil {
		return wrap(contract.Kind, err)
	}
	parameters, err := l.Module.Parameters()
	if err != nil {
		return wrap(contract.Kind, err)
	}
	for i, parameter := range parameters {
		if i == 0 {
			l.Device, l.DType = parameter.Tensor.Device(), parameter.Tensor.DType()
		}
		parameter.Tensor.Close()
	}
	return nil
}

func (l *Loaded) check(path string, contract Contract, config any) error {
	description, ok := l.Files[ConfigFile]
	if !ok {
		return fail(path, contract.Kind, "it has no "+ConfigFile+" inside; export it again with scripts/")
	}
	var header struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(description, &header); err != nil {
		return fail(path, contract.Kind, "its "+ConfigFile+" cannot be read: "+err.Error())
	}
	if header.Kind != contract.Kind {
		return fail(path, contract.Kind, fmt.Sprintf("it is a %q model", header.Kind))
	}
	if header.Version < 1 || header.Version > newestVersion {
		return fail(path, contract.Kind, fmt.Sprintf("its description has version %d, known is up to %d",
			header.Version, newestVersion))
	}
	var missing []string
	for _, name := range contract.Files {
		if _, ok := l.Files[name]; !ok {
			missing = append(missing, "the file "+name)
		}
	}
	for _, method := range contract.Methods {
		if !l.Module.HasMethod(method) {
			missing = append(missing, "the method "+method)
		}
	}
	if len(missing) > 0 {
		return fail(path, contract.Kind, "it lacks "+strings.Join(missing, ", "))
	}
	if err := json.Unmarshal(description, config); err != nil {
		return fail(path, contract.Kind, "its "+ConfigFile+" cannot be read: "+err.Error())
	}
	return nil
}

func fail(path, kind, reason string) error {
	return fmt.Errorf("%s: %s is no %s model: %s: %w", kind, path, strings.ToUpper(kind), reason, ErrWrongModel)
}

// ErrWrongModel marks a file that is a TorchScript archive, but not the model that was wanted.
var ErrWrongModel = fmt.Errorf("wrong model (%w)", torch.ErrModel)

func wrap(kind string, err error) error { return fmt.Errorf("%s: %w", kind, err) }
