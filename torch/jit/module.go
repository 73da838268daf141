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
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Module is a TorchScript module: code and weights exported from Python. Its methods may be
// called from many goroutines at once, as long as none changes it; To, Train, SetAttribute and
// similar methods change it.
type Module struct {
	handle *native.Handle
	// isObject says that it is the inside of an [Object], for messages.
	isObject bool

	mutex      sync.Mutex
	extraFiles map[string][]byte
}

func freeModule(p unsafe.Pointer) { C.ctorch_module_free((*C.ctorch_module)(p)) }

// newModule wraps a module that a call made.
func newModule(module *C.ctorch_module) *Module {
	m := &Module{handle: native.New(unsafe.Pointer(module), native.HandleBytes, freeModule)}
	native.CloseWhenUnreachable(m, m.handle)
	return m
}

// enter marks m as in use for a call; leave must follow.
func (m *Module) enter(operation string) (*C.ctorch_module, error) {
	what := "module"
	if m != nil && m.isObject {
		what = "object"
	}
	switch {
	case m == nil || m == noObject:
		return nil, invalid(operation, "the %s is nil", what)
	case !m.handle.Use():
		return nil, &torch.Error{Operation: operation, Kind: torch.ErrClosed, Message: "the " + what + " is closed"}
	}
	return (*C.ctorch_module)(m.handle.Pointer()), nil
}

func (m *Module) leave() { m.handle.Leave() }

// do runs a call that returns only an error.
func (m *Module) do(operation string, call func(*C.ctorch_module) *C.ctorch_error) error {
	self, err := m.enter(operation)
	if err != nil {
		return err
	}
	defer m.leave()
	return takeError(operation, call(self))
}

// get runs a call that returns a value.
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

// derive runs a call that returns another module, which gets m's extra files.
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
// [torch.ErrClosed]. It is safe while another goroutine is in a call of the module, which ends
// first.
func (m *Module) Close() {
	if m != nil {
		m.handle.Close()
	}
}

// ExtraFiles returns the extra files of the module's archive, those beside code and weights, by
// name. The map is a copy; the contents are not.
func (m *Module) ExtraFiles() map[string][]byte {
	if m == nil {
		return nil
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return maps.Clone(m.extraFiles)
}

// SetExtraFile adds or replaces an extra file, which [Module.Save] writes; nil contents remove it.
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

// Kwargs are keyword arguments, given as the last argument of [Module.Call].
//
//	y, err := module.Call("forward", x, jit.Kwargs{"scale": 0.5})
type Kwargs map[string]any

// Call calls a method with positional arguments, and keyword arguments in [Kwargs]. Arguments and
// results have these types in Go and in TorchScript:
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
//	*Object                     an object of a scripted class
//
// Other results, such as generators, are an error of kind [torch.ErrNotImplemented]. Omitted
// arguments have their defaults. The error is of kind [torch.ErrInvalid] if an argument does not
// fit, and says which one and why. It is of kind [torch.ErrModel] if there is no such method, or if
// the method raised an exception. An operator that fails in the method gives the error that it gives
// outside, of kind [torch.ErrInvalid] for shapes that do not fit.
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
		// The context never ends, so there is no error.
		_ = bridge.TakeTurn(context.Background(), func() error {
			result = C.ctorch_module_call(self, name, list, C.int64_t(len(arguments)),
				namedList, C.int64_t(len(named)))
			bridge.SettleTeam()
			return nil
		})
		return result
	})
}

// CallTensor calls a method that returns one tensor.
func (m *Module) CallTensor(method string, arguments ...any) (*torch.Tensor, error) {
	result, err := m.Call(method, arguments...)
	if err != nil {
		return nil, err
	}
	tensor, ok := result.(*torch.Tensor)
	if !ok {
		return nil, modelError(method, fmt.Sprintf("the method gave %s, not a tensor", words.Type(result)))
	}
	return tensor, nil
}

// Forward calls the method forward, which must return one tensor.
func (m *Module) Forward(arguments ...any) (*torch.Tensor, error) {
	return m.CallTensor("forward", arguments...)
}

// To moves the module to a device, converts it to a floating-point dtype, or both. Buffers and
// gradients are included; integer tensors keep their dtype. Constants in the code of a frozen
// module do not change.
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

// ChannelsLast changes the memory format of the convolutions' weights to channels last, which is
// faster for images in the same format; see [torch.Tensor.ChannelsLast].
func (m *Module) ChannelsLast() error {
	return m.do("ChannelsLast", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_channels_last(self)
	})
}

// Eval sets the module to evaluation mode: dropout does nothing, and batch normalization uses its
// running statistics.
func (m *Module) Eval() error { return m.train("Eval", false) }

// Train sets the module to training mode. A frozen module cannot be trained.
func (m *Module) Train() error { return m.train("Train", true) }

func (m *Module) train(operation string, on bool) error {
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_train(self, cBool(on))
	})
}

// IsTraining reports whether the module is in training mode. A loaded module has the mode that it
// was saved with.
func (m *Module) IsTraining() bool {
	self, err := m.enter("IsTraining")
	if err != nil {
		return false
	}
	defer m.leave()
	return C.ctorch_module_is_training(self) != 0
}

// SetRequiresGrad sets whether the module's parameters require gradients.
func (m *Module) SetRequiresGrad(on bool) error {
	return m.do("SetRequiresGrad", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_set_requires_grad(self, cBool(on))
	})
}

// ZeroGrad removes the gradients of the module's parameters.
func (m *Module) ZeroGrad() error {
	return m.do("ZeroGrad", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_zero_grad(self)
	})
}

// Clone returns a copy that shares no memory with m.
func (m *Module) Clone() (*Module, error) {
	return m.derive("Clone", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_clone(self)
	})
}

// Freeze returns a copy of a module in evaluation mode whose parameters are constants in its code,
// with batch normalization folded into convolutions. It shares the parameters' memory with m, is
// faster, and can be neither moved nor trained. The methods and attributes named, and forward if
// there is one, are kept; others are removed. m does not change.
//
// Gradients with respect to inputs are correct unless the code uses detach(), which libtorch
// removes: the straight-through gradient of a quantization is lost.
func (m *Module) Freeze(names ...string) (*Module, error) {
	list, free := cTexts(names)
	defer free()
	return m.derive("Freeze", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_freeze(self, list, C.int64_t(len(names)))
	})
}

// OptimizeForInference is [Module.Freeze] with fused operations, on the CPU for oneDNN. It is for
// forward passes only: call it in [torch.NoGrad], with inputs that require no gradients. Measure
// before you use it; the gain depends on the network.
func (m *Module) OptimizeForInference(names ...string) (*Module, error) {
	list, free := cTexts(names)
	defer free()
	return m.derive("OptimizeForInference", func(self *C.ctorch_module) C.ctorch_module_result {
		return C.ctorch_module_optimize_for_inference(self, list, C.int64_t(len(names)))
	})
}

// SetProfiling sets, for the whole process, whether TorchScript profiles the first calls of a
// method and then specializes it to the shapes it saw. It applies to methods that have not been
// called yet.
//
// The default is off: all calls of a method do the same and give the same numbers. With profiling,
// the first calls are slow, again whenever shapes change, and give numbers that differ in the last
// digits from later ones. Models dominated by convolutions and matrix products, such as CLIP and
// VQGAN, gain nothing (29.3 and 29.6 ms for 16 images); code of many small operations may gain.
func SetProfiling(on bool) error {
	if err := checkLibrary(); err != nil {
		return err
	}
	C.ctorch_set_profiling(cBool(on))
	return nil
}

// Profiling reports whether TorchScript profiles the first calls of a method.
func Profiling() bool {
	if err := checkLibrary(); err != nil {
		panic(err)
	}
	return C.ctorch_profiling() != 0
}
