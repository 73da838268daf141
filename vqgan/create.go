package vqgan

import (
	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
)

// Create writes an archive of one of [Architectures] with fresh weights, from which training can
// start: Python's torch.jit.load opens it too. The weights are float32 and are drawn as those of new
// models of taming-transformers or DALL-E are, by the generator that [torch.ManualSeed] seeds.
func Create(output, name string) (Config, error) {
	config, err := create(output, name)
	return config, failed("Create", err)
}

func create(output, name string) (Config, error) {
	d, ok := designs[name]
	if !ok {
		return Config{}, architecture.Unknown(name, Architectures())
	}
	config, err := describeModule(d)
	if err != nil {
		return Config{}, err
	}
	config.Source = "fresh weights"
	module, err := build(d, weights.Fresh{})
	if err != nil {
		return Config{}, err
	}
	defer module.Close()
	if err := archive.Store(module, &config.Storage, nil); err != nil {
		return Config{}, err
	}
	return config, archive.Save(module, output, config)
}
