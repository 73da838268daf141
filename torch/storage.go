package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
	"github.com/clipvqgan/clipvqgan/torch/internal/elements"
	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// ReadElements reads a tensor's elements from r, in row-major order and the given byte order, and
// returns the tensor, on the CPU. Packages for file formats use it. The error is of kind
// [ErrFormat] if r ends too soon, if no tensor can have the shape, or if a bool is neither 0 nor 1.
//
// Memory is reserved for the whole tensor but used only as it is filled, so that a wrong shape in a
// file costs nothing.
func ReadElements(r io.Reader, shape Shape, dtype DType, order binary.ByteOrder) (*Tensor, error) {
	const operation = "ReadElements"
	if _, ok := elements.Count(shape, dtype.ItemSize()); !ok || dtype.ItemSize() == 0 {
		return nil, formatError(operation, "there can be no tensor of shape %v of %s", shape, dtype)
	}
	var t *Tensor
	if err := Try(func() error { t = Empty(shape, dtype); return nil }); err != nil {
		return nil, err
	}
	if err := t.fill(operation, r, order); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// fill reads the elements of a new, contiguous tensor on the CPU.
func (t *Tensor) fill(operation string, r io.Reader, order binary.ByteOrder) error {
	dtype := t.DType()
	return t.withElements(operation, func(memory []byte) error {
		if n, err := io.ReadFull(r, memory); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return formatError(operation, "the elements end after %d of %s", n, words.Count(len(memory), "byte"))
			}
			return formatError(operation, "the elements cannot be read: %v", err)
		}
		if order == binary.BigEndian {
			elements.Swap(memory, dtype.partSize())
		}
		if dtype == Bool {
			// libtorch, as C++, relies on it.
			for _, b := range memory {
				if b > 1 {
					return formatError(operation, "a bool is %d, not 0 or 1", b)
				}
			}
		}
		return nil
	})
}

// WriteElements writes the elements in row-major order, little-endian, and returns the number of
// bytes written. Only a tensor on a GPU, or one that is not contiguous, is copied first.
func (t *Tensor) WriteElements(w io.Writer) (int64, error) {
	const operation = "WriteElements"
	var n int
	err := Try(func() error {
		self := t.acquire(operation)
		defer t.release()
		plain := made(operation, C.ctorch_tensor_plain(self))
		defer plain.Close()
		return plain.withElements(operation, func(memory []byte) (err error) {
			if plain.DType() == Bool {
				memory = zerosAndOnes(memory)
			}
			n, err = w.Write(memory)
			return err
		})
	})
	return int64(n), err
}

// zerosAndOnes returns bools as files have them. A view of other bytes as bool may hold any.
func zerosAndOnes(memory []byte) []byte {
	for _, b := range memory {
		if b > 1 {
			memory = slices.Clone(memory)
			for i, b := range memory {
				memory[i] = min(b, 1)
			}
			break
		}
	}
	return memory
}

// withElements calls f with the elements' memory. The tensor must be contiguous and on the CPU.
func (t *Tensor) withElements(operation string, f func(memory []byte) error) error {
	self := t.acquire(operation)
	defer t.release()
	dtype := t.DType()
	memory, err := rowMajor(operation, self, t.NumElements()*dtype.ItemSize(), dtype)
	if err != nil {
		return err
	}
	return f(memory)
}

// rowMajor returns the memory of the elements. The tensor must be in use as long as that is.
func rowMajor(operation string, self *C.ctorch_tensor, bytes int64, dtype DType) ([]byte, error) {
	info := C.ctorch_tensor_storage(self)
	if info.error != nil {
		return nil, takeError(operation, info.error)
	}
	if bytes == 0 {
		return nil, nil
	}
	begin := int64(info.offset) * dtype.ItemSize()
	if info.data == nil || begin+bytes > int64(info.bytes) {
		return nil, &Error{operation, ErrOther, "the tensor's elements are not in the CPU's memory"}
	}
	return unsafe.Slice((*byte)(info.data), int64(info.bytes))[begin : begin+bytes : begin+bytes], nil
}

// Strides returns the distance in memory, in elements, between neighbors along each dimension.
func (t *Tensor) Strides() []int64 {
	const operation = "Strides"
	self := t.acquire(operation)
	defer t.release()
	shape := t.Shape()
	strides := make([]int64, len(shape))
	check(operation, C.ctorch_tensor_shape(self, int64s(shape), int64s(strides), C.int64_t(len(shape))))
	return strides
}

func init() {
	bridge.StorageOf = func(operation string, tensor any) bridge.Storage {
		t := tensor.(*Tensor)
		self := t.acquire(operation)
		defer t.release()
		info := C.ctorch_tensor_storage(self)
		check(operation, info.error)
		return bridge.Storage{Identity: uint64(info.identity), Bytes: int64(info.bytes),
			Offset: int64(info.offset), Marked: info.is_marked != 0}
	}
	bridge.Identity = func(operation string, tensor any) uint64 {
		t := tensor.(*Tensor)
		self := t.acquire(operation)
		defer t.release()
		return uint64(C.ctorch_tensor_identity(self))
	}
	bridge.LayoutOf = func(operation string, tensor any) bridge.Layout {
		info := tensor.(*Tensor).describe(operation)
		layout := bridge.Layout{DType: int32(info.dtype), Contiguous: info.is_contiguous != 0}
		layout.Device.Type, layout.Device.Index = int32(info.device._type), int32(info.device.index)
		return layout
	}
	bridge.CloseAll = func(tensors any) { closeAll(tensors.([]*Tensor)) }
	bridge.WithElements = func(operation string, tensor any, f func(memory []byte) error) error {
		return tensor.(*Tensor).withElements(operation, f)
	}
	bridge.Unmarked = func(operation string, tensor any) any {
		t := tensor.(*Tensor)
		self := t.acquire(operation)
		defer t.release()
		return made(operation, C.ctorch_tensor_plain(self))
	}
	bridge.Over = func(operation string, tensor any, dtype int32, offset int64, shape, strides []int64, counts bool) (any, error) {
		return tensor.(*Tensor).over(operation, DType(dtype), offset, shape, strides, counts)
	}
}

// over returns a tensor of a dtype over t's storage; counts says that it accounts for the storage's bytes.
func (t *Tensor) over(operation string, dtype DType, offset int64, shape, strides []int64, counts bool) (*Tensor, error) {
	self := t.acquire(operation)
	defer t.release()
	return madeOrError(operation, C.ctorch_tensor_over(self, C.int32_t(dtype), C.int64_t(offset), int64s(shape),
		int64s(strides), C.int64_t(len(shape)), cBool(counts)))
}
