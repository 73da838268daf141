package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// ManualSeed seeds the default generators of all devices.
func ManualSeed(seed uint64) {
	mustHaveLibrary()
	check("ManualSeed", C.ctorch_manual_seed(C.uint64_t(seed)))
}

// A Generator is a source of random numbers that is independent of the rest of the program: its
// numbers depend only on its seed and on what was drawn from it before. It is the last argument of
// the functions that draw random numbers, and may be left out there, or nil: that means libtorch's
// default generator of the device, which [ManualSeed] seeds.
type Generator struct {
	handle *native.Handle
}

func freeGenerator(p unsafe.Pointer) { C.ctorch_generator_free((*C.ctorch_generator)(p)) }

// NewGenerator returns a generator for tensors on the given device. It returns an error if the
// machine does not have the device.
func NewGenerator(device Device, seed uint64) (*Generator, error) {
	if err := device.check("NewGenerator"); err != nil {
		return nil, err
	}
	result := C.ctorch_generator_new(device.c(), C.uint64_t(seed))
	if result.error != nil {
		return nil, takeError("NewGenerator", result.error)
	}
	g := &Generator{native.New(unsafe.Pointer(result.generator), native.HandleBytes, freeGenerator)}
	native.CloseWhenUnreachable(g, g.handle)
	return g, nil
}

func (g *Generator) apply(o *options) { o.generator = g }

// oneGenerator returns the generator that a function was given, or nil.
func oneGenerator(operation string, given []*Generator) *Generator {
	switch len(given) {
	case 0:
		return nil
	case 1:
		return given[0]
	}
	panic(invalid(operation, "one generator wanted, got %d", len(given)))
}

// acquire marks g as in use for a call. A nil generator means libtorch's default one.
func (g *Generator) acquire(operation string) *C.ctorch_generator {
	if g == nil {
		return nil
	}
	return (*C.ctorch_generator)(acquire(g.handle, operation, "generator"))
}

func (g *Generator) release() {
	if g != nil {
		g.handle.Leave()
	}
}

// State returns the state of the generator, a tensor of bytes.
func (g *Generator) State() *Tensor {
	const operation = "State"
	if g == nil {
		panic(invalid(operation, "the generator is nil"))
	}
	self := g.acquire(operation)
	defer g.release()
	return made(operation, C.ctorch_generator_state(self))
}

// SetState sets the state, which must come from a generator of the same type of device. On error
// the state is unchanged.
func (g *Generator) SetState(state *Tensor) error {
	const operation = "SetState"
	return Try(func() error {
		if g == nil {
			return invalid(operation, "the generator is nil")
		}
		self := g.acquire(operation)
		defer g.release()
		given := state.acquire(operation)
		defer state.release()
		return takeError(operation, C.ctorch_generator_set_state(self, given))
	})
}

// Close frees the generator. Closing it again does nothing.
func (g *Generator) Close() {
	if g != nil {
		g.handle.Close()
	}
}
