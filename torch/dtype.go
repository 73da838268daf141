package torch

// #include "ctorch/ctorch.h"
import "C"

import "fmt"

// A DType is the type of a tensor's elements. It is also an [Option] of functions that make
// tensors.
type DType int32

// The element types, with PyTorch's names.
const (
	Uint8      DType = C.CTORCH_UINT8
	Int8       DType = C.CTORCH_INT8
	Int16      DType = C.CTORCH_INT16
	Int32      DType = C.CTORCH_INT32
	Int64      DType = C.CTORCH_INT64
	Float16    DType = C.CTORCH_FLOAT16
	Float32    DType = C.CTORCH_FLOAT32
	Float64    DType = C.CTORCH_FLOAT64
	Complex64  DType = C.CTORCH_COMPLEX64
	Complex128 DType = C.CTORCH_COMPLEX128
	Bool       DType = C.CTORCH_BOOL
	BFloat16   DType = C.CTORCH_BFLOAT16

	// NoDType means the dtype of the source, or a function's default.
	NoDType DType = -1
)

var dtypeNames = map[DType]string{
	Uint8: "uint8", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64",
	Float16: "float16", Float32: "float32", Float64: "float64",
	Complex64: "complex64", Complex128: "complex128", Bool: "bool", BFloat16: "bfloat16",
}

// String returns the type's name in PyTorch, such as "float32".
func (d DType) String() string {
	if name, ok := dtypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// ParseDType parses a name that [DType.String] returns.
func ParseDType(name string) (DType, error) {
	for dtype, known := range dtypeNames {
		if known == name {
			return dtype, nil
		}
	}
	return NoDType, invalid("ParseDType", "%q is no dtype; known are float32, float16, bfloat16, "+
		"float64, int64, int32, int16, int8, uint8, bool, complex64, complex128", name)
}

// IsFloatingPoint reports whether elements are real floating-point numbers.
func (d DType) IsFloatingPoint() bool {
	return d == Float16 || d == Float32 || d == Float64 || d == BFloat16
}

// ItemSize returns the size of an element in bytes, or 0 for an unknown type.
func (d DType) ItemSize() int64 {
	switch d {
	case Bool, Uint8, Int8:
		return 1
	case Int16, Float16, BFloat16:
		return 2
	case Int32, Float32:
		return 4
	case Int64, Float64, Complex64:
		return 8
	case Complex128:
		return 16
	}
	return 0
}

// IsComplex reports whether elements are complex numbers.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }

// partSize returns the size of the numbers that an element consists of.
func (d DType) partSize() int {
	if d.IsComplex() {
		return int(d.ItemSize() / 2)
	}
	return int(d.ItemSize())
}

func (d DType) apply(o *options) {
	if d != NoDType {
		o.dtype = d
	}
}

// Float16Bits holds the bits of an IEEE 754 binary16 number, an element of a [Float16] tensor.
type Float16Bits uint16

// BFloat16Bits holds the bits of a bfloat16 number, an element of a [BFloat16] tensor.
type BFloat16Bits uint16

// Element is the Go types that tensors are made from and copied to.
type Element interface {
	float32 | float64 | int64 | int32 | int16 | int8 | uint8 | bool | Float16Bits | BFloat16Bits |
		complex64 | complex128
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	case int32:
		return Int32
	case int16:
		return Int16
	case int8:
		return Int8
	case uint8:
		return Uint8
	case bool:
		return Bool
	case Float16Bits:
		return Float16
	case BFloat16Bits:
		return BFloat16
	case complex64:
		return Complex64
	default:
		return Complex128
	}
}
