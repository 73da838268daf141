package vqgan

import (
	"fmt"
	"strings"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
)

// Create writes an archive of one of [Architectures] with fresh weights, from which training can
// start: Python's torch.jit.load opens it too. The weights are float32 and are drawn as those of new
// models of taming-transformers or DALL-E are, by the generator that [torch.ManualSeed] seeds.
func Create(output, architecture string) (Config, error) {
	config, err := create(output, architecture)
	return config, failed("Create", err)
}

func create(output, architecture string) (Config, error) {
	d, ok := designs[architecture]
	if !ok {
		return Config{}, unknownArchitecture(architecture)
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
	if err := describe(module, config); err != nil {
		return Config{}, err
	}
	return config, module.Save(output)
}

func unknownArchitecture(name string) error {
	return fmt.Errorf("there is no architecture %q; known are %s: %w", name, strings.Join(Architectures(), ", "), torch.ErrInvalid)
}
