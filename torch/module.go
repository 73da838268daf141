package torch

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"unsafe"
)

// A Module is a TorchScript module: code and weights that were exported from Python. Its methods
// may be called from many goroutines at once.
type Module struct {
	handle *handle
}

func freeModule(p unsafe.Pointer) { C.ctorch_module_free((*C.ctorch_module)(p)) }

// LoadModule loads a TorchScript archive. The extra files that are named and in the archive are
// handed back by name.
//
//	module, files, err := torch.LoadModule("clip.pt", torch.CPU, "config.json")
//
// The error says whether the file is missing, is no archive, or is damaged.
func LoadModule(path string, device Device, extraFiles ...string) (*Module, map[string][]byte, error) {
	const operation = "LoadModule"
	if err := checkArchive(path); err != nil {
		return nil, nil, err
	}
	name, freeName := cText(path)
	defer freeName()
	return loadModule(operation, path, extraFiles, func(files *C.ctorch_extra_file, count C.int64_t) C.ctorch_module_result {
		return C.ctorch_module_load(name, device.c(), files, count)
	})
}

// ReadModule is [LoadModule] from a stream.
func ReadModule(r io.Reader, device Device, extraFiles ...string) (*Module, map[string][]byte, error) {
	const operation = "ReadModule"
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, fmt.Errorf("torch: %s: %w", operation, err)
	}
	if !isZip(data) {
		return nil, nil, &Error{operation, ErrModel, "the data is no TorchScript archive"}
	}
	defer runtime.KeepAlive(data)
	return loadModule(operation, "the data", extraFiles, func(files *C.ctorch_extra_file, count C.int64_t) C.ctorch_module_result {
		return C.ctorch_module_load_data(cBytes(data),
			C.int64_t(len(data)), device.c(), files, count)
	})
}

func isZip(data []byte) bool { return len(data) >= 4 && string(data[:4]) == "PK\x03\x04" }

// checkArchive says in our words what libtorch would say in pages.
func checkArchive(path string) error {
	const operation = "LoadModule"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("torch: %s: the model file %s does not exist: %w", operation, path, fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("torch: %s: %w", operation, err)
	case info.IsDir():
		return &Error{operation, ErrModel, path + " is a directory, not a model file"}
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("torch: %s: %w", operation, err)
	}
	defer file.Close()
	magic := make([]byte, 4)
	if n, _ := io.ReadFull(file, magic); !isZip(magic[:n]) {
		return &Error{operation, ErrModel, path + " is no TorchScript archive; export one with scripts/"}
	}
	return nil
}

func loadModule(operation, what string, names []string,
	load func(*C.ctorch_extra_file, C.int64_t) C.ctorch_module_result) (*Module, map[string][]byte, error) {
	count := len(names)
	size := C.size_t(count+1) * C.size_t(unsafe.Sizeof(C.ctorch_extra_file{}))
	memory := (*C.ctorch_extra_file)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(memory))
	files := unsafe.Slice(memory, count)
	for i, name := range names {
		text, freeText := cText(name)
		defer freeText()
		files[i].name = text
	}
	result := load(memory, C.int64_t(count))
	defer C.ctorch_extra_free(memory, C.int64_t(count))
	if result.error != nil {
		err := takeError(operation, result.error).(*Error)
		if err.Kind != ErrOutOfMemory && err.Kind != ErrDevice {
			err.Kind = ErrModel
			err.Message = what + " is a damaged TorchScript archive, or none: " + err.Message
		}
		return nil, nil, err
	}
	contents := map[string][]byte{}
	for i, name := range names {
		if files[i].contents != nil {
			contents[name] = C.GoBytes(unsafe.Pointer(files[i].contents), C.int(files[i].bytes))
		}
	}
	return newModule(result), contents, nil
}

func newModule(result C.ctorch_module_result) *Module {
	m := &Module{newHandle(unsafe.Pointer(result.module), handleBytes, freeModule)}
	nativeBytes.added(handleBytes)
	closeWhenUnreachable(m, m.handle)
	return m
}

// enter takes m for a call; handle.leave must follow.
func (m *Module) enter(operation string) (*C.ctorch_module, error) {
	if m == nil {
		return nil, invalid(operation, "the module is nil")
	}
	if !m.handle.use() {
		return nil, &Error{operation, ErrClosed, "the module is closed"}
	}
	return (*C.ctorch_module)(m.handle.pointer), nil
}

// do runs a call that gives nothing but an error.
func (m *Module) do(operation string, call func(*C.ctorch_module) *C.ctorch_error) error {
	self, err := m.enter(operation)
	if err != nil {
		return err
	}
	defer m.handle.leave()
	return takeError(operation, call(self))
}

// get runs a call that gives a value.
func (m *Module) get(operation string, call func(*C.ctorch_module) C.ctorch_value_result) (any, error) {
	self, err := m.enter(operation)
	if err != nil {
		return nil, err
	}
	defer m.handle.leave()
	result := call(self)
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	defer C.ctorch_value_free(result.value)
	return fromValue(&result.value), nil
}

// Close frees the module. Closing it again does nothing; using it afterwards is an error of kind
// [ErrClosed].
func (m *Module) Close() {
	if m != nil {
		m.handle.close()
	}
}

// Call calls a method. Arguments and result are: *Tensor, int, int64, float64, bool, string, nil,
// []any and slices of those (a list), [Tuple], and map[string]any (a dict); an argument may be a
// [*Dict] too, whose order TorchScript keeps.
func (m *Module) Call(method string, arguments ...any) (any, error) {
	var values valueArena
	defer values.free()
	list, err := values.list(method, arguments)
	if err != nil {
		return nil, err
	}
	name, freeName := cText(method)
	defer freeName()
	return m.get(method, func(self *C.ctorch_module) (result C.ctorch_value_result) {
		limited(func() {
			result = C.ctorch_module_call(self, name, list, C.int64_t(len(arguments)))
			settleTeam()
		})
		return result
	})
}

// CallTensor calls a method that gives one tensor.
func (m *Module) CallTensor(method string, arguments ...any) (*Tensor, error) {
	result, err := m.Call(method, arguments...)
	if err != nil {
		return nil, err
	}
	tensor, ok := result.(*Tensor)
	if !ok {
		return nil, &Error{method, ErrModel, fmt.Sprintf("the method gave a %T, not a tensor", result)}
	}
	return tensor, nil
}

// Forward calls the method forward, which must give one tensor.
func (m *Module) Forward(arguments ...any) (*Tensor, error) {
	return m.CallTensor("forward", arguments...)
}

// HasMethod reports whether there is a method of that name.
func (m *Module) HasMethod(method string) bool {
	self, err := m.enter("HasMethod")
	if err != nil {
		return false
	}
	defer m.handle.leave()
	name, freeName := cText(method)
	defer freeName()
	return C.ctorch_module_has_method(self, name) != 0
}

// Methods is the names of the module's methods.
func (m *Module) Methods() ([]string, error) {
	value, err := m.get("Methods", func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_methods(self)
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range value.([]any) {
		names = append(names, name.(string))
	}
	return names, nil
}

// Attribute is an attribute, parameter or buffer by its dotted name, as "visual.conv1.weight".
func (m *Module) Attribute(name string) (any, error) {
	text, freeText := cText(name)
	defer freeText()
	return m.get("Attribute", func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_attribute(self, text)
	})
}

// A NamedTensor is a parameter or buffer with its dotted name.
type NamedTensor struct {
	Name   string
	Tensor *Tensor
}

// Parameters are the weights of the module and of all modules in it. They share the module's
// memory.
func (m *Module) Parameters() ([]NamedTensor, error) {
	return m.tensors("Parameters", C.CTORCH_PARAMETERS)
}

// Buffers are the module's tensors that are not trained, as running means.
func (m *Module) Buffers() ([]NamedTensor, error) { return m.tensors("Buffers", C.CTORCH_BUFFERS) }

func (m *Module) tensors(operation string, which C.int32_t) ([]NamedTensor, error) {
	value, err := m.get(operation, func(self *C.ctorch_module) C.ctorch_value_result {
		return C.ctorch_module_tensors(self, which)
	})
	if err != nil {
		return nil, err
	}
	var named []NamedTensor
	for _, pair := range value.(Tuple) {
		named = append(named, NamedTensor{pair.(Tuple)[0].(string), pair.(Tuple)[1].(*Tensor)})
	}
	return named, nil
}

// To moves the module to a device, or its weights to a floating-point dtype, or both.
func (m *Module) To(where ...Option) error {
	wanted := options{dtype: NoDType, device: Device{index: -1}}
	for _, option := range where {
		option.apply(&wanted)
	}
	return m.do("To", func(self *C.ctorch_module) *C.ctorch_error {
		if wanted.device == (Device{index: -1}) {
			return C.ctorch_module_to(self, C.int32_t(wanted.dtype), nil)
		}
		device := wanted.device.c()
		return C.ctorch_module_to(self, C.int32_t(wanted.dtype), &device)
	})
}

// ChannelsLast lays the convolutions' weights out with the channels last. Their kernels are faster
// with it, on pictures that are laid out so too: see [Tensor.ChannelsLast].
func (m *Module) ChannelsLast() error {
	return m.do("ChannelsLast", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_channels_last(self)
	})
}

// Eval switches the module to inference: dropout is off, batch normalisation uses what it learnt.
func (m *Module) Eval() error { return m.train("Eval", false) }

// Train switches the module to training.
func (m *Module) Train() error { return m.train("Train", true) }

func (m *Module) train(operation string, on bool) error {
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_train(self, cBool(on))
	})
}

// SetRequiresGrad says whether gradients are gathered in the module's parameters.
func (m *Module) SetRequiresGrad(on bool) error {
	return m.do("SetRequiresGrad", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_set_requires_grad(self, cBool(on))
	})
}

// Freeze makes a copy of a module in eval mode whose parameters, shared with it, are constants in
// its code, with batch normalisation folded into convolutions. It is faster, and cannot be moved or
// trained any more. The named methods are kept, others are dropped; m stays as it is.
//
// Gradients in its inputs are right, unless the code has a detach(), which libtorch drops: the
// straight-through gradient of a quantisation is lost.
func (m *Module) Freeze(methods ...string) (*Module, error) {
	const operation = "Freeze"
	self, err := m.enter(operation)
	if err != nil {
		return nil, err
	}
	defer m.handle.leave()
	size := C.size_t(len(methods)+1) * C.size_t(unsafe.Sizeof((*C.char)(nil)))
	memory := (**C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(memory))
	names := unsafe.Slice(memory, len(methods))
	for i, method := range methods {
		text, freeText := cText(method)
		defer freeText()
		names[i] = text
	}
	result := C.ctorch_module_freeze(self, memory, C.int64_t(len(methods)))
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	return newModule(result), nil
}

// Save writes the module as a TorchScript archive with the given extra files. The file appears
// whole or not at all.
func (m *Module) Save(path string, extraFiles map[string][]byte) error {
	temporary, err := temporaryBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := m.save(temporary, extraFiles); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func (m *Module) save(path string, extraFiles map[string][]byte) error {
	size := C.size_t(len(extraFiles)+1) * C.size_t(unsafe.Sizeof(C.ctorch_extra_file{}))
	memory := (*C.ctorch_extra_file)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(memory))
	files := unsafe.Slice(memory, len(extraFiles))
	i := 0
	for name, contents := range extraFiles {
		text, freeText := cText(name)
		defer freeText()
		data := C.CBytes(contents)
		defer C.free(data)
		files[i] = C.ctorch_extra_file{name: text, contents: (*C.char)(data), bytes: C.int64_t(len(contents))}
		i++
	}
	name, freeName := cText(path)
	defer freeName()
	return m.do("Save", func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_save(self, name, memory, C.int64_t(len(files)))
	})
}

// SetProfiling says whether TorchScript watches the first calls of a method and then specialises it
// to the shapes it saw. It holds for the whole process, for methods that were not called yet, and
// hands back what was set.
//
// It is off at start. With it the first calls are slow, again whenever shapes change, and give
// numbers that differ in their last digits from later ones; CLIP and VQGAN, whose time goes into
// convolutions and matrix products, gain nothing (29.3 and 29.6 ms for 16 pictures).
func SetProfiling(on bool) bool { return C.ctorch_set_profiling(cBool(on)) != 0 }
