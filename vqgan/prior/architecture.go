package prior

import (
	_ "embed"
	"fmt"

	"github.com/clipvqgan/clipvqgan/internal/architecture"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

//go:embed cache.py
var cacheText string

//go:embed gpt.py
var gptText string

//go:embed dalle_bart.py
var dalleBartText string

// sources are the networks' methods.
var sources = []jit.Source{
	architecture.Layers,
	{Name: "prior/cache.py", Text: cacheText},
	{Name: "prior/gpt.py", Text: gptText},
	{Name: "prior/dalle_bart.py", Text: dalleBartText},
}

// A design is a network that can be built.
type design interface {
	// check returns why no network can be built so, or nil: the numbers may come from a file.
	check() error
	// root describes the module of the network. What the weights lack is told by them.
	root(weights architecture.Weights) *architecture.Node
	// describe names the network by its sizes.
	describe() string
}

const mostLayers, largestSize = 256, 1 << 24

// checkSizes returns an error for the first size that is not positive, or far too large.
func checkSizes(sizes ...size) error {
	for _, each := range sizes {
		if each.value < 1 || each.value > largestSize {
			return fmt.Errorf("its %s is %d", each.name, each.value)
		}
	}
	return nil
}

// A size is a setting of a network.
type size struct {
	name  string
	value int64
}

// checkTransformer returns an error for layers and heads that a transformer of a width cannot have.
func checkTransformer(width, layers, heads int64) error {
	if layers > mostLayers {
		return fmt.Errorf("it has %d layers", layers)
	}
	if width%heads != 0 {
		return fmt.Errorf("its width %d is no multiple of its %d heads", width, heads)
	}
	return nil
}

// build makes the module of a network from the weights, which tell what they lack. stages are the VQGANs
// that come with it.
func build(d design, weights interface {
	architecture.Weights
	Check() error
}, stages ...jit.Child) (*jit.Module, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, torch.ErrModel)
	}
	return architecture.Build(weights, func(w architecture.Weights) *jit.Parts {
		parts := d.root(w).Parts()
		parts.Children = append(parts.Children, stages...)
		return parts
	}, sources...)
}
