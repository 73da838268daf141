package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/native"
)

// A Module is a TorchScript module: code and weights that were exported from Python. Its methods
// may be called from many goroutines at once, as long as nobody changes it meanwhile: To, Train,
// SetAttribute and the like are writes.
type Module struct {
	handle *native.Handle

	mutex      sync.Mutex
	extraFiles map[string][]byte
}

func freeModule(p unsafe.Pointer) { C.ctorch_module_free((*C.ctorch_module)(p)) }

// newModule owns a module that a call made.
func newModule(module *C.ctorch_module) *Module {
	m := &Module{handle: native.New(unsafe.Pointer(module), native.HandleBytes, freeModule)}
	native.CloseWhenUnreachable(m, m.handle)
	return m
}

// enter takes m for a call; leave must follow.
func (m *Module) enter(operation string) (*C.ctorch_module, error) {
	if m == nil {
		return nil, invalid(operation, "the module is nil")
	}
	if !m.handle.Use() {
		return nil, &torch.Error{Operation: operation, Kind: torch.ErrClosed, Message: "the module is closed"}
	}
	return (*C.ctorch_module)(m.handle.Pointer()), nil
}

func (m *Module) leave() { m.handle.Leave() }

// do runs a call that gives nothing but an error.
func (m *Module) do(operation string, call func(*C.ctorch_module) *C.ctorch_error) error {
	self, err := m.enter(operation)
	if err != nil {
		return err
	}
	defer m.leave()
	return takeError(operation, call(self))
}

// get runs a call that gives a value.
func (m *Module) get(operation string, call func(*C.ctorch_module) C.ctorch_value_result) (value any, err error) {
	var result C.ctorch_value_result
	if err := m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		result = call(self)
		return result.error
	}); err != nil {
		return nil, err
	}
	defer C.ctorch_value_free(&result.value)
	err = torch.Try(func() error {
		value = fromValue(&result.value)
		return nil
	})
	return value, err
}

// derive runs a call that gives another module, which has m's extra files.
func (m *Module) derive(operation string, call func(*C.ctorch_module) C.ctorch_module_result) (*Module, error) {
	var result C.ctorch_module_result
	if err := m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		result = call(self)
		return result.error
	}); err != nil {
		return nil, err
	}
	derived := newModule(result.module)
	derived.extraFiles = m.ExtraFiles()
	return derived, nil
}

// Close frees the module. Closing it again does nothing; using it afterwards is an error of kind
// [torch.ErrClosed]. A call that is using it on another goroutine ends first.
func (m *Module) Close() {
	if m != nil {
		m.handle.Close()
	}
}

// ExtraFiles are the files beside code and weights in the module's archive, by their names. The map
// is a copy; the contents are not.
func (m *Module) ExtraFiles() map[string][]byte {
	if m == nil {
		return nil
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return maps.Clone(m.extraFiles)
}

// SetExtraFile gives the module a file that [Module.Save] writes beside code and weights; nil
// contents remove it.
func (m *Module) SetExtraFile(name string, contents []byte) error {
	const operation = "SetExtraFile"
	_, err := m.enter(operation)
	if err != nil {
		return err
	}
	defer m.leave()
	if !isRecordName(name) {
		return invalid(operation, "%q is no name of a file in an archive", name)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.extraFiles == nil {
		m.extraFiles = map[string][]byte{}
	}
	if contents == nil {
		delete(m.extraFiles, name)
	} else {
		m.extraFiles[name] = contents
	}
	return nil
}

// Kwargs are arguments by name, as the last one of [Module.Call].
//
//	y, err := module.Call("forward", x, jit.Kwargs{"scale": 0.5})
type Kwargs map[string]any

// Call calls a method. What it takes and gives are, in Go and in TorchScript:
//
//	*Tensor                     Tensor; nil: None
//	int, int32, int64           int (a result: int64); a number of another kind where that is wanted
//	float64, float32            float (a result: float64)
//	complex128, bool, string    complex, bool, str
//	Device                      torch.device
//	DType                       torch.dtype, which is an int in TorchScript (a result: int64)
//	[]*Tensor, []int64,         List of Tensor, int, float, bool, str; any other list, and one of
//	[]float64, []bool,          values of different types, is []any
//	[]string, []any
//	Tuple, NamedTuple           Tuple, NamedTuple (which a Tuple may stand for)
//	*Dict, map[string]any,      Dict (a result: *Dict)
//	map[string]*Tensor,
//	map[int64]any
//	string                      Enum, by the member's name
//	*Module                     a module
//
// An object of a scripted class, a generator and the like stay in TorchScript: a method that gives
// one is an error of kind [torch.ErrNotImplemented]. Arguments that are not given have their defaults;
// [Kwargs] gives them by name. The error is of kind [torch.ErrInvalid] where arguments do not fit, and
// says which one and why; of kind [torch.ErrModel] where there is no such method, or it raised an
// exception.
func (m *Module) Call(method string, arguments ...any) (any, error) {
	var named Kwargs
	if count := len(arguments); count > 0 {
		if last, ok := arguments[count-1].(Kwargs); ok {
			arguments, named = arguments[:count-1], last
		}
	}
	values := valueArena{operation: method}
	defer values.free()
	list, err := values.list(arguments)
	if err != nil {
		return nil, err
	}
	namedList, err := values.list(pairsOf(named))
	if err != nil {
		return nil, err
	}
	name, freeName := cText(method)
	defer freeName()
	return m.get(method, func(self *C.ctorch_module) (result C.ctorch_value_result) {
		// Without an end to the context there is no error.
		_ = bridge.TakeTurn(context.Background(), func() error {
			result = C.ctorch_module_call(self, name, list, C.int64_t(len(arguments)),
				namedList, C.int64_t(len(named)))
			bridge.SettleTeam()
			return nil
		})
		return result
	})
}

// CallTensor calls a method that gives one tensor.
func (m *Module) CallTensor(method string, arguments ...any) (*torch.Tensor, error) {
	result, err := m.Call(method, arguments...)
	if err != nil {
		return nil, err
	}
	tensor, ok := result.(*torch.Tensor)
	if !ok {
		return nil, modelError(method, fmt.Sprintf("the method gave a %T, not a tensor", result))
	}
	return tensor, nil
}

// Forward calls the method forward, which must give one tensor.
func (m *Module) Forward(arguments ...any) (*torch.Tensor, error) {
	return m.CallTensor("forward", arguments...)
}

// To moves the module to a device, or its weights to a floating-point dtype, or both. Buffers and
// gradients go along, whole numbers keep their dtype, and what a frozen module has in its code
// stays.
func (m *Module) To(where ...torch.Option) error {
	const operation = "To"
	place := bridge.PlaceOf(where)
	var device *C.ctorch_device
	if place.Device != nil {
		if err := bridge.CheckDevice(operation, place.Device); err != nil {
			return err
		}
		wanted := cDevice(place.Device.(torch.Device))
		device = &wanted
	}
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_to(self, C.int32_t(place.DType), device)
	})
}

// ChannelsLast lays the convolutions' weights out with the channels last. Their kernels are faster
// with it, on pictures that are laid out so too: see [torch.Tensor.ChannelsLast].
func (m *Module) ChannelsLast() error {
	return m.do("ChannelsLast", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_channels_last(self)
	})
}

// Eval switches the module to inference: dropout is off, batch normalization uses what it learned.
func (m *Module) Eval() error { return m.train("Eval", false) }

// Train switches the module to training. A frozen module cannot be.
func (m *Module) Train() error { return m.train("Train", true) }

func (m *Module) train(operation string, on bool) error {
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_train(self, cBool(on))
	})
}

// IsTraining reports whether the module is in training mode, as a loaded one is if it was when it
// was saved.
func (m *Module) IsTraining() bool {
	self, err := m.enter("IsTraining")
	if err != nil {
		return false
	}
	defer m.leave()
	return C.ctorch_module_is_training(self) != 0
}

// SetRequiresGrad says whether gradients are gathered in the module's parameters.
func (m *Module) SetRequiresGrad(on bool) error {
	return m.do("SetRequiresGrad", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_set_requires_grad(self, cBool(on))
	})
}

// ZeroGrad drops the gradients of the module's parameters.
func (m *Module) ZeroGrad() error {
	return m.do("ZeroGrad", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_zero_grad(self)
	})
}

// Clone is a copy that shares neither weights nor anything else with m.
func (m *Module) Clone() (*Module, error) {
	return m.derive("Clone", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_clone(self)
	})
}

// Freeze is a copy of a module in eval mode whose parameters, shared with it, are constants in
// its code, with batch normalization folded into convolutions. It is faster, and cannot be moved or
// trained any more. The methods and attributes that are named are kept, and forward if there is
// one; others are dropped. m stays as it is.
//
// Gradients in its inputs are right, unless the code has a detach(), which libtorch drops: the
// straight-through gradient of a quantization is lost.
func (m *Module) Freeze(names ...string) (*Module, error) {
	list, free := cTexts(names)
	defer free()
	return m.derive("Freeze", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_freeze(self, list, C.int64_t(len(names)))
	})
}

// OptimizeForInference is [Module.Freeze] with operations fused as well, on the CPU for oneDNN. It
// is for forward passes alone: call it under [torch.NoGrad], with inputs that need no gradients. Measure
// before use; what is gained depends on the network.
func (m *Module) OptimizeForInference(names ...string) (*Module, error) {
	list, free := cTexts(names)
	defer free()
	return m.derive("OptimizeForInference", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_optimize_for_inference(self, list, C.int64_t(len(names)))
	})
}

// SetProfiling sets for the whole process whether TorchScript watches the first calls of a method and
// then specializes it to the shapes it saw. It holds for methods that were not called yet.
//
// It is off at start, and every call of a method does the same and gives the same numbers. With it
// the first calls are slow, again whenever shapes change, and give numbers that differ in their last
// digits from later ones; CLIP and VQGAN, whose time goes into convolutions and matrix products,
// gain nothing (29.3 and 29.6 ms for 16 pictures). Code of many small operations may gain.
func SetProfiling(on bool) {
	mustHaveLibrary()
	C.ctorch_set_profiling(cBool(on))
}

// Profiling reports whether TorchScript watches the first calls of a method.
func Profiling() bool {
	mustHaveLibrary()
	return C.ctorch_profiling() != 0
}
