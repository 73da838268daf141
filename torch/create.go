package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// An Option says how a new tensor is made: a [DType], a [Device], a [*Generator] or [Pinned].
// Copies also take [NonBlocking]. nil is no option.
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
		if option != nil {
			option.apply(&o)
		}
	}
	return o
}

// destination returns the dtype and device of a copy. NoDType and a nil device mean those of the
// source.
func destination(where []Option) (options, *C.ctorch_device) {
	asItIs := Device{index: -1}
	wanted := options{dtype: NoDType, device: asItIs}
	for _, option := range where {
		if option != nil {
			option.apply(&wanted)
		}
	}
	if wanted.device == asItIs {
		return wanted, nil
	}
	device := wanted.device.c()
	return wanted, &device
}

// with calls make with the options in C's form, and keeps the generator open meanwhile.
func (o options) with(operation string, make func(C.ctorch_options) C.ctorch_tensor_result) *Tensor {
	o.mustBePossible(operation)
	generator := o.generator.acquire(operation)
	defer o.generator.release()
	return made(operation, make(C.ctorch_options{
		dtype: C.int32_t(o.dtype), device: o.device.c(), generator: generator, pinned: cBool(o.pinned),
	}))
}

// FromSlice copies data, in row-major order, to a new tensor of the given shape; a nil shape means
// one dimension. The tensor has data's dtype, or the [DType] in the options, to which data is then
// converted. Other options are a [Device] and [Pinned]. It panics if the shape does not have
// len(data) elements.
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
	if own := dtypeOf[T](); o.dtype != NoDType && o.dtype != own {
		plain := FromSlice(data, shape)
		defer plain.Close()
		return plain.To(o.dtype, o.device)
	}
	o.mustBePossible(operation)
	var zero T
	bytes := int64(len(data)) * int64(unsafe.Sizeof(zero))
	result := C.ctorch_tensor_from_data(cBytes(data), C.int64_t(bytes),
		int64s(shape), C.int64_t(len(shape)), C.int32_t(dtypeOf[T]()), o.device.c())
	runtime.KeepAlive(data)
	runtime.KeepAlive(shape)
	return made(operation, result)
}

// Scalar returns a tensor without dimensions that holds value, a float32 on the CPU by default.
func Scalar(value Number, how ...Option) *Tensor { return full("Scalar", nil, value, how) }

// CopyToSlice copies t's elements, in row-major order, to data. It panics if data does not have t's
// element type and number of elements.
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

// CopyFromSlice copies data, in row-major order, to t, and returns t. It panics if data does not
// have t's element type and number of elements. Unlike [FromSlice] it allocates no tensor, so that
// a [Pinned] one can be filled again and again.
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

// ToSlice copies t's elements, in row-major order, to a new slice. It panics if T is not t's
// element type.
func ToSlice[T Element](t *Tensor) []T {
	data := make([]T, t.NumElements())
	CopyToSlice(t, data)
	return data
}

// Float32s returns t's elements in row-major order, converted to float32.
func (t *Tensor) Float32s() []float32 {
	if t.DType() == Float32 {
		return ToSlice[float32](t)
	}
	converted := t.To(Float32)
	defer converted.Close()
	return ToSlice[float32](converted)
}

// Empty returns an uninitialized tensor, float32 on the CPU by default.
func Empty(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("Empty", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_empty(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// Full returns a tensor filled with value, float32 on the CPU by default.
func Full(shape Shape, value Number, how ...Option) *Tensor { return full("Full", shape, value, how) }

func full(operation string, shape Shape, value Number, how []Option) *Tensor {
	number := cNumber(operation, value)
	return gather(Float32, how).with(operation, func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_full(int64s(shape), C.int64_t(len(shape)), number, o)
	})
}

// Zeros returns a tensor of zeros, float32 on the CPU by default.
func Zeros(shape Shape, how ...Option) *Tensor { return full("Zeros", shape, 0, how) }

// Ones returns a tensor of ones, float32 on the CPU by default.
func Ones(shape Shape, how ...Option) *Tensor { return full("Ones", shape, 1, how) }

// Arange returns start, start+step, and so on, up to but not including end. By default it is
// float32 if one of the numbers is a float, else int64.
func Arange(start, end, step Number, how ...Option) *Tensor {
	const operation = "Arange"
	first, last, by := cNumber(operation, start), cNumber(operation, end), cNumber(operation, step)
	dtype := Int64
	for _, number := range []C.ctorch_number{first, last, by} {
		if number.kind == C.CTORCH_NUMBER_REAL {
			dtype = Float32
		}
	}
	return gather(dtype, how).with(operation, func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_arange(first, last, by, o)
	})
}

// Linspace returns count numbers evenly spaced from start to end, both included; float32 by
// default.
func Linspace(start, end Number, count int64, how ...Option) *Tensor {
	const operation = "Linspace"
	first, last := cNumber(operation, start), cNumber(operation, end)
	return gather(Float32, how).with(operation, func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_linspace(first, last, C.int64_t(count), o)
	})
}

// Eye returns the n x m matrix with ones on its diagonal, float32 by default.
func Eye(n, m int64, how ...Option) *Tensor {
	return gather(Float32, how).with("Eye", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_eye(C.int64_t(n), C.int64_t(m), o)
	})
}

// Rand returns uniform random numbers in [0, 1), float32 by default.
func Rand(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("Rand", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_rand(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// RandN returns standard normal random numbers, float32 by default.
func RandN(shape Shape, how ...Option) *Tensor {
	return gather(Float32, how).with("RandN", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randn(int64s(shape), C.int64_t(len(shape)), o)
	})
}

// Normal returns normal random numbers with the given mean and standard deviation, float32 by
// default.
func Normal(mean, std float64, shape Shape, how ...Option) *Tensor {
	return Empty(shape, how...).NormalInPlace(mean, std, gather(Float32, how).generator)
}

// RandInt returns uniform random integers in [low, high), int64 by default.
func RandInt(low, high int64, shape Shape, how ...Option) *Tensor {
	return gather(Int64, how).with("RandInt", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randint(C.int64_t(low), C.int64_t(high), int64s(shape),
			C.int64_t(len(shape)), o)
	})
}

// RandPerm returns a random permutation of 0 to n-1, int64 by default.
func RandPerm(n int64, how ...Option) *Tensor {
	return gather(Int64, how).with("RandPerm", func(o C.ctorch_options) C.ctorch_tensor_result {
		return C.ctorch_randperm(C.int64_t(n), o)
	})
}
