package torch

// #include "ctorch/ctorch.h"
import "C"

import "fmt"

// A DType is the type of a tensor's elements. As an option of a function that makes a tensor it
// says what the tensor is made of.
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

	// NoDType stands for "as it is", or for a function's own default.
	NoDType DType = -1
)

var dtypeNames = map[DType]string{
	Uint8: "uint8", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64",
	Float16: "float16", Float32: "float32", Float64: "float64",
	Complex64: "complex64", Complex128: "complex128", Bool: "bool", BFloat16: "bfloat16",
}

// String is the type's name in PyTorch, as "float32".
func (d DType) String() string {
	if name, ok := dtypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// ParseDType is the inverse of [DType.String].
func ParseDType(name string) (DType, error) {
	for dtype, known := range dtypeNames {
		if known == name {
			return dtype, nil
		}
	}
	return NoDType, invalid("ParseDType", "%q is no dtype; known are float32, float16, bfloat16, "+
		"float64, int64, int32, int16, int8, uint8, bool, complex64, complex128", name)
}

// IsFloatingPoint reports whether elements are real numbers with a fraction.
func (d DType) IsFloatingPoint() bool {
	return d == Float16 || d == Float32 || d == Float64 || d == BFloat16
}

// ItemSize is the size of an element in bytes; 0 for what is no type of elements.
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

// IsComplex reports whether elements have a real and an imaginary part.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }

// partSize is the size of the numbers that an element is made of.
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

// Float16Bits is an IEEE 754 binary16 number, by its bits: an element of a [Float16] tensor.
type Float16Bits uint16

// BFloat16Bits is a bfloat16 number, by its bits: an element of a [BFloat16] tensor.
type BFloat16Bits uint16

// Element is what a tensor can be made of and copied to.
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
