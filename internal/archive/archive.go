// Package archive loads model files: TorchScript archives that contain a description of the model.
package archive

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// ConfigFile is the name of the description among an archive's extra files.
const ConfigFile = "config.json"

// newestVersion is the newest supported version of the description.
const newestVersion = 1

// A Contract is what an archive of a kind of model must contain.
type Contract struct {
	// Kind is the "kind" in the description, such as "clip".
	Kind string
	// Methods are the required TorchScript methods. Frozen are those of them that may be frozen,
	// which is faster but removes detach().
	Methods []string
	Frozen  []string
	// Files are the extra files that are required besides the description.
	Files []string
	// Numbers are the parameters and attributes of one element that are read where there are any.
	Numbers []string
}

// A Loaded is a model that fulfills its contract, in evaluation mode and with parameters that do
// not require gradients.
type Loaded struct {
	Module *jit.Module
	// Frozen has the frozen forms of the contract's Frozen methods.
	Frozen *jit.Module
	Files  map[string][]byte
	// Numbers are the values of the contract's Numbers.
	Numbers map[string]float64
	Device  torch.Device
	DType   torch.DType
}

// Load loads a model, checks it against the contract, decodes its description into a Config, and
// converts it to float32 on the CPU or to the device and dtype in the options. build makes the
// Model from it; if that fails, everything is freed. Errors name the file and what is missing.
func Load[Config, Model any](path string, contract Contract,
	build func(loaded *Loaded, config Config) (Model, error), where ...torch.Option) (Model, error) {
	module, err := jit.Load(path)
	return finish(path, module, err, contract, build, where)
}

// Read is [Load] from a stream.
func Read[Config, Model any](r io.Reader, contract Contract,
	build func(loaded *Loaded, config Config) (Model, error), where ...torch.Option) (Model, error) {
	module, err := jit.Read(r)
	return finish("the data", module, err, contract, build, where)
}

// Finish is [Load] for a module in memory. name is the source, for errors.
func Finish[Config, Model any](name string, module *jit.Module, contract Contract,
	build func(loaded *Loaded, config Config) (Model, error), where ...torch.Option) (Model, error) {
	return finish(name, module, nil, contract, build, where)
}

func finish[Config, Model any](name string, module *jit.Module, err error, contract Contract,
	build func(loaded *Loaded, config Config) (Model, error), where []torch.Option) (model Model, _ error) {
	if err != nil {
		return model, wrap(contract.Kind, err)
	}
	loaded := &Loaded{Module: module, Files: module.ExtraFiles()}
	var config Config
	// Converting the weights uses several threads; a scope releases them.
	torch.Scope(func(*torch.TensorScope) {
		err = loaded.prepare(name, contract, &config, where)
	})
	if err == nil {
		if model, err = build(loaded, config); err != nil {
			err = fmt.Errorf("%s: %s: %w", contract.Kind, name, err)
		}
	}
	if err != nil {
		loaded.Close()
	}
	return model, err
}

// computing are the dtypes that models compute in.
var computing = []torch.DType{torch.Float32, torch.Float64, torch.BFloat16, torch.Float16}

func (l *Loaded) prepare(path string, contract Contract, config any, where []torch.Option) error {
	for _, option := range where {
		if dtype, ok := option.(torch.DType); ok && dtype != torch.NoDType && !slices.Contains(computing, dtype) {
			return wrap(contract.Kind, &torch.Error{Operation: "Load", Kind: torch.ErrInvalid,
				Message: fmt.Sprintf("a model cannot compute in %s: give float32, float64, bfloat16 or float16", dtype)})
		}
	}
	if err := l.check(path, contract, config); err != nil {
		return err
	}
	if err := l.readNumbers(path, contract); err != nil {
		return err
	}
	for _, step := range []func() error{
		l.Module.Eval,
		func() error { return l.Module.SetRequiresGrad(false) },
		func() error { return l.Module.To(append([]torch.Option{torch.Float32}, where...)...) },
		l.readPlace,
		func() error { return l.freeze(contract) },
	} {
		if err := step(); err != nil {
			return wrap(contract.Kind, err)
		}
	}
	return nil
}

func (l *Loaded) readNumbers(path string, contract Contract) error {
	l.Numbers = map[string]float64{}
	for _, name := range contract.Numbers {
		value, err := l.Module.Attribute(name)
		if err != nil {
			continue
		}
		tensor, ok := value.(*torch.Tensor)
		if !ok || tensor.NumElements() != 1 {
			return fail(path, contract.Kind, "its "+name+" is not one number")
		}
		l.Numbers[name] = tensor.Item()
		tensor.Close()
	}
	return nil
}

// readPlace finds the device and dtype of the weights.
func (l *Loaded) readPlace() error {
	parameters, err := l.Module.Parameters()
	if err != nil {
		return err
	}
	for i, parameter := range parameters {
		if i == 0 {
			l.Device, l.DType = parameter.Device(), parameter.DType()
		}
		parameter.Close()
	}
	return nil
}

// freeze makes the frozen forms of methods. They share their weights with the module.
func (l *Loaded) freeze(contract Contract) error {
	if err := l.Module.ChannelsLast(); err != nil {
		return err
	}
	var err error
	l.Frozen, err = l.Module.Freeze(contract.Frozen...)
	return err
}

// Close frees the model. Closing it again does nothing.
func (l *Loaded) Close() {
	l.Module.Close()
	l.Frozen.Close()
}

func (l *Loaded) check(path string, contract Contract, config any) error {
	description, ok := l.Files[ConfigFile]
	if !ok {
		return fail(path, contract.Kind, "it has no "+ConfigFile+" inside; import it with clipvqgan import")
	}
	if err := decode(path, contract.Kind, description, config); err != nil {
		return err
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
	return nil
}

// decode reads a description of a model of the kind into config.
func decode(path, kind string, description []byte, config any) error {
	var header struct {
		Kind    string `json:"kind"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(description, &header); err != nil {
		return fail(path, kind, "its "+ConfigFile+" cannot be read: "+err.Error())
	}
	if header.Kind != kind {
		return fail(path, kind, fmt.Sprintf("it is a %q model", header.Kind))
	}
	if header.Version < 1 || header.Version > newestVersion {
		return fail(path, kind, fmt.Sprintf("its description has version %d, known is up to %d", header.Version, newestVersion))
	}
	if err := json.Unmarshal(description, config); err != nil {
		return fail(path, kind, "its "+ConfigFile+" cannot be read: "+err.Error())
	}
	return nil
}

func fail(path, kind, reason string) error {
	return fmt.Errorf("%s: %s is no %s model: %s: %w", kind, path, strings.ToUpper(kind), reason, ErrWrongModel)
}

// ErrWrongModel is the error for a TorchScript archive that is not the expected kind of model.
var ErrWrongModel = fmt.Errorf("wrong model (%w)", torch.ErrModel)

func wrap(kind string, err error) error { return fmt.Errorf("%s: %w", kind, err) }
