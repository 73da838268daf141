package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// An Option says how a new tensor is made: a [DType], a [Device], a [*Generator] or [Pinned]; and
// how one is copied: also [NonBlocking].
type Option interface {
	apply(o *options)
}

type options struct {
	dtype       DType
	device      Device
	generator   *Generator
	pinned      bool
	nonBlocking bool
}

func gather(dtype DType, given []Option) options {
	o := options{dtype: dtype}
	for _, option := range given {
		option.apply(&o)
	}
	return o
}

// destination is where something is to be brought: NoDType and a nil device stand for as it is.
func destination(where []Option) (options, *C.ctorch_device) {
	asItIs := Device{index: -1}
	wanted := options{dtype: NoDType, device: asItIs}
	for _, option := range where {
		option.apply(&wanted)
	}
	if wanted.device == asItIs {
		return wanted, nil
	}
	device := wanted.device.c()
	return wanted, &device
}

// with runs make with the options in C's form, and keeps the generator alive and open meanwhile.
func (o options) with(operation string, make func(C.ctorch_options) C.ctorch_tensor_result) *Tensor {
	o.mustBePossible(operation)
	generator := o.generator.acquire(operation)
	defer o.generator.release()
	return made(operation, make(C.ctorch_options{
		dtype: C.int32_t(o.dtype), device: o.device.c(), generator: generator, pinned: cBool(o.pinned),
	}))
}

// FromSlice copies data, in row-major order, to a new tensor of the given shape. Without a shape
// the tensor has one dimension. Of the options, a [Device] and [Pinned] are heeded: the dtype is
// data's.
func FromSlice[T Element](data []T, shape Shape, where ...Option) *Tensor {
	if shape == nil {
		shape = []int64{int64(len(data))}
	}
	o := gather(NoDType, where)
	if o.pinned {
		pinned := Empty(shape, dtypeOf[T](), Pinned)
		CopyFromSlice(pinned, data)
		if !o.device.cuda {
			return pinned
		}
		defer pinned.Close()
		return pinned.To(o.device)
	}
	const operation = "FromSlice"
	o.mustBePossible(operation)
	var zero T
	bytes := int64(len(data)) * int64(unsafe.Sizeof(zero))
	result := C.ctorch_tensor_from_data(cBytes(data), C.int64_t(bytes),
		int64s(shape), C.int64_t(len(shape)), C.int32_t(dtypeOf[T]()), o.device.c())
	runtime.KeepAlive(data)
	runtime.KeepAlive(shape)
	return made(operation, result)
}

// Scalar is a tensor without dimensions that holds value (a float32 on the CPU where the options say
// nothing).
func Scalar(value Number, how ...Option) *Tensor { return Full(nil, value, how...) }

// CopyToSlice copies t's elements, in row-major order, to data, which must have t's element type and
// exactly its number of elements.
func CopyToSlice[T Element](t *Tensor, data []T) {
	const operation = "CopyToSlice"
	self := t.acquire(operation)
	defer t.release()
	var zero T
	bytes := int64(len(data)) * int64(unsafe.Sizeof(zero))
	check(operation, C.ctorch_tensor_to_data(self, cBytes(data),
		C.int64_t(bytes), C.int32_t(dtypeOf[T]())))
	runtime.KeepAlive(data)
}

// CopyFromSlice copies data, in row-major order, to t, which must have data's element type and exactly its
// number of elements, and hands back t. Unlike [FromSlice] it makes no tensor: a [Pinned] one is filled
// again and again.
func CopyFromSlice[T Element](t *Tensor, data []T) *Tensor {
	const operation = "CopyFromSlice"
	self := t.acquire(operation)
	defer t.release()
	var zero T
	bytes := int64(len(data)) * int64(unsafe.Sizeof(zero))
	check(operation, C.ctorch_tensor_set_data(self, cBytes(data),
		C.int64_t(bytes), C.int32_t(dtypeOf[T]())))
	runtime.KeepAlive(data)
	return t
}

// ToSlice copies t's elements, in row-major order, to a new slice of t's element type.
func ToSlice[T Element](t *Tensor) []T {
	data := make([]T, t.NumElements())
	CopyToSlice(t, data)
	return data
}

// Float32s is the tensor's elements as float32, whatever its dtype.
func (t *Tensor) Float32s() []float32 {
	if t.DType() == Float32 {
		return ToSlice[float32](t)
	}
	converted := t.To(Float32)
	defer converted.Close()
	return ToSlice[float32](converted)
}

// Empty is a tensor of unspecified contents (float32 on the CPU where the options say nothing).
func Empty(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("Empty", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_empty(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// Full is a tensor filled with value (float32 on the CPU where the options say nothing).
func Full(shape Shape, value Number, how ...Option) *Tensor {
	number := cNumber("Full", value)
	return gather(Float32, how).with("Full", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_full(int64s(shape), C.int64_t(len(shape)), number, o)
	})
}

// Zeros is a tensor of zeros (float32 on the CPU where the options say nothing).
func Zeros(shape Shape, how ...Option) *Tensor { return Full(shape, 0, how...) }

// Ones is a tensor of ones (float32 on the CPU where the options say nothing).
func Ones(shape Shape, how ...Option) *Tensor { return Full(shape, 1, how...) }

// Arange is start, start+step, ... up to but without end (int64 where the options say nothing).
func Arange(start, end, step Number, how ...Option) *Tensor {
	const operation = "Arange"
	first, last, by := cNumber(operation, start), cNumber(operation, end), cNumber(operation, step)
	return gather(Int64, how).with(operation, func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_arange(first, last, by, o)
	})
}

// Linspace is count numbers from start to end, both included (float32 where the options say
// nothing).
func Linspace(start, end Number, count int64, how ...Option) *Tensor {
	const operation = "Linspace"
	first, last := cNumber(operation, start), cNumber(operation, end)
	return gather(Float32, how).with(operation, func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_linspace(first, last, C.int64_t(count), o)
	})
}

// Eye is the n x m matrix with ones on its diagonal (float32 where the options say nothing).
func Eye(n, m int64, how ...Option) *Tensor {
	return gather(Float32, how).with("Eye", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_eye(C.int64_t(n), C.int64_t(m), o)
	})
}

// Rand is uniform in [0, 1) (float32 where the options say nothing).
func Rand(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("Rand", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_rand(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// RandN is standard normal (float32 where the options say nothing).
func RandN(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("RandN", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randn(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// Normal is normal with the given mean and standard deviation (float32 where the options say
// nothing).
func Normal(mean, std float64, shape Shape, how ...Option) *Tensor {
	return Empty(shape, how...).NormalInPlace(mean, std, gather(Float32, how).generator)
}

// RandInt is whole numbers, uniform in [low, high) (int64 where the options say nothing).
func RandInt(low, high int64, shape Shape, how ...Option) *Tensor {
	return gather(Int64, how).with("RandInt", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randint(C.int64_t(low), C.int64_t(high), int64s(shape),
			C.int64_t(len(shape)), o)
	})
}

// RandPerm is a random permutation of 0 .. n-1 (int64 where the options say nothing).
func RandPerm(n int64, how ...Option) *Tensor {
	return gather(Int64, how).with("RandPerm", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randperm(C.int64_t(n), o)
	})
}
