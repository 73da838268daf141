package vqgan

import (
	"encoding/json"
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// ImportModule is [Import] that returns the TorchScript module in place of writing its archive. The
// module belongs to the caller; its weights have the dtype of the checkpoint.
func ImportModule(source string, options ImportOptions) (*jit.Module, Config, error) {
	module, config, err := importModule(source, options, false)
	return module, config, failed("ImportModule", err)
}

// FromModule returns the model of a TorchScript module with the methods of a VQGAN's archive, such as one of
// [ImportModule], or one inside another model. It converts the module as [Load] does, and the module then
// belongs to the model. name is what errors call it. If it fails, the module is closed.
func FromModule(name string, module *jit.Module, config Config, where ...torch.Option) (*Model, error) {
	config.Kind, config.Version = contract.Kind, 1
	description, err := json.Marshal(config)
	if err == nil {
		err = module.SetExtraFile(archive.ConfigFile, description)
	}
	if err != nil {
		module.Close()
		return nil, failed("FromModule", fmt.Errorf("%s: %w", name, err))
	}
	return archive.Finish(name, module, contract, newModel, where...)
}
