package jit

// #include "ctorch/ctorch.h"
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/internal/missing"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/stream"
)

// Load loads a TorchScript archive written by torch.jit.save or [Module.Save]. The module is loaded
// to the CPU, wherever it was saved, or to the [torch.Device] and dtype in the options.
//
//	module, err := jit.Load("clip.pt", torch.CUDA(0), torch.BFloat16)
//
// All checksums of the file are verified first, since libtorch does not do so; this takes about 0.3
// s for each GB. Damaged files and files of another kind are errors of kind [torch.ErrModel]; the
// message says what the file is and what to do. A module is a program: load only files that you
// would run.
func Load(path string, where ...torch.Option) (*Module, error) {
	const operation = "jit.Load"
	if err := checkPlace(operation, where); err != nil {
		return nil, err
	}
	files, err := readFile(operation, path)
	if err != nil {
		return nil, err
	}
	name, freeName := cText(path)
	defer freeName()
	return loadModule(operation, path, files, where, func(device C.ctorch_device) C.ctorch_module_result {
		return C.ctorch_module_load(name, device)
	})
}

// Read is [Load] from a stream.
func Read(r io.Reader, where ...torch.Option) (*Module, error) {
	const operation, what = "jit.Read", "the data"
	if err := checkPlace(operation, where); err != nil {
		return nil, err
	}
	data, err := stream.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("torch: %s: %w", operation, err)
	}
	files, err := moduleFiles(operation, what, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(data)
	return loadModule(operation, what, files, where, func(device C.ctorch_device) C.ctorch_module_result {
		return C.ctorch_module_load_data((*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))), C.int64_t(len(data)), device)
	})
}

// ReadExtraFiles reads the extra files of a TorchScript archive, those beside code and weights, by
// name. It does not load the module.
func ReadExtraFiles(path string) (map[string][]byte, error) {
	return readFile("jit.ReadExtraFiles", path)
}

// readFile checks an archive in a file, and reads its extra files.
func readFile(operation, path string) (map[string][]byte, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("torch: %s: %w", operation, missing.Error("the model file "+path))
	case err != nil:
		return nil, fmt.Errorf("torch: %s: %w", operation, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("torch: %s: %w", operation, err)
	}
	if info.IsDir() {
		return nil, modelError(operation, path+" is a directory, not a model file")
	}
	return moduleFiles(operation, path, file, info.Size())
}

// moduleFiles checks that an archive is intact and a module's, and reads its extra files.
func moduleFiles(operation, what string, r io.ReaderAt, size int64) (map[string][]byte, error) {
	begin := make([]byte, 64)
	n, err := r.ReadAt(begin, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("torch: %s: %w", operation, err)
	}
	if !bytes.HasPrefix(begin, []byte("PK\x03\x04")) {
		return nil, modelError(operation, what+" "+notArchive(begin[:n]))
	}
	all, err := openRecords(r, size)
	if err != nil {
		return nil, modelError(operation, what+" is no whole TorchScript archive: "+err.Error())
	}
	if instead := all.notModule(); instead != "" {
		return nil, modelError(operation, what+" "+instead)
	}
	files, err := all.extraFiles()
	if err != nil {
		return nil, modelError(operation, what+" is no whole TorchScript archive: "+err.Error())
	}
	return files, nil
}

// checkPlace returns why a module cannot be converted to the device and dtype in the options, or
// nil.
func checkPlace(operation string, where []torch.Option) error {
	device := bridge.PlaceOf(where).Device
	if device == nil {
		device = torch.CPU
	}
	return bridge.CheckDevice(operation, device)
}

func loadModule(operation, what string, files map[string][]byte, where []torch.Option,
	load func(C.ctorch_device) C.ctorch_module_result) (*Module, error) {
	place := bridge.PlaceOf(where)
	device := torch.CPU
	if place.Device != nil {
		device = place.Device.(torch.Device)
	}
	result := load(cDevice(device))
	if err := takeError(operation, result.error); err != nil {
		if failure := err.(*torch.Error); failure.Kind == torch.ErrModel {
			failure.Message = what + " " + cannotLoad(failure.Message)
		}
		return nil, err
	}
	m := newModule(result.module)
	m.extraFiles = files
	if dtype := torch.DType(place.DType); dtype != torch.NoDType {
		if err := m.To(dtype); err != nil {
			m.Close()
			return nil, err
		}
	}
	return m, nil
}

var unknownOperator = regexp.MustCompile(`Unknown (?:builtin|custom)? ?op(?:erator)?: ([\w:]+(?:\.\w+)?)`)

// cannotLoad explains why libtorch refused an intact archive.
func cannotLoad(message string) string {
	if found := unknownOperator.FindStringSubmatch(message); found != nil {
		return fmt.Sprintf("needs the operator %s, which libtorch %s does not have: export the model without it",
			found[1], torch.Version())
	}
	return fmt.Sprintf("cannot be loaded by libtorch %s: %s", torch.Version(), message)
}

// Save writes the module with its extra files to a TorchScript archive, for [Load] and Python's
// torch.jit.load. The file is replaced only when it has been written completely.
func (m *Module) Save(path string) error {
	err := atomicfile.WriteFile(path, func(file *os.File) error { return m.write("Save", file) })
	failure := (*torch.Error)(nil)
	if err != nil && !errors.As(err, &failure) {
		return fmt.Errorf("torch: Save: %s cannot be written: %w", path, err)
	}
	if failure != nil {
		if reason, ok := strings.CutPrefix(failure.Message, "cannot write: "); ok {
			failure.Message = fmt.Sprintf("cannot write %s: %s", path, reason)
		}
	}
	return err
}

// Write is [Module.Save] to a stream.
func (m *Module) Write(w io.Writer) error {
	from, to, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("torch: Write: %w", err)
	}
	copied := make(chan error, 1)
	go func() {
		defer from.Close()
		_, err := io.Copy(w, from)
		// Read the rest, so that libtorch does not wait forever.
		_, _ = io.Copy(io.Discard, from)
		copied <- err
	}()
	written := m.write("Write", to)
	to.Close()
	return errors.Join(written, <-copied)
}

func (m *Module) write(operation string, file *os.File) error {
	contents := m.ExtraFiles()
	names := slices.Sorted(maps.Keys(contents))
	size := C.size_t(len(names)+1) * C.size_t(unsafe.Sizeof(C.ctorch_extra_file{}))
	memory := (*C.ctorch_extra_file)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(memory))
	files := unsafe.Slice(memory, len(names))
	for i, name := range names {
		text, freeText := cText(name)
		defer freeText()
		data := C.CBytes(contents[name])
		defer C.free(data)
		files[i] = C.ctorch_extra_file{name: text, contents: (*C.char)(data), bytes: C.int64_t(len(contents[name]))}
	}
	defer runtime.KeepAlive(file)
	return m.do(operation, func(self *C.ctorch_module) *C.ctorch_error {
		return C.ctorch_module_save(self, C.int32_t(file.Fd()), memory, C.int64_t(len(names)))
	})
}
