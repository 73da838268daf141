package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// ManualSeed seeds the default generators of every device.
func ManualSeed(seed uint64) {
	mustHaveLibrary()
	check("ManualSeed", C.ctorch_manual_seed(C.uint64_t(seed)))
}

// A Generator is a source of random numbers of its own: what is drawn from it depends on its seed
// and on what was drawn before, and on nothing else in the program. As an option of a function
// that makes a random tensor it is where the numbers come from.
type Generator struct {
	handle *native.Handle
}

func freeGenerator(p unsafe.Pointer) { C.ctorch_generator_free((*C.ctorch_generator)(p)) }

// NewGenerator makes a generator for tensors on the given device.
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

// acquire enters g for a call; a nil generator stands for libtorch's default one.
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

// State is where the generator stands, a tensor of bytes.
func (g *Generator) State() *Tensor {
	const operation = "State"
	if g == nil {
		panic(invalid(operation, "the generator is nil"))
	}
	self := g.acquire(operation)
	defer g.release()
	return made(operation, C.ctorch_generator_state(self))
}

// SetState puts the generator where another one, of the same kind of device, stood.
func (g *Generator) SetState(state *Tensor) {
	const operation = "SetState"
	if g == nil {
		panic(invalid(operation, "the generator is nil"))
	}
	self := g.acquire(operation)
	defer g.release()
	given := state.acquire(operation)
	defer state.release()
	check(operation, C.ctorch_generator_set_state(self, given))
}

// Close frees the generator. Closing it again does nothing.
func (g *Generator) Close() {
	if g != nil {
		g.handle.Close()
	}
}
